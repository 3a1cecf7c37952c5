"""Outlines through a video as VideoVector keeps them: the same vertices on every key frame.

The tag is in the published schema of Label Studio's SDK; the editor of 1.23 has no drawing of it.
A vertex keeps its id through a lifespan, so that it can be interpolated from key frame to key
frame like the corners of a box.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ml_backend.frame_clock import FrameClock
from ml_backend.key_frames import choose_key_frames
from ml_backend.polygons import Points, largest_ring
from ml_backend.video_boxes import KeyFrame, lifespans
from trackanything_core.types import FrameIndex, Mask

VERTICES = 64
"""Vertices of an outline."""

TOLERANCE = 3.0
"""Pixels that a vertex may be off between key frames."""


def write_vector_sequence(
    rings: Mapping[FrameIndex, Points],
    size: tuple[int, int],
    clock: FrameClock,
    *,
    keep: Collection[FrameIndex] = (),
    tolerance: float = TOLERANCE,
) -> list[KeyFrame]:
    """Write the outlines of an object through a video.

    Args:
        rings: by frame of the file, (VERTICES, 2) as `sample_ring` gives them; none where the
            object is out of sight.
        size: (height, width) of the video in pixels.
        clock: how the editor counts its frames.
        keep: frames that become key frames in any case.
        tolerance: pixels that a vertex may be off between key frames.

    Returns:
        Key frames in order; none where the object is never seen.
    """
    kept = {clock.editor_frame(index) for index in keep}
    shown = {
        frame: ring
        for frame in range(1, clock.editor_frames + 1)
        if (ring := rings.get(clock.index_of(frame))) is not None and len(ring)
    }
    sequence: list[KeyFrame] = []
    for number, lifespan in enumerate(lifespans(shown)):
        aligned = _aligned([shown[frame] for frame in lifespan])
        within = [frame - lifespan[0] for frame in kept if frame in lifespan]
        values = aligned.reshape(len(aligned), -1)
        for k in choose_key_frames(values, tolerance, within):
            sequence.append(_key_frame(lifespan[k], aligned[k], size, clock, f"v{number}"))
        sequence[-1]["enabled"] = lifespan[-1] == clock.editor_frames
    return sequence


def sample_ring(mask: Mask, count: int = VERTICES) -> Points:
    """The outline of the largest part of a mask, as corners at equal distances.

    Args:
        mask: (H, W) bool.
        count: how many corners, at least 3.

    Returns:
        (count, 2), or (0, 2) for an empty mask.
    """
    ring = largest_ring(mask)
    if not len(ring):
        return ring
    closed = np.vstack([ring, ring[:1]])
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0.0, way[-1], count, endpoint=False)
    return np.column_stack([np.interp(at, way, closed[:, axis]) for axis in (0, 1)])


def _aligned(rings: Sequence[Points]) -> npt.NDArray[np.float64]:
    """Number the vertices of each ring so that they move least from the ring before.

    (T, N, 2); where the centre of the outline goes does not count, only its shape.
    """
    aligned = [rings[0]]
    for ring in rings[1:]:
        before = aligned[-1] - aligned[-1].mean(axis=0)
        centred = ring - ring.mean(axis=0)
        # The sum of squared distances is least where the correlation is greatest.
        spectrum = np.fft.fft(_complex(before)) * np.conj(np.fft.fft(_complex(centred)))
        shift = int(np.argmax(np.fft.ifft(spectrum).real))
        aligned.append(np.roll(ring, shift, axis=0))
    return np.stack(aligned)


def _complex(ring: Points) -> npt.NDArray[np.complex128]:
    return np.asarray(ring[:, 0] + 1j * ring[:, 1], np.complex128)


def _key_frame(
    frame: int, ring: Points, size: tuple[int, int], clock: FrameClock, name: str
) -> KeyFrame:
    height, width = size
    percent = (ring + 0.5) / (width, height) * 100
    ids = [f"{name}-{k}" for k in range(len(ring))]
    return {
        "frame": frame,
        "enabled": True,
        "closed": True,
        "time": round(clock.time_of(frame), 6),
        "vertices": [
            {"id": id, "x": x, "y": y, "isBezier": False}
            | ({"prevPointId": ids[k - 1]} if k else {})
            for k, (id, (x, y)) in enumerate(zip(ids, percent.tolist(), strict=True))
        ],
    }
