"""Tracks of boxes as VideoRectangle keeps them: key frames, linear in between.

A key frame says where the box is on its frame and whether it goes on from there: one with
`enabled: false` is still shown on its own frame and ends a lifespan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ml_backend.errors import RequestError
from ml_backend.frame_clock import FrameClock
from ml_backend.key_frames import choose_key_frames
from trackanything_core.types import FrameIndex

Edges: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; 0 is the left edge of pixel 0, W the right of the last."""

KeyFrame: TypeAlias = dict[str, Any]
"""An entry of a `sequence`: frame from 1, x, y, width, height in percent, enabled, rotation."""

TOLERANCE = 1.0
"""Pixels that interpolation may be off in each of left, top, right, bottom, width, height."""

_ROUNDING = 1e-6
"""Pixels kept back for percent and back."""


def write_sequence(
    boxes: Mapping[FrameIndex, Edges | None],
    size: tuple[int, int],
    clock: FrameClock,
    *,
    keep: Collection[FrameIndex] = (),
    tolerance: float = TOLERANCE,
) -> list[KeyFrame]:
    """Write a track with as few key frames as the tolerance allows.

    Args:
        boxes: by frame of the file, counted from 0; none or None where the object is out of sight.
        size: (height, width) of the video in pixels.
        clock: how the editor counts its frames.
        keep: frames that become key frames in any case, such as those that a human drew.
        tolerance: pixels that a box may be off between key frames, in every coordinate.

    Returns:
        Key frames in order; none where the object is never seen.
    """
    kept = {clock.editor_frame(index) for index in keep}
    shown = {
        frame: box
        for frame in range(1, clock.editor_frames + 1)
        if (box := boxes.get(clock.index_of(frame))) is not None
    }
    sequence: list[KeyFrame] = []
    for lifespan in lifespans(shown):
        values = _with_extent(np.array([shown[frame] for frame in lifespan], np.float64))
        within = [frame - lifespan[0] for frame in kept if frame in lifespan]
        chosen = choose_key_frames(values, tolerance - _ROUNDING, within)
        sequence += [_key_frame(lifespan[k], shown[lifespan[k]], size, clock) for k in chosen]
        # A box that is there on the last frame has no end.
        sequence[-1]["enabled"] = lifespan[-1] == clock.editor_frames
    return sequence


def read_sequence(sequence: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> dict[int, Edges]:
    """The box on every frame from the first key frame to the last, as the editor shows them.

    Args:
        sequence: key frames in any order; a turned box gives the box round its corners.
        size: (height, width) of the video in pixels.

    Returns:
        Boxes by frame as the editor counts, from 1. After a last key frame that is enabled the
        box stays as it is there.

    Raises:
        RequestError: a key frame is not formed as the editor forms it.
    """
    keys = sorted(map(_read_key_frame, sequence), key=lambda key: key[0])
    found: dict[int, Edges] = {}
    for (frame, enabled, box), (after, _, target) in pairwise(keys):
        for k in range(frame, after if enabled else frame + 1):
            found[k] = _edges(box + (target - box) * ((k - frame) / (after - frame)), size)
    if keys:
        found[keys[-1][0]] = _edges(keys[-1][2], size)
    return found


def lifespans(frames: Collection[int]) -> list[range]:
    """The runs of frames without a gap, in order."""
    ordered = np.array(sorted(frames), np.int64)
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    return [range(int(run[0]), int(run[-1]) + 1) for run in runs if len(run)]


def _with_extent(edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Left, top, right, bottom with width and height beside them."""
    return np.hstack([edges, edges[:, 2:] - edges[:, :2]])


def _key_frame(frame: int, box: Edges, size: tuple[int, int], clock: FrameClock) -> KeyFrame:
    left, top, right, bottom = box
    height, width = size
    return {
        "frame": frame,
        "enabled": True,
        "rotation": 0,
        "x": left / width * 100,
        "y": top / height * 100,
        "width": (right - left) / width * 100,
        "height": (bottom - top) / height * 100,
        "time": round(clock.time_of(frame), 6),
    }


def _read_key_frame(key: Mapping[str, Any]) -> tuple[int, bool, npt.NDArray[np.float64]]:
    try:
        box = [float(key[name]) for name in ("x", "y", "width", "height")]
        values = np.array([*box, float(key.get("rotation") or 0)])
        if not np.isfinite(values).all():
            raise ValueError("not finite")
        return int(key["frame"]), bool(key.get("enabled", True)), values
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(
            f"expected a key frame with frame, x, y, width and height, got {dict(key)!r}: {error!r}"
        ) from error


def _edges(values: npt.NDArray[np.float64], size: tuple[int, int]) -> Edges:
    height, width = size
    left, top, across, down = values[:4] / 100 * (width, height, width, height)
    angle = np.deg2rad(values[4])
    corners = np.array([(0, 0), (across, 0), (0, down), (across, down)])
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    turned = corners @ turn + (left, top)
    (x0, y0), (x1, y1) = turned.min(axis=0), turned.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
