from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest

from tests.fakes import FakePropagator, FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.errors import StoreError
from trackanything_core.jobs.status import JobStatus
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.store.store import Store
from trackanything_core.types import Click, Prompt
from trackanything_core.video.base import FrameSource

SOURCE = {"frames": 12}


def open_fake(source: Mapping[str, Any]) -> AbstractContextManager[FrameSource]:
    return nullcontext(FakeSource(source["frames"]))


class SlowPropagators(FakePropagators):
    """Holds each pass up until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def start(self) -> FakePropagator:
        propagator = super().start()
        step = propagator.step

        def wait_and_step(*args: Any, **kwargs: Any) -> Any:
            self.may_go_on.wait(10)
            time.sleep(0.01)
            return step(*args, **kwargs)

        propagator.step = wait_and_step  # type: ignore[method-assign]
        return propagator


@pytest.fixture
def propagators() -> SlowPropagators:
    found = SlowPropagators()
    found.may_go_on.set()
    return found


@pytest.fixture
def workspace(store: Store, propagators: SlowPropagators) -> Iterator[Workspace]:
    opened = Workspace(store, FakeSegmenter(), propagators, open_fake)
    yield opened
    propagators.may_go_on.set()
    opened.close()


def cat(frame: int = 0, x: float = 10) -> Prompt:
    return Prompt("cat", frame, clicks=(Click(x, 12),))


def ended(job: JobStatus | None) -> str:
    assert job is not None, "there is no job"
    return f"{job.state} {job.error}".strip()


def test_a_prompt_is_tracked_in_the_background(workspace: Workspace) -> None:
    with workspace.edit("clip", SOURCE) as live:
        live.session.prompt(cat())
        live.labels["cat"] = "Cat"
    workspace.track("clip")
    assert ended(workspace.wait("clip", 10)) == "done"
    view = workspace.view("clip")
    assert not view.is_stale
    assert view.labels == {"cat": "Cat"}
    assert all(view.frame_masks(frame).masks["cat"].any() for frame in range(12))
    assert {frame for _, frame in view.changed_since(0)} == set(range(12))


def test_what_an_edit_raises_leaves_the_notes_as_they_were(workspace: Workspace) -> None:
    with workspace.edit("clip", SOURCE) as live:
        live.notes["shown"] = ["a"]
    with pytest.raises(StoreError), workspace.edit("clip") as live:  # noqa: PT012
        live.notes["shown"].append("b")
        raise StoreError
    with workspace.edit("clip") as live:
        assert live.notes == {"shown": ["a"]}


def test_a_session_that_is_new_needs_a_source(workspace: Workspace) -> None:
    with pytest.raises(StoreError, match="nothing says which video"), workspace.edit("clip"):
        pass


def test_an_edit_goes_between_two_frames_and_its_work_is_done_too(
    workspace: Workspace, propagators: SlowPropagators
) -> None:
    with workspace.edit("clip", SOURCE) as live:
        live.session.prompt(cat())
    workspace.track("clip")
    while not workspace.view("clip").frame_masks(2).masks:
        time.sleep(0.01)
    with workspace.edit("clip") as live:
        assert live.session.stale(), "the work should not be done yet"
        live.session.prompt(cat(8, x=20))
    assert ended(workspace.wait("clip", 10)) == "done"
    view = workspace.view("clip")
    assert not view.is_stale
    assert view.anchors == {"cat": (0, 8)}


def test_work_can_be_cancelled_and_begun_again(
    workspace: Workspace, propagators: SlowPropagators
) -> None:
    with workspace.edit("clip", SOURCE) as live:
        live.session.prompt(cat())
    propagators.may_go_on.clear()
    workspace.track("clip")
    workspace.cancel("clip")
    propagators.may_go_on.set()
    assert ended(workspace.wait("clip", 10)) == "cancelled"
    workspace.track("clip")
    assert ended(workspace.wait("clip", 10)) == "done"
    assert not workspace.view("clip").is_stale


def test_an_error_in_a_job_is_written_down_and_the_runner_goes_on(
    store: Store, workspace: Workspace
) -> None:
    store.sessions.make("broken", {"frames": 3}, 12, (24, 32))
    workspace.track("broken")
    assert ended(workspace.wait("broken", 10)).startswith("failed expected a video of 12 frames")
    with workspace.edit("clip", SOURCE) as live:
        live.session.prompt(cat())
    workspace.track("clip")
    assert ended(workspace.wait("clip", 10)) == "done"


def test_a_restart_loses_nothing(store: Store, propagators: SlowPropagators) -> None:
    first = Workspace(store, FakeSegmenter(), propagators, open_fake)
    with first.edit("clip", SOURCE) as live:
        live.session.prompt(cat())
        live.notes["said"] = 1
    first.track("clip")
    while not first.view("clip").frame_masks(2).masks:
        time.sleep(0.01)
    first.close()
    second = Workspace(store, FakeSegmenter(), propagators, open_fake)
    assert ended(second.wait("clip", 10)) == "done"
    with second.edit("clip") as live:
        assert live.notes == {"said": 1}
        assert live.session.stale() == {}
        assert live.session.anchors == {"cat": (0,)}
    second.close()


def test_two_processes_share_a_session(store_url: str, propagators: SlowPropagators) -> None:
    """Each workspace stands for a process: clicks on one, tracking on the other."""
    web = Workspace(Store.open(store_url), FakeSegmenter(), propagators, open_fake, run_jobs=False)
    worker = Workspace(Store.open(store_url), FakeSegmenter(), propagators, open_fake)
    with web.edit("clip", SOURCE) as live:
        live.session.prompt(cat())
    web.track("clip")
    while not web.view("clip").frame_masks(2).masks:
        time.sleep(0.01)
    with web.edit("clip") as live:
        live.session.prompt(cat(8, x=20))
    assert ended(web.wait("clip", 10)) == "done"
    with web.edit("clip") as live, worker.edit("other", SOURCE) as other:
        assert live.session.stale() == {}
        other.session.prompt(cat())
        other.session.prompt(cat(8, x=20))
        list(other.session.propagate())
        for frame in range(12):
            mine, same = live.session.mask(frame, "cat"), other.session.mask(frame, "cat")
            assert mine is not None
            assert same is not None
            np.testing.assert_array_equal(mine, same)
    web.close()
    worker.close()


def test_sessions_take_turns_and_videos_are_closed(
    store: Store, propagators: SlowPropagators
) -> None:
    workspace = Workspace(store, FakeSegmenter(), propagators, open_fake, live_sessions=2)
    for name in "abcd":
        with workspace.edit(name, SOURCE) as live:
            live.session.prompt(cat())
        workspace.track(name, user=name)
    assert {ended(workspace.wait(name, 10)) for name in "abcd"} == {"done"}
    assert len(workspace.open_sessions()) == 2
    workspace.close()
    assert workspace.open_sessions() == []
