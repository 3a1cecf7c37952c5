"""What a click and a frame of tracking write to the database, and how large a checkpoint is.

python benchmarks/store_cost.py --objects 2 --frames 60 --json

Runs a job on noise with the embedded networks through the real store and runner, and counts
transactions that write, statements that write, and bytes. The counts do not depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, event, func, select

from trackanything_core.jobs.workspace import Workspace
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.store.schema import checkpoints
from trackanything_core.store.store import Store
from trackanything_core.types import Click, FrameIndex, Image, Prompt
from trackanything_core.video.base import FrameSource

_WRITES = ("INSERT", "UPDATE", "DELETE")


class Noise(FrameSource):
    """Frames of noise with bright squares, one for each object."""

    def __init__(self, frames: int, size: tuple[int, int], objects: int) -> None:
        self._frames, self._size, self._objects = frames, size, objects

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self._size

    @property
    def times(self) -> None:
        """Not known."""

    @property
    def fps(self) -> None:
        """Not known."""

    def close(self) -> None:
        """Nothing is open."""

    def __len__(self) -> int:
        return self._frames

    def read(self, frame: FrameIndex) -> Image:
        """One frame."""
        picture = np.random.default_rng(frame).integers(60, 120, (*self._size, 3), np.uint8)
        for number in range(self._objects):
            x, y = self.centre(number)
            picture[y - 30 : y + 30, x - 30 : x + 30] = (230, 60 * number, 20)
        return picture

    def centre(self, number: int) -> tuple[int, int]:
        """Of a square."""
        return (number + 1) * self._size[1] // (self._objects + 1), self._size[0] // 2


def run(objects: int, frames: int, size: tuple[int, int]) -> dict[str, Any]:
    """Click each object, track all, and count."""
    video = Noise(frames, size, objects)

    def open_video(_: Mapping[str, Any]) -> AbstractContextManager[FrameSource]:
        return nullcontext(video)

    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/store.db")
        models = load_segmenter(device="cpu"), load_propagator(device="cpu")
        workspace = Workspace(store, *models, open_video, run_jobs=False, checkpoint_every=50)
        with _counted() as clicks:
            for number in range(objects):
                x, y = video.centre(number)
                with workspace.edit("session", {}) as live:
                    live.session.prompt(Prompt(f"object {number}", 0, clicks=(Click(x, y),)))
        workspace.track("session")
        largest = 0
        with _counted() as steps:
            began = time.monotonic()
            runner = Workspace(store, *models, open_video, checkpoint_every=50)
            while (job := runner.job("session")) is not None and job.is_active:
                largest = max(largest, _checkpoint_bytes(store))
                time.sleep(0.2)
            seconds = time.monotonic() - began
        assert job is not None
        assert job.state == "done", job.error
        runner.close()
        workspace.close()
        store.close()
        size_on_disk = sum(path.stat().st_size for path in Path(folder).iterdir())
    computed = frames - 1
    return {
        "objects": objects,
        "frames": frames,
        "size": size,
        "click_transactions": clicks["transactions"] / objects,
        "click_writes": clicks["writes"] / objects,
        "frame_transactions": steps["transactions"] / computed,
        "frame_writes": steps["writes"] / computed,
        "frame_s": seconds / computed,
        "checkpoint_bytes": largest,
        "database_bytes": size_on_disk,
    }


def _checkpoint_bytes(store: Store) -> int:
    with store.database.read() as connection:
        found = connection.execute(select(func.sum(func.length(checkpoints.c.data)))).scalar_one()
    return int(found or 0)


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    counts: Counter[str] = Counter()

    def executed(_: Any, __: Any, statement: str, *more: Any) -> None:
        counts["transactions"] += statement.startswith("BEGIN IMMEDIATE")
        counts["writes"] += statement.lstrip().startswith(_WRITES)

    event.listen(Engine, "before_cursor_execute", executed)
    try:
        yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", executed)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--size", type=int, nargs=2, default=(480, 854), help="height and width")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = run(given.objects, given.frames, (given.size[0], given.size[1]))
    if given.json:
        print(json.dumps(result))
        return
    print(
        f"a click: {result['click_transactions']:.1f} transactions, {result['click_writes']:.1f} "
        f"writes; a frame: {result['frame_transactions']:.2f}, {result['frame_writes']:.1f}; "
        f"{result['frame_s']:.2f} s per frame; "
        f"checkpoint {result['checkpoint_bytes'] / 1e6:.2f} MB; "
        f"database {result['database_bytes'] / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
