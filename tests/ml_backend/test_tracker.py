"""Clicks and Track over a task's frames, with networks of discs, real sessions and real files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from werkzeug.wrappers import Request, Response

from ml_backend.auth import Connection
from ml_backend.errors import MediaError
from ml_backend.file_cache import FileCache
from ml_backend.media import Media
from ml_backend.prompts import read_interaction
from ml_backend.tasks import TaskKey, Tasks
from ml_backend.tracker import Tracker, TrackingRequest
from tests.ml_backend.configs import bitmask_config
from tests.ml_backend.fakes import SIZE, DiscSegmenter, StillPropagators, disc
from tests.ml_backend.requests import click, track
from tests.ml_backend.test_regions import read_png
from tests.ml_backend.web import serve
from trackanything_core.errors import PromptError
from trackanything_core.types import Mask

FRAMES = 6
ADDRESSES = tuple(f"/data/upload/1/{k}.png" for k in range(FRAMES))


@dataclass
class Bench:
    """A tracker over frames that a local server gives."""

    tracker: Tracker
    tasks: Tasks
    site: Any
    connection: Connection
    now: list[float] = field(default_factory=lambda: [0.0])

    def ask(
        self,
        *rows: dict[str, Any],
        task: int = 1,
        addresses: tuple[str, ...] = ADDRESSES,
        edited: frozenset[str] = frozenset(),
    ) -> dict[str, Mask]:
        """The masks of the answer by region id."""
        config = bitmask_config()
        request = TrackingRequest(
            task=TaskKey("1", task),
            addresses=addresses,
            connection=self.connection,
            config=config,
            interaction=read_interaction(rows, config),
            edited=edited,
        )
        regions = self.tracker.answer(request)
        return {r["id"]: read_png(r["value"]["imageDataURL"])[..., 3] > 0 for r in regions}

    def live(self) -> list[int]:
        return [key.task for key, state in self.tasks.states() if state.live is not None]


def still(request: Request) -> Response:
    if "missing" in request.path:
        return Response(status=404)
    size = (20, 20) if "small" in request.path else SIZE
    return Response(bytes(cv2.imencode(".png", np.zeros((*size, 3), np.uint8))[1]))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serve(still) as site:
        now = [0.0]
        tasks = Tasks(live_sessions=2)
        tracker = Tracker(
            DiscSegmenter(),
            StillPropagators(),
            Media(FileCache(tmp_path, limit=0), file_limit=10**6),
            tasks,
            answer_seconds=10,
            clock=lambda: now[0],
        )
        yield Bench(tracker, tasks, site, Connection(site.url), now)


def test_a_click_answers_its_own_frame(bench: Bench) -> None:
    answer = bench.ask(click(10, 12, frame=4))
    assert answer.keys() == {"Cat-f4"}
    assert np.array_equal(answer["Cat-f4"], disc(10, 12))


def test_the_newest_of_several_frames_is_answered_and_the_others_are_known(bench: Bench) -> None:
    answer = bench.ask(click(10, 12, frame=4), click(40, 12, frame=2))
    assert answer.keys() == {"Cat-f2"}
    assert np.array_equal(bench.ask(track())["Cat-f4"], disc(10, 12))


def test_accepted_clicks_are_remembered(bench: Bench) -> None:
    bench.ask(click(10, 12))
    answer = bench.ask(click(14, 12, positive=False))
    assert np.array_equal(answer["Cat-f0"], disc(10, 12) & ~disc(14, 12))


def test_track_answers_all_frames_of_all_objects(bench: Bench) -> None:
    bench.ask(click(10, 12, frame=2))
    bench.ask(click(50, 20, frame=3, label="Dog"))
    answer = bench.ask(track(frame=5))
    assert answer.keys() == {f"{name}-f{k}" for name in ("Cat", "Dog") for k in range(FRAMES)}
    assert np.array_equal(answer["Cat-f0"], disc(10, 12))
    assert np.array_equal(answer["Dog-f5"], disc(50, 20))


def test_track_leaves_regions_alone_that_were_changed_by_hand(bench: Bench) -> None:
    bench.ask(click(10, 12))
    answer = bench.ask(track(), edited=frozenset({"Cat-f3"}))
    assert answer.keys() == {f"Cat-f{k}" for k in range(FRAMES) if k != 3}


def test_a_mask_that_is_no_longer_there_is_taken_back(bench: Bench) -> None:
    bench.ask(click(10, 12))
    bench.ask(track())
    # Dog takes all of Cat's pixels on frame 3.
    bench.ask(click(10, 12, frame=3, label="Dog"))
    answer = bench.ask(track())
    assert np.array_equal(answer["Dog-f3"], disc(10, 12))
    assert not answer["Cat-f3"].any()


def test_a_correction_on_a_tracked_frame_takes_away_from_its_mask(bench: Bench) -> None:
    bench.ask(click(10, 12))
    bench.ask(track())
    expected = disc(10, 12) & ~disc(14, 12)
    assert np.array_equal(bench.ask(click(14, 12, frame=3, positive=False))["Cat-f3"], expected)
    assert np.array_equal(bench.ask(track())["Cat-f5"], expected)


def test_track_without_an_object_says_what_to_do(bench: Bench) -> None:
    with pytest.raises(PromptError, match="prompt an object first"):
        bench.ask(track())


def test_a_click_beyond_the_frames_changes_nothing(bench: Bench) -> None:
    bench.ask(click(10, 12))
    with pytest.raises(PromptError, match="beyond the video"):
        bench.ask(click(10, 12, frame=FRAMES))
    assert len(bench.ask(track())) == FRAMES


def test_a_failed_prompt_on_another_frame_does_not_stop_the_newest(bench: Bench) -> None:
    bad = click(10, 12, frame=FRAMES)
    assert bench.ask(bad, click(10, 12, frame=1)).keys() == {"Cat-f1"}
    assert bench.ask(bad, click(10, 12, frame=1), click(14, 12, frame=1)).keys() == {"Cat-f1"}


def test_a_deleted_prompt_loses_its_anchor(bench: Bench) -> None:
    first, second = click(10, 12, frame=0), click(40, 12, frame=3)
    bench.ask(first, second)
    bench.ask(second, click(44, 12, frame=3))
    assert np.array_equal(bench.ask(track())["Cat-f0"], disc(40, 12) | disc(44, 12))


def test_other_frames_are_another_video(bench: Bench) -> None:
    bench.ask(click(10, 12))
    with pytest.raises(PromptError, match="prompt an object first"):
        bench.ask(track(), addresses=ADDRESSES[:3])


def test_pictures_of_another_size_than_the_click_s_are_refused(bench: Bench) -> None:
    with pytest.raises(PromptError, match="pictures of 20x20 pixels"):
        bench.ask(click(10, 12), addresses=("/small.png",))


def test_frames_that_cannot_be_fetched_lose_nothing(bench: Bench) -> None:
    with pytest.raises(MediaError, match="answered 404"):
        bench.ask(click(10, 12), addresses=(*ADDRESSES[1:], "/missing.png"))
    assert bench.live() == []


def test_only_so_many_sessions_live_and_the_others_come_back(bench: Bench) -> None:
    for task in (1, 2, 3):
        bench.ask(click(10 * task, 12), task=task)
    assert bench.live() == [2, 3]
    fetched = len(bench.site.requests)
    assert np.array_equal(bench.ask(track(), task=1)["Cat-f5"], disc(10, 12))
    assert bench.live() == [3, 1]
    # Frames are addressed alike in all tasks here, and on lease all the time.
    assert len(bench.site.requests) == fetched == FRAMES


def test_track_out_of_time_answers_what_there_is_and_goes_on_at_the_next(bench: Bench) -> None:
    bench.ask(click(10, 12))
    clock = iter([0.0, 1.0, 11.0])
    bench.tracker._clock = lambda: next(clock)
    assert bench.ask(track()).keys() == {"Cat-f0", "Cat-f1"}
    clock = iter([20.0] * 20)
    assert len(bench.ask(track())) == FRAMES
    # All is done: nothing is tracked again.
    clock = iter([30.0])
    assert len(bench.ask(track())) == FRAMES


def test_a_newer_request_ends_the_tracking_and_both_are_answered(bench: Bench) -> None:
    bench.ask(click(10, 12))
    begun = threading.Event()
    answers: dict[str, dict[str, Mask]] = {}
    entry = bench.tasks._entries[TaskKey("1", 1)]

    def clock() -> float:
        # Called as a request comes, and by Track on every frame: there, let the click come in.
        if threading.current_thread() is thread and entry.lock.locked():
            begun.set()
            while entry.present < 2:
                time.sleep(0.01)
        return 0.0

    bench.tracker._clock = clock
    thread = threading.Thread(target=lambda: answers.update(track=bench.ask(track())))
    thread.start()
    begun.wait()
    answers["click"] = bench.ask(click(14, 12))
    thread.join()
    assert answers["click"].keys() == {"Cat-f0"}
    assert len(answers["track"]) == 1
