"""Masks of a track as other tools take them."""

from __future__ import annotations

import json
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco

from trackanything_core.errors import MaskError, VideoError
from trackanything_core.export.coco import CocoObject, write_coco
from trackanything_core.export.davis import DavisWriter
from trackanything_core.export.overlay import write_overlay
from trackanything_core.masks.palette import read_indexed_png
from trackanything_core.types import Mask
from trackanything_core.video.reader import VideoReader

_SIZE = (48, 64)
_OBJECTS = [CocoObject("a", "cat", (128, 0, 0)), CocoObject("b", "dog", (0, 128, 0))]


def _square(frame: int, row: int) -> Mask:
    mask = np.zeros(_SIZE, np.bool_)
    mask[row : row + 8, frame : frame + 8] = True
    return mask


def test_davis_files_hold_the_numbers_of_the_objects(tmp_path: Path):
    writer = DavisWriter(tmp_path / "masks", ["a", "b"], _SIZE)
    for frame in (2, 0, 1):
        path = writer.write(frame, {"b": _square(frame, 20), "a": _square(frame, 0)})
        assert path == tmp_path / "masks" / f"{frame:05d}.png"
    names = sorted(path.name for path in (tmp_path / "masks").iterdir())
    assert names == ["00000.png", "00001.png", "00002.png"]
    index_map = read_indexed_png(tmp_path / "masks" / "00002.png")
    np.testing.assert_array_equal(index_map == 1, _square(2, 0))
    np.testing.assert_array_equal(index_map == 2, _square(2, 20))


def test_davis_objects_keep_their_number_where_others_are_absent(tmp_path: Path):
    writer = DavisWriter(tmp_path, ["a", "b"], _SIZE)
    assert set(np.unique(read_indexed_png(writer.write(0, {"b": _square(0, 0)})))) == {0, 2}
    assert set(np.unique(read_indexed_png(writer.write(1, {})))) == {0}


def test_davis_refuses_what_was_not_announced(tmp_path: Path):
    writer = DavisWriter(tmp_path, ["a"], _SIZE)
    with pytest.raises(MaskError, match=r"expected masks of \['a'\] only, got \['c'\]"):
        writer.write(0, {"c": _square(0, 0)})
    with pytest.raises(MaskError, match="expected a mask of 64x48 pixels, got 5x5"):
        writer.write(0, {"a": np.zeros((5, 5), np.bool_)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("objects", [["a", "a"], [str(k) for k in range(256)]])
def test_davis_objects_must_be_few_and_different(tmp_path: Path, objects: list[str]):
    with pytest.raises(MaskError, match="at most 255 different objects"):
        DavisWriter(tmp_path, objects, _SIZE)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools beside NumPy 2
def test_coco_file_holds_all_there_is(tmp_path: Path):
    path = tmp_path / "masks.json"
    with write_coco(path, video="v.mp4", size=_SIZE, frames=3, objects=_OBJECTS) as writer:
        for frame in range(3):
            masks = {"a": _square(frame, 0), "b": _square(frame, 20) & (frame != 1)}
            writer.write(frame, masks, {"a": 0.5 + frame / 10})
    content = json.loads(path.read_text())
    assert content["video"] == "v.mp4"
    assert (content["width"], content["height"], content["frames"]) == (64, 48, 3)
    assert content["objects"] == [
        {"id": "a", "label": "cat", "color": [128, 0, 0]},
        {"id": "b", "label": "dog", "color": [0, 128, 0]},
    ]
    rows = content["annotations"]
    assert [(row["frame"], row["object"]) for row in rows] == [
        (0, "a"),
        (0, "b"),
        (1, "a"),
        (2, "a"),
        (2, "b"),
    ]
    first = rows[2]
    np.testing.assert_array_equal(coco.decode(first["segmentation"]), _square(1, 0))
    assert first["segmentation"]["size"] == [48, 64]
    assert (first["area"], first["bbox"], first["score"]) == (64, [1, 0, 8, 8], 0.6)
    assert rows[1]["score"] is None


def test_coco_file_without_masks_is_still_one_object(tmp_path: Path):
    with write_coco(tmp_path / "m.json", video="v", size=_SIZE, frames=9, objects=[]):
        pass
    assert json.loads((tmp_path / "m.json").read_text())["annotations"] == []


def test_coco_failure_leaves_nothing(tmp_path: Path):
    with (
        pytest.raises(MaskError, match=r"expected masks of \['a', 'b'\] only, got one of 'c'"),
        write_coco(
            tmp_path / "m.json", video="v", size=_SIZE, frames=9, objects=_OBJECTS
        ) as writer,
    ):
        writer.write(0, {"c": _square(0, 0)})
    assert not list(tmp_path.iterdir())


def test_coco_writer_needs_no_more_memory_for_more_frames(tmp_path: Path):
    path = tmp_path / "m.json"
    # The least of several: threads that other tests left behind allocate too.
    short, long = (min(_peak_bytes(path, frames) for _ in range(3)) for frames in (5, 50))
    assert path.stat().st_size > 1_000_000
    assert long < short + 100_000


def _peak_bytes(path: Path, frames: int) -> int:
    noise = np.random.default_rng(0).random((200, 300)) < 0.5
    tracemalloc.start()
    try:
        with write_coco(path, video="v", size=(200, 300), frames=50, objects=_OBJECTS) as writer:
            for frame in range(frames):
                writer.write(frame, {"a": noise})
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_overlay_video_has_every_frame_in_colour(tmp_path: Path):
    path = tmp_path / "overlay.mp4"
    image = np.full((*_SIZE, 3), 100, np.uint8)
    whole = np.ones(_SIZE, np.bool_)
    with write_overlay(path, Fraction(25), ["a", "b"]) as writer:
        writer.write(image, {"a": whole})
        writer.write(image, {"b": whole})
        writer.write(image, {})
    with VideoReader(path) as reader:
        assert len(reader) == 3
        red, green, grey = (reader.read(frame)[24, 32].astype(int) for frame in range(3))
    assert red[0] > red[1] + 50
    assert green[1] > green[0] + 50
    assert np.ptp(grey) < 10


def test_overlay_needs_a_frame(tmp_path: Path):
    with (
        pytest.raises(VideoError, match="no frame was written"),
        write_overlay(tmp_path / "o.mp4", Fraction(25), ["a"]),
    ):
        pass
    assert not list(tmp_path.iterdir())
