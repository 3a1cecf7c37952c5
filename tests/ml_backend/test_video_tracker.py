"""Boxes on a video become tracks, with networks of discs, real sessions and a real video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from werkzeug.wrappers import Response

from ml_backend.connections import Connections
from ml_backend.errors import RequestError
from ml_backend.file_cache import FileCache
from ml_backend.label_config import VideoConfig, parse_video_config
from ml_backend.media import Media
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from ml_backend.tracker import TaskKey
from ml_backend.video_boxes import read_sequence
from ml_backend.video_tracker import VideoRequest, VideoTracker, read_boxes
from tests.ml_backend.fakes import RADIUS, SIZE, DiscSegmenter, StillPropagators
from tests.ml_backend.web import serve
from trackanything_core.errors import PromptError
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.store.store import Store
from trackanything_core.video.writer import VideoWriter

FRAMES = 12
RATE = 10
HEIGHT, WIDTH = SIZE
CONFIG = parse_video_config(
    """
    <View>
      <Labels name="label" toName="video"><Label value="Cat"/><Label value="Dog"/></Labels>
      <Video name="video" value="$video" frameRate="10"/>
      <VideoRectangle name="box" toName="video" smart="true"/>
    </View>
    """
)

WITH_OUTLINES = parse_video_config(
    """
    <View>
      <Labels name="label" toName="video"><Label value="Cat"/></Labels>
      <VideoVectorLabels name="outline" toName="video"><Label value="Cat"/></VideoVectorLabels>
      <Video name="video" value="$video" frameRate="10"/>
      <VideoRectangle name="box" toName="video" smart="true"/>
    </View>
    """
)


def key(frame: int, x: float, y: float, *, half: float = RADIUS + 0.5) -> dict[str, Any]:
    """A key frame with a box round pixel (x, y), by default as large as a disc."""
    return {
        "frame": frame,
        "enabled": True,
        "rotation": 0,
        "x": (x + 0.5 - half) / WIDTH * 100,
        "y": (y + 0.5 - half) / HEIGHT * 100,
        "width": 2 * half / WIDTH * 100,
        "height": 2 * half / HEIGHT * 100,
        "time": frame / RATE,
    }


def row(*keys: dict[str, Any], id: str = "a", label: str = "Cat") -> dict[str, Any]:
    value = {"framesCount": FRAMES, "duration": 1.2, "sequence": list(keys), "labels": [label]}
    return {
        "id": id,
        "from_name": "box",
        "to_name": "video",
        "type": "videorectangle",
        "value": value,
    }


@dataclass
class Bench:
    tracker: VideoTracker
    workspace: Workspace
    warnings: list[str] = field(default_factory=list)
    rate: float = RATE

    def ask(self, *rows: dict[str, Any], config: VideoConfig = CONFIG) -> list[dict[str, Any]]:
        return self.tracker.answer(
            VideoRequest(TaskKey("1.1", 3), "/v.mp4", config, self.rate, read_boxes(rows, config))
        )

    def anchors(self, name: str) -> tuple[int, ...]:
        (session,) = self.workspace.store.sessions.names()
        return self.workspace.view(session).anchors[name]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    path = tmp_path / "v.mp4"
    with VideoWriter(path, Fraction(RATE)) as writer:
        for _ in range(FRAMES):
            writer.write(np.full((*SIZE, 3), 90, np.uint8))
    data = path.read_bytes()
    with serve(lambda _: Response(data)) as site:
        connections = Connections(Settings(label_studio_url=site.url))
        media = Media(FileCache(tmp_path / "media", limit=0), file_limit=10)
        workspace = Workspace(
            Store.open(tmp_path / "sessions.sqlite3"),
            DiscSegmenter(),
            StillPropagators(),
            Sources(media, connections).open,
        )
        warnings: list[str] = []
        tracker = VideoTracker(
            workspace, answer_seconds=60, warn=lambda _, text: warnings.append(text)
        )
        yield Bench(tracker, workspace, warnings)
        workspace.close()


def test_a_box_that_stays_is_a_track_of_two_key_frames_at_most(bench: Bench) -> None:
    (region,) = bench.ask(row(key(4, 20, 12)))
    assert region["id"] == "a"
    assert region["value"]["labels"] == ["Cat"]
    sequence = region["value"]["sequence"]
    assert 4 in [entry["frame"] for entry in sequence]
    assert len(sequence) <= 3
    shown = read_sequence(sequence, SIZE)
    assert set(shown) == set(range(1, FRAMES + 1))
    assert all(np.allclose(box, (15, 7, 26, 18)) for box in shown.values())


def test_a_box_stays_where_it_was_drawn(bench: Bench) -> None:
    wide = key(4, 20, 12, half=9)
    (region,) = bench.ask(row(wide))
    (entry,) = [entry for entry in region["value"]["sequence"] if entry["frame"] == 4]
    assert entry["width"] == pytest.approx(wide["width"])


def test_key_frames_that_were_answered_are_no_prompts(bench: Bench) -> None:
    (region,) = bench.ask(row(key(4, 20, 12)))
    (again,) = bench.ask(row(*region["value"]["sequence"], label="Dog"))
    assert bench.anchors("a") == (3,)
    assert again["value"]["sequence"] == region["value"]["sequence"]
    assert again["value"]["labels"] == ["Dog"]


def test_a_key_frame_that_was_moved_or_added_is_a_prompt(bench: Bench) -> None:
    (region,) = bench.ask(row(key(4, 20, 12)))
    moved = [*region["value"]["sequence"], key(9, 40, 20)]
    (region,) = bench.ask(row(*moved))
    assert bench.anchors("a") == (3, 8)
    shown = read_sequence(region["value"]["sequence"], SIZE)
    assert np.allclose(shown[9], (35, 15, 46, 26))
    assert np.allclose(shown[12], (35, 15, 46, 26), atol=1)


def test_a_key_frame_that_was_drawn_and_deleted_is_forgotten(bench: Bench) -> None:
    bench.ask(row(key(4, 20, 12), key(9, 40, 20)))
    assert bench.anchors("a") == (3, 8)
    bench.ask(row(key(4, 20, 12)))
    assert bench.anchors("a") == (3,)


def test_each_box_is_an_object(bench: Bench) -> None:
    first, second = bench.ask(row(key(1, 12, 12)), row(key(1, 45, 20), id="b"))
    assert (first["id"], second["id"]) == ("a", "b")
    assert bench.anchors("a") == bench.anchors("b") == (0,)


def test_a_wrong_frame_rate_is_said(bench: Bench) -> None:
    bench.rate = 24
    bench.ask(row(key(1, 12, 12)))
    assert 'frameRate="10"' in bench.warnings[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "got 0 rows"),
        ([{"from_name": "other"}], "got 1 rows"),
        ([{**row(key(1, 5, 5)), "value": {"sequence": []}}], "sequence"),
        ([{**row(key(1, 5, 5)), "value": {}}], "sequence"),
    ],
)
def test_rows_that_are_no_boxes(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_boxes(rows, CONFIG)


def test_a_box_without_a_label_says_what_to_do(bench: Bench) -> None:
    unlabelled = row(key(1, 12, 12))
    unlabelled["value"]["labels"] = []
    with pytest.raises(PromptError, match="no label"):
        bench.ask(unlabelled)
    assert bench.workspace.store.sessions.names() == []


def test_a_control_for_outlines_gets_the_outline_of_what_is_in_the_box(bench: Bench) -> None:
    boxes, outlines = bench.ask(row(key(1, 30, 18)), config=WITH_OUTLINES)
    assert boxes["id"] == "a"
    assert (outlines["type"], outlines["from_name"]) == ("videovectorlabels", "outline")
    assert outlines["value"]["labels"] == ["Cat"]
    first = outlines["value"]["sequence"][0]
    assert first["frame"] == 1
    assert first["closed"]
    corners = np.array([(corner["x"], corner["y"]) for corner in first["vertices"]]) / 100
    middle = (corners * (WIDTH, HEIGHT)).mean(axis=0)
    np.testing.assert_allclose(middle, (30.5, 18.5), atol=0.5)
    again = bench.ask(row(key(1, 30, 18)), config=WITH_OUTLINES)[1]
    assert again["id"] == outlines["id"]
