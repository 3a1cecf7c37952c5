"""Clicks and Track over a task's frames, with networks of discs, real sessions and real files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from werkzeug.wrappers import Request, Response

from ml_backend.connections import Connections
from ml_backend.errors import MediaError, TrackingError
from ml_backend.file_cache import FileCache
from ml_backend.media import Media
from ml_backend.prompts import read_interaction
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from ml_backend.tracker import (
    Objects,
    OpenWork,
    TaskKey,
    Tracker,
    TrackingRequest,
    TrackingTask,
)
from tests.ml_backend.configs import bitmask_config
from tests.ml_backend.fakes import SIZE, DiscSegmenter, StillPropagators, disc
from tests.ml_backend.requests import click, track
from tests.ml_backend.rows import changed, masks_of
from tests.ml_backend.test_regions import read_png
from tests.ml_backend.web import serve
from trackanything_core.errors import PromptError, VideoError
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.store.store import Store
from trackanything_core.types import Mask

FRAMES = 6
ADDRESSES = tuple(f"/data/upload/1/{k}.png" for k in range(FRAMES))


@dataclass
class Bench:
    """A tracker over frames that a local server gives, and an editor that takes its answers."""

    tracker: Tracker
    workspace: Workspace
    site: Any
    project: str
    draft: dict[str, dict[str, Any]] = field(default_factory=dict)

    def work(self) -> None:
        """Work off all jobs."""
        self.workspace._runner.start()
        while (left := self.workspace.overview()).queued or left.running:
            time.sleep(0.01)

    def ask(
        self,
        *rows: dict[str, Any],
        task: int = 1,
        addresses: tuple[str, ...] = ADDRESSES,
        draft: list[dict[str, Any]] | None = None,
        accept: bool = True,
    ) -> dict[str, Mask]:
        """The masks of the answer by region id."""
        config = bitmask_config()
        shown = list(self.draft.values()) if draft is None else draft
        request = TrackingRequest(
            task=TrackingTask(TaskKey(self.project, task), addresses),
            config=config,
            work=OpenWork(f"draft {task}", tuple(masks_of(*shown)), time.time()),
        )
        regions = self.tracker.answer(request, read_interaction(rows, config))
        if accept:
            self.draft.update({region["id"]: region for region in regions})
        return {
            r["id"]: read_png(r["value"]["imageDataURL"])[..., 3] > 0
            for r in regions
            if "imageDataURL" in r["value"]
        }


def still(request: Request) -> Response:
    if "missing" in request.path:
        return Response(status=404)
    size = (20, 20) if "small" in request.path else SIZE
    return Response(bytes(cv2.imencode(".png", np.zeros((*size, 3), np.uint8))[1]))


@contextmanager
def open_bench(
    folder: Path, *, objects: Objects = "one", seconds: float = 60, run_jobs: bool = True
) -> Iterator[Bench]:
    with serve(still) as site:
        connections = Connections(Settings(label_studio_url=site.url))
        media = Media(FileCache(folder / "media", limit=0), file_limit=10**6)
        sources = Sources(media, connections)
        workspace = Workspace(
            Store.open(folder / "sessions.sqlite3"),
            DiscSegmenter(),
            StillPropagators(),
            sources.open,
            run_jobs=run_jobs,
        )
        tracker = Tracker(workspace, answer_seconds=seconds, objects=objects)
        yield Bench(tracker, workspace, site, "1.1")
        workspace.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(tmp_path) as found:
        yield found


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Bench]:
    """Jobs are not worked on until they are told to be."""
    with open_bench(tmp_path, seconds=0.1, run_jobs=False) as found:
        yield found


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(tmp_path, objects="many") as found:
        yield found


def test_a_click_answers_its_own_frame(bench: Bench) -> None:
    answer = bench.ask(click(10, 12, frame=4))
    assert answer.keys() == {"Cat-f4"}
    assert np.array_equal(answer["Cat-f4"], disc(10, 12))


def test_the_newest_of_several_frames_is_answered_and_the_others_are_known(bench: Bench) -> None:
    answer = bench.ask(click(10, 12, frame=4), click(40, 12, frame=2))
    assert answer.keys() == {"Cat-f2", "Cat-f4"}
    assert np.array_equal(answer["Cat-f2"], disc(40, 12))
    assert np.array_equal(answer["Cat-f4"], disc(10, 12))


def test_accepted_clicks_are_remembered(bench: Bench) -> None:
    bench.ask(click(10, 12))
    answer = bench.ask(click(14, 12, positive=False))
    assert np.array_equal(answer["Cat-f0"], disc(10, 12) & ~disc(14, 12))


def test_track_answers_all_frames_of_all_objects(bench: Bench) -> None:
    bench.ask(click(10, 12, frame=2))
    bench.ask(click(50, 20, frame=3, label="Dog"))
    answer = bench.ask(track(frame=5))
    asked = {"Cat-f2", "Dog-f3"}
    everything = {f"{name}-f{k}" for name in ("Cat", "Dog") for k in range(FRAMES)}
    assert answer.keys() == everything - asked
    assert np.array_equal(answer["Cat-f0"], disc(10, 12))
    assert np.array_equal(answer["Dog-f5"], disc(50, 20))


def test_track_leaves_regions_alone_that_were_changed_by_hand(bench: Bench) -> None:
    bench.ask(click(10, 12))
    bench.ask(track(), accept=False)
    edited = disc(12, 12)
    draft = [changed("Cat", 3, edited)]
    answer = bench.ask(track(), draft=draft)
    assert answer.keys() == {f"Cat-f{k}" for k in range(1, FRAMES) if k != 3}
    assert np.array_equal(answer["Cat-f5"], edited)


def test_an_answer_carries_only_what_is_new(bench: Bench) -> None:
    bench.ask(click(10, 12))
    assert bench.ask(track()).keys() == {f"Cat-f{k}" for k in range(1, FRAMES)}
    assert bench.ask(track(frame=1)) == {}
    bench.ask(click(50, 20, frame=4))
    # Frame 1 is computed again too, and is as before.
    assert bench.ask(track(frame=2)).keys() == {"Cat-f2", "Cat-f3", "Cat-f5"}


def test_a_mask_that_is_no_longer_there_is_taken_back(bench: Bench) -> None:
    bench.ask(click(10, 12))
    bench.ask(track())
    # Dog takes all of Cat's pixels on frame 3.
    answer = bench.ask(click(10, 12, frame=3, label="Dog"))
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
    assert len(bench.ask(track())) == FRAMES - 1


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


def test_frames_that_cannot_be_fetched_are_an_error(bench: Bench) -> None:
    with pytest.raises(MediaError, match="answered 404"):
        bench.ask(click(10, 12), addresses=(*ADDRESSES[1:], "/missing.png"))


def test_a_command_that_is_still_in_the_editor_was_not_answered_there(bench: Bench) -> None:
    bench.ask(click(10, 12))
    first = track()
    assert len(bench.ask(first, accept=False)) == FRAMES - 1
    assert len(bench.ask(first, track())) == FRAMES - 1
    assert bench.ask(track()) == {}


def test_track_out_of_time_answers_what_there_is_and_the_rest_comes_later(idle: Bench) -> None:
    idle.ask(click(10, 12))
    assert idle.ask(track()) == {}
    idle.work()
    # With the next answer, whatever it is about.
    answer = idle.ask(click(50, 20, label="Dog"))
    assert answer.keys() == {"Dog-f0", *(f"Cat-f{k}" for k in range(1, FRAMES))}


def test_a_newer_request_ends_the_wait_and_its_answer_has_everything(idle: Bench) -> None:
    idle.ask(click(10, 12))
    idle.tracker._answer_seconds = 60
    answers: dict[str, dict[str, Mask]] = {}
    first = threading.Thread(target=lambda: answers.update(first=idle.ask(track(), accept=False)))
    first.start()
    while idle.workspace.overview().queued == 0:
        time.sleep(0.01)
    second = threading.Thread(target=lambda: answers.update(second=idle.ask(track(frame=1))))
    second.start()
    first.join()
    idle.work()
    second.join()
    assert answers["first"] == {}
    assert len(answers["second"]) == FRAMES - 1


def test_stop_ends_the_tracking(idle: Bench) -> None:
    idle.ask(click(10, 12))
    idle.ask(track())
    idle.ask(click(1, 1, label="Stop"))
    overview = idle.workspace.overview()
    assert (overview.queued, overview.running) == (0, 0)
    idle.work()
    assert idle.ask(click(14, 12)).keys() == {"Cat-f0"}


def test_what_fails_in_the_background_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, *args: Any, **more: Any) -> Any:
        raise VideoError("frame 1 cannot be decoded")

    bench.ask(click(10, 12))
    monkeypatch.setattr("tests.ml_backend.fakes.StillPropagator.step", fail)
    with pytest.raises(TrackingError, match="frame 1 cannot be decoded"):
        bench.ask(track())


def test_forget_empties_the_regions_of_the_object(bench: Bench) -> None:
    bench.ask(click(10, 12))
    bench.ask(track())
    answer = bench.ask(click(10, 12, frame=3, label="Forget"))
    assert len(answer) == FRAMES
    assert not any(mask.any() for mask in answer.values())
    with pytest.raises(PromptError, match="prompt an object first"):
        bench.ask(track(frame=1))


def test_many_objects_of_one_label_are_tracked(many: Bench) -> None:
    many.ask(click(10, 12))
    many.ask(click(50, 20))
    answer = many.ask(track())
    assert answer.keys() == {f"{n}-f{k}" for n in ("Cat", "Cat 2") for k in range(1, FRAMES)}
    assert {r["value"]["bitmasklabels"][0] for r in many.draft.values()} == {"Cat"}
