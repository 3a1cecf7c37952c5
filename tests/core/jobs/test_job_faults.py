"""A job ends right, or in a clear error, whatever happens to its process, clock and disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.core.jobs.bench import Bench, undisturbed
from tests.core.jobs.small_job import SESSION, open_workspace
from trackanything_core.store.database import Database

FRAMES = 40

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The same job, with nothing in its way."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed") / "whole", FRAMES)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", FRAMES)


def wait_for_steps(bench: Bench, steps: int) -> None:
    deadline = time.monotonic() + 120
    while bench.steps < steps:
        assert time.monotonic() < deadline, f"only {bench.steps} of {steps} steps: {bench.ended()}"
        time.sleep(0.005)


def is_locked(file: Path) -> bool:
    connection = sqlite3.connect(file, timeout=0.3, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


def test_a_runner_that_was_away_too_long_leaves_its_job_to_another(
    bench: Bench, whole: Bench
) -> None:
    first = bench.start(lease_seconds=1.0)
    assert first.pid is not None
    wait_for_steps(bench, 30)
    os.kill(first.pid, signal.SIGSTOP)
    while is_locked(bench.file):  # it was stopped as it wrote, and would stop all others
        os.kill(first.pid, signal.SIGCONT)
        time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)
    second = bench.start(lease_seconds=1.0)
    wait_for_steps(bench, bench.steps + 20)
    os.kill(first.pid, signal.SIGCONT)
    for process in (first, second):
        process.join(120)
        assert process.exitcode == 0
    assert bench.ended() == "done"
    assert bench.masks() == whole.masks()


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["forward", "back"])
def test_a_clock_that_jumps_changes_nothing(
    bench: Bench, whole: Bench, jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset, now = [0.0], Database.now

    def jumped(self: Database, connection: Connection) -> float:
        return now(self, connection) + offset[0]

    monkeypatch.setattr(Database, "now", jumped)
    runners = [open_workspace(bench.url, bench.counter) for _ in range(2)]
    wait_for_steps(bench, 40)
    offset[0] = jump
    job = runners[0].wait(SESSION, 120)
    for runner in runners:
        runner.close()
    assert job is not None
    assert bench.ended() == "done"
    assert bench.masks() == whole.masks()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        reason = f"a small disk cannot be mounted here: {mounted.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_ends_in_a_clear_error_or_is_waited_for(
    small_disk: Path, whole: Bench, tmp_path: Path
) -> None:
    bench = Bench(small_disk / "bench", FRAMES)
    bench.counter = tmp_path / "steps"
    bench.counter.touch()
    process = bench.start()
    wait_for_steps(bench, 20)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass  # full
    time.sleep(3)
    assert bench.masks().keys() < whole.masks().keys()
    ballast.unlink()
    process.join(120)
    if bench.ended() != "done":
        assert "make room on the disk" in bench.ended()
        workspace = open_workspace(bench.url, bench.counter, run_jobs=False)
        workspace.track(SESSION)
        workspace.close()
        bench.start().join(120)
    assert bench.ended() == "done"
    assert bench.masks() == whole.masks()
