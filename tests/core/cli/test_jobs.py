"""`trackanything jobs` and `trackanything worker`, on a real store with a real queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core.cli.conftest import FRAMES, SIZE
from tests.core.cli.test_commands import trackanything
from tests.fakes import FakePropagator, FakePropagators, FakeSegmenter
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.jobs.workspace import Workspace, open_path
from trackanything_core.store.store import Store
from trackanything_core.types import Mask, Prompt

SLOW_FRAME_SECONDS = 0.2


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def workspace(url: str, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The sessions `one` and `two`, each of the clip with a square on its first frame."""
    monkeypatch.setenv("COLUMNS", "200")  # else tables are folded
    store = Store.open(url)
    workspace = Workspace(store, FakeSegmenter(), FakePropagators(), run_jobs=False)
    for name in ("one", "two"):
        with workspace.edit(name, {"path": str(clip)}) as live:
            live.session.prompt(Prompt("square", 0, mask=square()))
    yield workspace
    workspace.close()
    store.close()


def square() -> Mask:
    mask = np.zeros(SIZE, np.bool_)
    mask[16:32, 10:26] = True
    return mask


def masks_of(workspace: Workspace, session: str) -> list[int]:
    """The frames that have a mask."""
    view = workspace.view(session)
    return [frame for frame in range(FRAMES) if view.frame_masks(frame).masks]


def test_list_shows_what_waits_or_runs_and_with_all_what_has_ended(
    workspace: Workspace, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = workspace.track("one", user="ann", project="7")
    job = workspace.queue.take("a runner")
    assert job is not None
    assert job.id == ended
    workspace.queue.fail(ended, "a runner", "the disk is full")
    workspace.track("two", user="bob")
    assert trackanything("jobs", "list", "--database", url) == 0
    shown = capfd.readouterr().out
    assert "two" in shown
    assert "bob" in shown
    assert "ann" not in shown
    assert "0 running at 0.0 frames/s, 1 waiting" in " ".join(shown.split())
    assert trackanything("jobs", "list", "--all", "--database", url) == 0
    shown = capfd.readouterr().out
    assert "ann" in shown
    assert "failed: the disk is full" in shown


def test_cancel_ends_the_jobs_that_are_named_and_no_others(workspace: Workspace, url: str) -> None:
    one, two = workspace.track("one"), workspace.track("two")
    assert trackanything("jobs", "cancel", one, "--database", url) == 0
    states = {job.id: job.state for job in workspace.queue.all()}
    assert states == {one: "cancelled", two: "queued"}


def test_cancel_of_a_job_that_is_not_there(
    workspace: Workspace, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    job = workspace.track("one")
    assert trackanything("jobs", "cancel", job + 1, "--database", url) == 2
    error = capfd.readouterr().err
    assert error == f"error: expected the number of a job, got {job + 1}: there is none\n"
    assert [job.state for job in workspace.queue.all()] == ["queued"]


def test_cancel_stops_a_job_at_work_and_its_masks_stay(workspace: Workspace, url: str) -> None:
    job = workspace.track("one")
    begun = threading.Event()

    class SlowPropagator(FakePropagator):
        def step(self, *args: Any, **kwargs: Any) -> Any:
            begun.set()
            time.sleep(SLOW_FRAME_SECONDS)
            return super().step(*args, **kwargs)

    class Slow(FakePropagators):
        def start(self) -> FakePropagator:
            return SlowPropagator()

    store = Store.open(url)
    runner = Workspace(store, FakeSegmenter(), Slow(), open_path)
    try:
        assert begun.wait(30)
        assert trackanything("jobs", "cancel", job, "--database", url) == 0
        # The runner is free again once it has noticed: it takes the next job.
        other = runner.track("two")
        ended = runner.wait("two", 30)
    finally:
        runner.close()
        store.close()
    assert ended is not None
    assert (ended.id, ended.state) == (other, "done")
    cancelled = workspace.queue.get(job)
    assert cancelled is not None
    assert cancelled.state == "cancelled"
    kept = masks_of(workspace, "one")
    assert kept == list(range(len(kept)))
    assert masks_of(workspace, "two") == list(range(FRAMES))


def test_watch_follows_a_runner_until_all_is_done(
    workspace: Workspace, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        workspace.track(name)
    store = Store.open(url)
    runner = Workspace(store, FakeSegmenter(), FakePropagators(), open_path)
    try:
        watched = ["--all", "--until-idle", "--seconds", 0.1]
        assert trackanything("jobs", "watch", *watched, "--database", url) == 0
    finally:
        runner.close()
        store.close()
    assert "0 running" in capfd.readouterr().out
    assert [job.state for job in workspace.queue.all()] == ["done", "done"]


def test_a_worker_does_what_waits_and_ends(
    workspace: Workspace, url: str, untrained: list[str]
) -> None:
    for name in ("one", "two"):
        workspace.track(name)
    assert trackanything("worker", "--until-idle", "--database", url, *untrained) == 0
    jobs = JobQueue(workspace.store.database).all()
    assert [(job.state, job.error) for job in jobs] == [("done", "")] * 2
    assert masks_of(workspace, "one") == masks_of(workspace, "two") == list(range(FRAMES))


def test_a_worker_takes_its_networks_from_the_servers_settings(
    workspace: Workspace,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRACKANYTHING_SEGMENTER_WEIGHTS", str(tmp_path / "nowhere.safetensors"))
    assert trackanything("worker", "--until-idle", "--database", url) == 2
    assert "nowhere.safetensors" in capfd.readouterr().err
