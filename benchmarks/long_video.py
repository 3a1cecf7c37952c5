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
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from trackanything_core.models.registry import EMBEDDED_FOLDER, load_segmenter
from trackanything_core.models.xmem.checkpoint import load_network
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.tracking.session import Session
from trackanything_core.types import Image, Mask, Prompt
from trackanything_core.video.open import open_source
from trackanything_core.video.writer import VideoWriter

HEIGHT, WIDTH = 64, 96
MOST_MB_PER_1000 = 1.0
MB = 1e6


def main() -> None:
    """Print RSS every so many frames, and how fast it grows; fails where that is too fast."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20_000, help="of the film, 2000 or more")
    parser.add_argument("--every", type=int, default=1000, help="frames between two readings")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    arguments = parser.parse_args()
    if arguments.frames < 2 * arguments.every:
        parser.error("too few frames to see anything grow")

    began = time.perf_counter()
    readings = list(measure(arguments.frames, arguments.every, quiet=arguments.json))
    steps = 2 * arguments.frames
    result = {
        "frames": arguments.frames,
        "size": [HEIGHT, WIDTH],
        "rss_mb": readings,
        "slope_mb_per_1000_frames": slope(readings),
        "forward": slope([row for row in readings if row[0] <= arguments.frames]),
        "backward": slope([row for row in readings if row[0] > arguments.frames]),
        "limit": MOST_MB_PER_1000,
        "frames_per_second": round(steps / (time.perf_counter() - began), 1),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            "MB per 1,000 frames, after the first {}: {:+.3f} in all, {:+.3f} forward, "
            "{:+.3f} backward (limit {})".format(
                arguments.every,
                result["slope_mb_per_1000_frames"],
                result["forward"],
                result["backward"],
                MOST_MB_PER_1000,
            )
        )
    flat = max(result["slope_mb_per_1000_frames"], result["forward"], result["backward"])
    sys.exit(flat >= MOST_MB_PER_1000)


def measure(frames: int, every: int, *, quiet: bool) -> Iterator[tuple[int, float]]:
    """Track through the film.

    Yields:
        (steps done, RSS in MB); forward steps, then backward ones.
    """
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
            propagators = XMemPropagatorFactory(network, settings, name="embedded")
            session = Session(source, load_segmenter(device="cpu"), propagators)
            for frame in (0, frames - 1):
                for name, mask in truth(frame).items():
                    session.prompt(Prompt(name, frame, mask=mask))
            for step, _ in enumerate(session.propagate(), start=1):
                if step % every == 0:
                    reading = step, round(process.memory_info().rss / MB, 2)
                    if not quiet:
                        print(f"{reading[0]:7d} frames {reading[1]:9.2f} MB", flush=True)
                    yield reading


def slope(readings: list[tuple[int, float]]) -> float:
    """Least squares, MB per 1,000 frames, of all readings but the first."""
    steps, rss = np.array(readings[1:], np.float64).T
    return round(float(np.polyfit(steps / 1000, rss, 1)[0]), 4)


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
