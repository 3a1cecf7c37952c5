"""Tasks that show parts of one video share its session, within their project alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ml_backend.connections import Connections
from ml_backend.errors import RequestError
from ml_backend.file_cache import FileCache
from ml_backend.media import Media
from ml_backend.prompts import read_interaction
from ml_backend.regions import Region
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from ml_backend.tracker import TaskKey, Tracker, TrackingRequest, TrackingTask
from tests.ml_backend.configs import bitmask_config
from tests.ml_backend.fakes import DiscSegmenter, StillPropagators, disc
from tests.ml_backend.requests import click
from tests.ml_backend.test_regions import read_png
from tests.ml_backend.test_tracker import ADDRESSES, still
from tests.ml_backend.web import serve
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.store.store import Store

SEAM = 4
asked: list[tuple[str, str]] = []


def find_frames(task: TrackingTask, key: str) -> tuple[str, ...]:
    asked.append((task.session, key))
    return ADDRESSES


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with serve(still) as site:
        media = Media(FileCache(tmp_path / "media", limit=0), file_limit=10**6)
        sources = Sources(media, Connections(Settings(label_studio_url=site.url)))
        store = Store.open(tmp_path / "sessions.sqlite3")
        found = Workspace(store, DiscSegmenter(), StillPropagators(), sources.open)
        yield found
        found.close()


def ask(tracker: Tracker, project: str, task: int, frame: int) -> list[Region]:
    first = SEAM if task == 2 else 0
    window = ADDRESSES[:SEAM] if task == 1 else ADDRESSES[SEAM:]
    shown = TrackingTask(TaskKey(project, task), window, session="shared", first_frame=first)
    config = bitmask_config()
    rows = [click(10, 12, frame=frame, id=f"{task}-{frame}")]
    return tracker.answer(TrackingRequest(shown, config), read_interaction(rows, config))


def test_a_click_in_any_task_is_a_click_in_the_whole_video(workspace: Workspace) -> None:
    asked.clear()
    tracker = Tracker(workspace, answer_seconds=60, find_frames=find_frames)
    (region,) = ask(tracker, "1.1", 2, frame=1)
    assert (region["id"], region["item_index"]) == ("Cat-f1", 1)
    shown = read_png(region["value"]["imageDataURL"])[..., 3] > 0
    assert np.array_equal(shown, disc(10, 12))
    view = workspace.view("shared")
    assert view.frames == len(ADDRESSES)
    assert list(view.anchors["Cat"]) == [SEAM + 1]

    ask(tracker, "1.1", 1, frame=1)
    assert list(workspace.view("shared").anchors["Cat"]) == [1, SEAM + 1]
    # The frames are looked for once, when the session is made.
    assert asked == [("shared", "frames")]


def test_another_project_cannot_name_the_session(workspace: Workspace) -> None:
    tracker = Tracker(workspace, answer_seconds=60, find_frames=find_frames)
    ask(tracker, "1.1", 1, frame=0)
    with pytest.raises(RequestError, match="belongs to another project"):
        ask(tracker, "2.1", 1, frame=0)
