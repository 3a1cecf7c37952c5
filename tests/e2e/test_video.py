"""Boxes on a video in the real editor: a relabelled box becomes a track of few key frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ml_backend.video_boxes import read_sequence
from tests.e2e.backend import Backend
from tests.e2e.conftest import CLIP
from tests.e2e.editor import CHROMIUM, VideoEditor, run_video_editor
from tests.e2e.label_studio import LabelStudio
from trackanything_core.jobs.view import SessionView
from trackanything_core.masks.ops import bounding_box
from trackanything_core.store.store import Store
from trackanything_core.video.open import open_source
from trackanything_core.video.writer import VideoWriter

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}"),
]

FRAMES = 60
SIZE = (360, 640)
RATE = 30
CONFIG = f"""
<View>
  <Labels name="label" toName="video">
    <Label value="Object 1" background="#e6194b"/>
    <Label value="Object 2" background="#4363d8"/>
  </Labels>
  <Video name="video" value="$video" frameRate="{RATE}"/>
  <VideoRectangle name="box" toName="video" smart="true"/>
</View>
"""
RIGHT_CUP = (0.645, 0.405, 0.785, 0.76)
"""Left, top, right, bottom as shares of the picture."""


@pytest.fixture
def clip(data_dir: Path, tmp_path: Path) -> Path:
    """The first frames of a real clip, small, with a constant frame rate."""
    path = tmp_path / "cups.mp4"
    with (
        open_source(data_dir / "clips" / CLIP) as source,
        VideoWriter(path, Fraction(RATE)) as writer,
    ):
        for _, image in source.iterate(0, FRAMES):
            small = cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_AREA)
            writer.write(np.asarray(small, np.uint8))
    return path


@pytest.fixture
def browser(label_studio: LabelStudio) -> Iterator[VideoEditor]:
    with run_video_editor() as editor:
        editor.log_in(label_studio.url)
        yield editor


Edges = tuple[float, float, float, float]


def boxes_of_masks(view: SessionView, name: str) -> dict[int, Edges]:
    """The box of the mask on every frame, counted from 0."""
    found: dict[int, Edges] = {}
    for frame in range(view.frames):
        bounds = bounding_box(view.frame_masks(frame).masks[name])
        if bounds is not None:
            left, top, width, height = bounds
            found[frame] = (left, top, left + width, top + height)
    return found


def iou(first: Edges, second: Edges) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(width, 0) * max(height, 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return both / (area - both)


def test_a_relabelled_box_becomes_a_track_of_few_key_frames(
    label_studio: LabelStudio, backend: Backend, browser: VideoEditor, clip: Path, artefacts: Path
) -> None:
    project = label_studio.create_project("video", CONFIG, backend.url)
    task = label_studio.import_video(project, clip)
    browser.open(label_studio.url, project, task)
    browser.draw("Object 1", RIGHT_CUP)
    browser.screenshot(artefacts / "g1-drawn.png")
    drawn: Mapping[str, Any] = browser.row()
    answer = browser.relabel("Object 2")
    browser.screenshot(artefacts / "g2-tracked.png")
    assert answer.errors == []
    row = browser.row()
    # The track took the place of the box that was drawn.
    assert row["id"] == drawn["id"]
    assert row["value"]["labels"] == ["Object 2"]
    sequence = row["value"]["sequence"]
    assert 1 < len(sequence) < 0.6 * FRAMES  # at one pixel; the mask's border trembles
    browser.show_frame(FRAMES // 2)
    browser.screenshot(artefacts / "g3-middle.png")

    store = Store.open(backend.folder / "trackanything.db")
    (name,) = [name for name in store.sessions.names() if f"-{task}-video" in name]
    expected = boxes_of_masks(SessionView(store, name), row["id"])
    shown = read_sequence(sequence, SIZE)
    overlaps = [iou(shown[frame + 1], box) for frame, box in expected.items()]
    assert len(overlaps) == FRAMES
    assert sum(overlaps) / len(overlaps) >= 0.95
    store.close()
