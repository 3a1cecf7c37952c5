"""Image lists: order, sizes, orientation, odd names."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from tests.core.video.burned import burn, read_number
from trackanything_core.errors import VideoError
from trackanything_core.types import Image
from trackanything_core.video.images import ImageList
from trackanything_core.video.open import open_source

_SIZE = (96, 128)


def _save(path: Path, image: Image, **options: Any) -> Path:
    PIL.Image.fromarray(image).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".JPEG"])
def test_every_kind_of_image(tmp_path: Path, suffix: str):
    for number in range(12):
        _save(tmp_path / f"{number}{suffix}", burn(number, _SIZE))
    with open_source(tmp_path) as source:
        assert source.size == _SIZE
        assert source.times is None
        assert source.fps is None
        numbers = [(frame, read_number(image)) for frame, image in source.iterate()]
        assert numbers == [(k, k) for k in range(12)]
        backward = [read_number(image) for _, image in source.iterate(11, None, -1)]
        assert backward == list(range(11, -1, -1))


def test_colours_are_red_green_blue(tmp_path: Path):
    color = np.full((4, 6, 3), (200, 100, 50), np.uint8)
    image = open_source(_save(tmp_path / "plain.png", color)).read(0)
    np.testing.assert_array_equal(image, color)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16", "CMYK"])
def test_other_pixel_formats_become_rgb(tmp_path: Path, mode: str):
    grey = np.full((8, 8), 255, np.uint8)
    if mode == "I;16":
        picture = PIL.Image.fromarray(np.full((8, 8), 65535, np.uint16))
    else:
        picture = PIL.Image.fromarray(grey).convert("RGB").convert(mode)
    path = tmp_path / ("white.jpg" if mode == "CMYK" else "white.png")
    picture.save(path)
    np.testing.assert_array_equal(open_source(path).read(0), np.full((8, 8, 3), 255, np.uint8))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured(tmp_path: Path, suffix: str, orientation: int):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, dict[str, Any]] = {
        ".webp": {"lossless": True},
        ".jpg": {"quality": 98, "subsampling": 0},
    }
    path = _save(
        tmp_path / f"turned{suffix}", burn(9, _SIZE), exif=exif, **lossless.get(suffix, {})
    )
    with PIL.Image.open(path) as stored:
        expected = np.asarray(PIL.ImageOps.exif_transpose(stored).convert("RGB")).astype(int)
    source = open_source(path)
    image = source.read(0)
    assert image.shape == (*source.size, 3)
    assert abs(image - expected).mean() < 1


def test_images_are_sorted_as_people_count(tmp_path: Path):
    names = ["frame2.png", "frame10.png", "frame10b.png", "frame011.png", "x.png", "1.png"]
    random.Random(0).shuffle(names)
    for name in names:
        _save(tmp_path / name, burn(0, _SIZE))
    (tmp_path / "notes.txt").write_text("not an image")
    assert [path.name for path in ImageList.from_directory(tmp_path).paths] == [
        "1.png",
        "frame2.png",
        "frame10.png",
        "frame10b.png",
        "frame011.png",
        "x.png",
    ]


def test_a_list_keeps_its_order(tmp_path: Path):
    paths = [_save(tmp_path / f"{k}.png", burn(k, _SIZE)) for k in (3, 1, 2)]
    source = open_source(paths)
    assert [read_number(image) for _, image in source.iterate()] == [3, 1, 2]


def test_names_in_any_script(tmp_path: Path):
    path = _save(tmp_path / "Grüße 狗 #1.png", burn(5, _SIZE))
    assert read_number(open_source(str(path)).read(0)) == 5


def test_rate_is_what_the_caller_knows(tmp_path: Path):
    path = _save(tmp_path / "0.png", burn(0, _SIZE))
    assert ImageList([path], fps=Fraction(25)).fps == 25


def test_sizes_must_agree(tmp_path: Path):
    first = _save(tmp_path / "a.png", burn(0, _SIZE))
    second = _save(tmp_path / "b.png", burn(0, (97, 128)))
    with pytest.raises(VideoError, match=r"b\.png is 128x97 pixels where .*a\.png is 128x96"):
        open_source([first, second])


def test_upright_sizes_are_compared(tmp_path: Path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    lying = _save(tmp_path / "lying.jpg", np.rot90(burn(0, _SIZE)).copy(), exif=exif)
    upright = _save(tmp_path / "upright.jpg", burn(0, _SIZE))
    assert open_source([lying, upright]).size == _SIZE


def test_folder_without_images(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(VideoError, match="holds no images: expected files that end in"):
        open_source(tmp_path)


def test_empty_list():
    with pytest.raises(VideoError, match="at least one image"):
        open_source([])


def test_missing_folder_and_missing_image(tmp_path: Path):
    with pytest.raises(VideoError, match="expected a folder of images"):
        ImageList.from_directory(tmp_path / "gone")
    with pytest.raises(VideoError, match=r"there is no file at .*gone\.png"):
        open_source([tmp_path / "gone.png"])


def test_file_that_is_no_image(tmp_path: Path):
    path = tmp_path / "letter.png"
    path.write_text("Dear all")
    with pytest.raises(VideoError, match=r"letter\.png is not an image that can be read"):
        open_source(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_image_with_a_beginning_and_nothing_else(tmp_path: Path, suffix: str):
    path = _save(tmp_path / f"cut{suffix}", burn(0, _SIZE))
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(VideoError, match=r"cut\.\w+ (is not an image|cannot be decoded)"):
        open_source(path).read(0)


def test_image_that_went_away(tmp_path: Path):
    path = _save(tmp_path / "a.png", burn(0, _SIZE))
    source = open_source(path)
    path.unlink()
    with pytest.raises(VideoError, match=r"a\.png cannot be read"):
        source.read(0)


def test_frame_out_of_range(tmp_path: Path):
    source = open_source(_save(tmp_path / "a.png", burn(0, _SIZE)))
    with pytest.raises(VideoError, match=r"^frame 1 of a video with 1 frames \(0..0\)$"):
        source.read(1)
