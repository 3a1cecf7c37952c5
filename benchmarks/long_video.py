"""Whether memory stays flat over a long video: RSS while the embedded XMem tracks two objects.

The film is drawn by the program and decoded from a file like any other. Both objects have an
anchor on its first and on its last frame, so there is a forward pass over all of it, whose masks
wait on disk, and a backward pass, which is blended with them.

python benchmarks/long_video.py --frames 20000 --json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.registry import EMBEDDED_FOLDER, load_segmenter
from trackanything_core.models.xmem.checkpoint import load_network
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.tracking.refine import RefineSettings
from trackanything_core.tracking.session import Session
from trackanything_core.types import Image, Mask, Prompt
from trackanything_core.video.open import open_source
from trackanything_core.video.writer import VideoWriter

HEIGHT, WIDTH = 64, 96
SETTLED = 1000  # frames until the memory of a pass is as large as it gets
MOST_MB_PER_1000 = 1.0
MB = 1e6


@dataclass(frozen=True)
class Reading:
    """Taken after so many steps: RSS in MB, and mean IoU with the truth on that frame."""

    step: int
    rss: float
    iou: float


def main() -> None:
    """Print RSS as it goes, and how fast it grows; exit code 1 where that is too fast."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20_000, help="of the film")
    parser.add_argument("--every", type=int, default=1000, help="frames between two readings")
    parser.add_argument(
        "--refine", action="store_true", help="ask SAM about doubtful masks too: many times slower"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    arguments = parser.parse_args()
    if arguments.frames < max(SETTLED, arguments.every) + 2 * arguments.every:
        parser.error(f"expected more frames: memory settles in {SETTLED}, and two readings follow")

    began = time.perf_counter()
    readings = []
    for reading in measure(arguments.frames, arguments.every, refine=arguments.refine):
        readings.append(reading)
        print(f"{reading.step:7d} frames {reading.rss:9.2f} MB", file=sys.stderr, flush=True)
    last_forward = arguments.frames
    slopes = {
        "all": slope(readings, SETTLED),
        "forward": slope([each for each in readings if each.step <= last_forward], SETTLED),
        "backward": slope(readings, last_forward + SETTLED),
    }
    result = {
        "frames": arguments.frames,
        "size": [HEIGHT, WIDTH],
        "refine": arguments.refine,
        "rss_mb": [[each.step, each.rss] for each in readings],
        "slope_mb_per_1000_frames": slopes,
        "limit": MOST_MB_PER_1000,
        "mean_iou": round(float(np.mean([each.iou for each in readings])), 3),
        "frames_per_second": round(2 * arguments.frames / (time.perf_counter() - began), 1),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        said = ", ".join(f"{value:+.3f} {name}" for name, value in slopes.items())
        print(f"MB per 1,000 frames once settled: {said} (limit {MOST_MB_PER_1000})")
    sys.exit(int(max(slopes.values()) >= MOST_MB_PER_1000))


def measure(frames: int, every: int, *, refine: bool) -> Iterator[Reading]:
    """Track through the film; readings of the forward pass, then of the backward one."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with VideoWriter(path, Fraction(25)) as writer:
            for frame in range(frames):
                writer.write(picture(frame))
        with open_source(path) as source:
            network, settings = load_network(EMBEDDED_FOLDER / "xmem.safetensors")
            # Enlarged to the size that suits the weights, the film would take hours.
            settings = replace(settings, internal_size=None)
            session = Session(
                source,
                load_segmenter(device="cpu"),
                XMemPropagatorFactory(network, settings, name="embedded"),
                refine=RefineSettings() if refine else None,
            )
            for frame in (0, frames - 1):
                for name, mask in truth(frame).items():
                    session.prompt(Prompt(name, frame, mask=mask))
            for step, found in enumerate(session.propagate(), start=1):
                if step % every == 0:
                    true = truth(found.frame)
                    ious = [region_similarity(true[name], found.masks[name]) for name in true]
                    rss = round(process.memory_info().rss / MB, 2)
                    yield Reading(step, rss, float(np.mean(ious)))
            if session.stale():
                raise RuntimeError("expected masks on all frames")


def slope(readings: Sequence[Reading], first: int) -> float:
    """Least squares over the readings from step `first` on, MB per 1,000 frames."""
    settled = [reading for reading in readings if reading.step >= first]
    thousands = [reading.step / 1000 for reading in settled]
    return round(float(np.polyfit(thousands, [reading.rss for reading in settled], 1)[0]), 4)


def picture(frame: int) -> Image:
    """(H, W, 3) uint8 of a frame: two discs on their rounds over a drifting pattern."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = np.sin(0.31 * columns + 0.02 * frame) * np.cos(0.23 * rows - 0.013 * frame)
    image: Image = np.repeat((110 + 60 * waves)[..., None], 3, axis=2).astype(np.uint8)
    for mask, colour in zip(truth(frame).values(), ((214, 60, 40), (40, 90, 210)), strict=True):
        image[mask] = colour
    return image


def truth(frame: int) -> dict[str, Mask]:
    """Where the discs are, (H, W) bool each; the later one is on top."""
    later = _disc(frame, period=173, phase=2.1, radius=9)
    return {"red": _disc(frame, period=241, phase=0.4, radius=12) & ~later, "blue": later}


def _disc(frame: int, *, period: int, phase: float, radius: float) -> npt.NDArray[np.bool_]:
    angle = 2 * np.pi * frame / period + phase
    x, y = WIDTH * (0.5 + 0.3 * np.cos(angle)), HEIGHT * (0.5 + 0.25 * np.sin(2 * angle))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc: npt.NDArray[np.bool_] = np.hypot(columns - x, rows - y) <= radius
    return disc


if __name__ == "__main__":
    main()
