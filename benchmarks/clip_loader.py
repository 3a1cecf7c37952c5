"""How fast training clips are made, against how fast a training step uses them up.

python benchmarks/clip_loader.py --data ../shared/data/coco200 --step-ms 700
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from trackanything_core.training.clips import generate_clip
from trackanything_core.training.coco import load_coco
from trackanything_core.training.loader import ClipLoader

WARM_UP = 10


def main() -> None:
    """Print CPU time per clip, batches per second of the loader, and the load per step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="COCO panoptic directory")
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--clips", type=int, default=200, help="how many to time")
    parser.add_argument("--step-ms", type=float, default=700, help="time of a training step")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    images = load_coco(arguments.data)
    shape = {"size": arguments.size, "frames": arguments.frames}

    rng = np.random.default_rng(0)
    for _ in range(WARM_UP):
        generate_clip(rng, images, **shape)
    start = time.process_time()
    for _ in range(arguments.clips):
        generate_clip(rng, images, **shape)
    clip_ms = 1000 * (time.process_time() - start) / arguments.clips

    count = max(arguments.clips // arguments.batch, 1)
    with ClipLoader(
        images, seed=0, batch=arguments.batch, workers=arguments.workers, **shape
    ) as loader:
        for _ in range(WARM_UP):
            next(loader)
        start = time.perf_counter()
        for _ in range(count):
            next(loader)
        seconds = time.perf_counter() - start

    fresh = (arguments.batch + 1) // 2
    print(f"one clip: {clip_ms:.1f} ms of one core, {1000 / clip_ms:.0f} clips/s per core")
    print(f"loader: {count * arguments.batch / seconds:.0f} clips/s, half of them fresh")
    print(
        f"a batch of {arguments.batch} costs {fresh * clip_ms:.0f} ms of one core, "
        f"{fresh * clip_ms / arguments.step_ms:.0%} of a step of {arguments.step_ms:.0f} ms"
    )


if __name__ == "__main__":
    main()
