"""Tracks of boxes: as the editor and the SDK read them, they are what was tracked."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk._extensions.label_studio_tools.postprocessing.video import extract_key_frames
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend.errors import RequestError
from ml_backend.frame_clock import FrameClock
from ml_backend.regions import build_prediction
from ml_backend.video_boxes import Edges, read_sequence, write_sequence
from ml_backend.video_rows import build_video_row
from tests.ml_backend.configs import VIDEO_BOXES
from trackanything_core.masks.ops import bounding_box
from trackanything_core.masks.palette import read_indexed_png

SIZE = (360, 640)

Boxes = dict[int, Edges | None]


def clock(frames: int, rate: float = 25, true: float = 25) -> FrameClock:
    return FrameClock(rate, [k / true for k in range(frames)], true)


def sway(frame: int) -> Edges:
    """A box that goes its way and breathes."""
    x, y = 100 + 3 * frame + 20 * math.sin(frame / 6), 80 + 15 * math.cos(frame / 9)
    grown = 5 * math.sin(frame / 4)
    return x - grown, y - grown, x + 60 + grown, y + 40 + 2 * grown


def expanded(sequence: list[dict[str, Any]], frames: int) -> dict[int, Edges]:
    """What Label Studio's SDK makes of the key frames."""
    value = {"framesCount": frames, "duration": frames / 25, "sequence": sequence}
    (row,) = extract_key_frames([{"type": "videorectangle", "value": value}])
    return read_sequence([{**key, "enabled": False} for key in row["value"]["sequence"]], SIZE)


def worst(found: Edges, true: Edges) -> float:
    extents = (found[2] - found[0] - true[2] + true[0], found[3] - found[1] - true[3] + true[1])
    return max(abs(e) for e in (*np.subtract(found, true), *extents))


def test_few_key_frames_within_a_pixel_in_every_coordinate() -> None:
    boxes: Boxes = {k: sway(k) for k in range(120)}
    sequence = write_sequence(boxes, SIZE, clock(120))
    drawn = read_sequence(sequence, SIZE)
    assert sorted(drawn) == list(range(1, 121))
    assert max(worst(drawn[k + 1], sway(k)) for k in range(120)) <= 1
    assert len(sequence) < 120 / 3


def test_a_straight_way_has_two_key_frames() -> None:
    boxes: Boxes = {k: (k, 2 * k, k + 10, 2 * k + 10 + k / 2) for k in range(100)}
    assert [key["frame"] for key in write_sequence(boxes, SIZE, clock(100))] == [1, 100]


def test_key_frames_are_as_the_editor_writes_them() -> None:
    boxes: Boxes = {0: (64, 36, 128, 72)}
    (key,) = write_sequence(boxes, SIZE, clock(3))
    assert key == {
        "frame": 1,
        "enabled": False,
        "rotation": 0,
        "x": 10,
        "y": 10,
        "width": 10,
        "height": 10,
        "time": 0.04,
    }


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_what_is_out_of_sight_ends_a_lifespan(seen: list[bool]) -> None:
    boxes: Boxes = {k: sway(k) if there else None for k, there in enumerate(seen)}
    sequence = write_sequence(boxes, SIZE, clock(len(seen)))
    visible = {k + 1 for k, there in enumerate(seen) if there}
    assert read_sequence(sequence, SIZE).keys() == visible
    assert expanded(sequence, len(seen)).keys() == visible if visible else not sequence
    if sequence:
        assert sequence[-1]["enabled"] is seen[-1]


def test_the_sdk_reads_the_same_boxes() -> None:
    boxes: Boxes = {k: sway(k) for k in range(60) if not 20 <= k < 30}
    sequence = write_sequence(boxes, SIZE, clock(60))
    found, drawn = expanded(sequence, 60), read_sequence(sequence, SIZE)
    assert found.keys() == drawn.keys()
    assert max(worst(found[f], drawn[f]) for f in found) < 1e-6


def test_frames_that_a_human_drew_stay_as_they_are() -> None:
    boxes: Boxes = {k: (k, 0, k + 10, 10) for k in range(50)}
    sequence = write_sequence(boxes, SIZE, clock(50), keep={17, 80})
    assert [key["frame"] for key in sequence] == [1, 18, 50]


@pytest.mark.parametrize("rate", [24, 12.5, 50])
def test_with_a_wrong_rate_each_frame_of_the_editor_has_the_box_of_what_it_shows(
    rate: float,
) -> None:
    wrong = clock(100, rate)
    sequence = write_sequence({k: sway(k) for k in range(100)}, SIZE, wrong)
    drawn = read_sequence(sequence, SIZE)
    assert len(drawn) == wrong.editor_frames
    assert max(worst(box, sway(wrong.index_of(f))) for f, box in drawn.items()) <= 1


def test_a_turned_box_is_read_as_the_box_round_it() -> None:
    key = {"frame": 1, "x": 50, "y": 50, "width": 10, "height": 10, "rotation": 90}
    assert read_sequence([key], SIZE)[1] == pytest.approx((320 - 36, 180, 320, 180 + 64))


@pytest.mark.parametrize(
    "key", [{}, {"frame": 1}, {"frame": 1, "x": float("nan"), "y": 0, "width": 1, "height": 1}]
)
def test_refuses_what_is_no_key_frame(key: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="expected a key frame"):
        read_sequence([key], SIZE)


@pytest.mark.contract
def test_the_sdk_accepts_the_track() -> None:
    boxes: Boxes = {k: sway(k) for k in range(60) if k != 7}
    sequence = write_sequence(boxes, SIZE, clock(60))
    row = build_video_row(
        "videorectangle", "omqQc56LaP", "box", "video", "Dog", sequence, clock(60), 0.77
    )
    assert row["value"]["framesCount"] == 60
    assert row["value"]["duration"] == 2.4
    interface = LabelInterface(VIDEO_BOXES)
    assert interface.validate_prediction(build_prediction([row], "v"), return_errors=True) == []


def test_real_tracks_shrink(data_dir: Path) -> None:
    """Boxes round the true masks of real clips, which shake with every outline."""
    boxes_written = key_frames = 0
    overlaps = []
    for folder in sorted((data_dir / "davis_dev" / "Annotations" / "480p").iterdir()):
        maps = [read_indexed_png(path) for path in sorted(folder.glob("*.png"))]
        size = (maps[0].shape[0], maps[0].shape[1])
        for value in range(1, max(int(found.max()) for found in maps) + 1):
            boxes: Boxes = {k: edges_of(found == value) for k, found in enumerate(maps)}
            sequence = write_sequence(boxes, size, clock(len(maps)))
            drawn = read_sequence(sequence, size)
            assert drawn.keys() == {k + 1 for k, box in boxes.items() if box}
            for frame, box in drawn.items():
                true = boxes[frame - 1]
                assert true is not None
                assert worst(box, true) <= 1
                overlaps.append(overlap(box, true))
            boxes_written += len(drawn)
            key_frames += len(sequence)
    print(f"{boxes_written} boxes in {key_frames} key frames, IoU {np.mean(overlaps):.4f}")
    assert key_frames < 0.9 * boxes_written
    assert np.mean(overlaps) >= 0.95


def edges_of(mask: Any) -> Edges | None:
    box = bounding_box(mask)
    return box and (box[0], box[1], box[0] + box[2], box[1] + box[3])


def overlap(a: Edges, b: Edges) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)
