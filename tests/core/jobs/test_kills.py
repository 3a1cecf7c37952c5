"""The model process is killed again and again, and nothing is lost and nothing done twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from tests.core.jobs.small_job import (
    CHECKPOINT_EVERY,
    FRAMES,
    SESSION,
    open_workspace,
    prompt_all,
    work,
)
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.store.store import Store

KILLS = 20

pytestmark = pytest.mark.faults


class Bench:
    """A store, and processes that work on it."""

    def __init__(self, folder: Path, frames: int = FRAMES) -> None:
        folder.mkdir()
        self.file = folder / "store.sqlite3"
        self.url = f"sqlite:///{self.file}"
        self.counter = folder / "steps"
        self.counter.touch()
        # Imported once, so that each start is quick; each process is one of its own all the same.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.core.jobs.small_job"])
        workspace = open_workspace(self.url, self.counter, run_jobs=False)
        prompt_all(workspace, frames)
        workspace.close()
        with sqlite3.connect(self.file) as connection:
            connection.executescript(
                """
                CREATE TABLE finished (object_id, frame);
                CREATE TRIGGER inserted AFTER INSERT ON masks WHEN NEW.span_id IS NOT NULL
                BEGIN INSERT INTO finished VALUES (NEW.object_id, NEW.frame); END;
                CREATE TRIGGER updated AFTER UPDATE ON masks WHEN NEW.span_id IS NOT NULL
                BEGIN INSERT INTO finished VALUES (NEW.object_id, NEW.frame); END;
                """
            )

    def start(self, **options: Any) -> BaseProcess:
        process = self._context.Process(target=work, args=(self.url, self.counter, options))
        process.start()
        return process

    @property
    def steps(self) -> int:
        """Steps of propagation that were computed, by all processes together."""
        return self.counter.stat().st_size

    def ended(self) -> str:
        job = JobQueue(Store.open(self.url).database).newest(SESSION)
        assert job is not None
        return f"{job.state} {job.error}".strip()

    def masks(self) -> Mapping[tuple[str, int], tuple[Any, ...]]:
        """Everything that was computed."""
        with sqlite3.connect(self.file) as connection:
            rows = connection.execute(
                "SELECT object_id, frame, counts, score, span FROM masks"
                " LEFT JOIN spans ON spans.id = span_id ORDER BY object_id, frame"
            ).fetchall()
        return {(name, frame): tuple(rest) for name, frame, *rest in rows}

    def finished(self) -> list[tuple[str, int]]:
        """Object and frame of each mask that was finished, as often as it was."""
        with sqlite3.connect(self.file) as connection:
            query = "SELECT object_id, frame FROM finished ORDER BY object_id, frame"
            return connection.execute(query).fetchall()


def kill(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def undisturbed(folder: Path, frames: int = FRAMES) -> Bench:
    bench = Bench(folder, frames)
    process = bench.start()
    process.join(300)
    assert process.exitcode == 0
    assert bench.ended() == "done"
    return bench


def test_a_process_that_is_killed_twenty_times_gives_the_masks_of_one_that_is_not(
    tmp_path: Path,
) -> None:
    whole = undisturbed(tmp_path / "whole")
    expected = {("cat", frame) for frame in range(1, FRAMES - 1)}
    expected |= {("dog", frame) for frame in range(FRAMES) if frame != FRAMES // 3}
    assert whole.masks().keys() == expected

    draw = random.Random(time.time_ns())
    moments = sorted(draw.sample(range(1, whole.steps - 10), KILLS))
    killed = Bench(tmp_path / "killed")
    for moment in moments:
        process = killed.start()
        before = killed.steps
        # What is computed again after a kill does not count as being further.
        while killed.steps < max(moment, before + 1):
            assert process.is_alive(), f"{killed.ended()} before it was killed at {moment}"
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))
        kill(process)
    last = killed.start()
    last.join(300)

    assert killed.ended() == "done"
    assert killed.masks() == whole.masks(), f"killed at {moments}"
    assert killed.finished() == sorted(expected), f"killed at {moments}"
    again = killed.steps - whole.steps
    assert 0 < again < KILLS * CHECKPOINT_EVERY, f"killed at {moments}"
