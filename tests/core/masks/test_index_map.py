"""Many masks in one picture, on disk in the colours of DAVIS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from trackanything_core.errors import MaskError
from trackanything_core.masks.index_map import merge_masks
from trackanything_core.masks.palette import davis_palette, read_indexed_png, write_indexed_png

_MAP = (np.arange(24 * 31) % 256).astype(np.uint8).reshape(24, 31)


def test_later_masks_lie_on_top():
    first, second = np.zeros((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
    first[0] = True
    second[:, 1] = True
    np.testing.assert_array_equal(merge_masks([first, second], (2, 3)), [[1, 2, 1], [0, 2, 0]])


def test_no_masks_are_all_background():
    assert not merge_masks([], (4, 6)).any()


def test_more_objects_than_a_byte_counts():
    with pytest.raises(MaskError, match="at most 255 masks in one index map, got 256"):
        merge_masks([np.zeros((1, 1), np.bool_)] * 256, (1, 1))


def test_masks_have_the_size_of_the_map():
    with pytest.raises(MaskError, match="expected a mask of 6x4 pixels, got 5x4"):
        merge_masks([np.zeros((4, 5), np.bool_)], (4, 6))


@pytest.mark.parametrize(
    ("index", "color"),
    [
        (0, (0, 0, 0)),
        (1, (128, 0, 0)),
        (2, (0, 128, 0)),
        (3, (128, 128, 0)),
        (7, (128, 128, 128)),
        (8, (64, 0, 0)),
        (22, (0, 192, 128)),
        (255, (224, 224, 192)),
    ],
)
def test_palette_is_the_known_one(index: int, color: tuple[int, int, int]):
    assert tuple(davis_palette()[index]) == color


def test_palette_tells_all_objects_apart():
    assert len(np.unique(davis_palette(), axis=0)) == 256


def test_png_keeps_indices_and_shows_colours(tmp_path: Path):
    path = tmp_path / "00000.png"
    write_indexed_png(path, _MAP)
    np.testing.assert_array_equal(read_indexed_png(path), _MAP)
    with PIL.Image.open(path) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), davis_palette()[_MAP])
    assert [file.name for file in tmp_path.iterdir()] == ["00000.png"]


def test_real_annotations_are_read(data_dir: Path):
    path = data_dir / "davis_dev" / "Annotations" / "480p" / "dog" / "00000.png"
    index_map = read_indexed_png(path)
    assert index_map.shape == (480, 854)
    assert index_map.dtype == np.uint8
    assert 0 < (index_map > 0).mean() < 0.5


@pytest.mark.parametrize("index_map", [_MAP.astype(np.int64), _MAP[:, :, None]])
def test_what_is_no_index_map(tmp_path: Path, index_map):
    with pytest.raises(MaskError, match="expected an index map of shape"):
        write_indexed_png(tmp_path / "a.png", index_map)
    assert not list(tmp_path.iterdir())


def test_pictures_are_not_taken_for_masks(tmp_path: Path):
    PIL.Image.new("RGB", (4, 4)).save(tmp_path / "photo.png")
    with pytest.raises(MaskError, match=r"photo\.png holds colours \(RGB\)"):
        read_indexed_png(tmp_path / "photo.png")


@pytest.mark.parametrize("content", [None, b"", b"no picture at all"])
def test_unreadable_png(tmp_path: Path, content: bytes | None):
    path = tmp_path / "mask.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MaskError, match=r"mask\.png cannot be read as a mask"):
        read_indexed_png(path)
