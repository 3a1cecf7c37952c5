from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trackanything_core.errors import DataError
from trackanything_core.evaluation.davis import read_davis

INDEX_MAP = np.array([[0, 1, 1], [2, 2, 255]], np.uint8)


def write_sequence(root: Path, name: str, maps: list[Image.Image]) -> None:
    images = root / "JPEGImages" / "480p" / name
    annotations = root / "Annotations" / "480p" / name
    images.mkdir(parents=True)
    annotations.mkdir(parents=True)
    for frame, index_map in enumerate(maps):
        Image.new("RGB", index_map.size).save(images / f"{frame:05d}.jpg")
        index_map.save(annotations / f"{frame:05d}.png")


def palette_map(values: np.ndarray) -> Image.Image:
    picture = Image.fromarray(values)
    picture.putpalette([value for value in range(256) for _ in range(3)])
    return picture


def test_numbered_objects_and_void_pixels(tmp_path: Path) -> None:
    maps = [INDEX_MAP, np.where(INDEX_MAP == 2, 0, INDEX_MAP).astype(np.uint8), INDEX_MAP]
    write_sequence(tmp_path, "two", [palette_map(values) for values in maps])
    (sequence,) = read_davis(tmp_path)
    assert (sequence.name, len(sequence), sequence.objects) == ("two", 3, ("1", "2"))
    truth = sequence.truth(0)
    np.testing.assert_array_equal(truth.masks["1"], INDEX_MAP == 1)
    np.testing.assert_array_equal(truth.masks["2"], INDEX_MAP == 2)
    np.testing.assert_array_equal(truth.void, INDEX_MAP == 255)
    assert not sequence.truth(1).masks["2"].any()


@pytest.mark.parametrize("white", [1, 255])
def test_one_object_in_black_and_white(tmp_path: Path, white: int) -> None:
    mask = INDEX_MAP == 1
    picture = Image.fromarray((mask * white).astype(np.uint8))
    write_sequence(tmp_path, "one", [picture] * 3)
    (sequence,) = read_davis(tmp_path)
    assert sequence.objects == ("1",)
    np.testing.assert_array_equal(sequence.truth(2).masks["1"], mask)
    assert not sequence.truth(2).void.any()


def test_real_sequences(data_dir: Path) -> None:
    sequences = read_davis(data_dir / "davis_dev")
    assert len(sequences) == 6
    assert {len(sequence.objects) for sequence in sequences} == {1}
    assert sequences[0].truth(0).masks["1"].shape == (480, 854)


def test_what_is_not_laid_out_so_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"laid out like DAVIS.*no folder"):
        read_davis(tmp_path)
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind / "480p").mkdir(parents=True)
    with pytest.raises(DataError, match="one folder for each sequence"):
        read_davis(tmp_path)
    for maps, message in [
        ([palette_map(INDEX_MAP)] * 2, "at least 3 frames"),
        ([palette_map(INDEX_MAP * 0)] * 3, "at least one object on the first frame"),
    ]:
        write_sequence(tmp_path, "bad", maps)
        with pytest.raises(DataError, match=message):
            read_davis(tmp_path)
        for kind in ("JPEGImages", "Annotations"):
            shutil.rmtree(tmp_path / kind / "480p" / "bad")
    write_sequence(tmp_path, "bad", [palette_map(INDEX_MAP)] * 3)
    annotation = tmp_path / "Annotations" / "480p" / "bad" / "00001.png"
    annotation.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cannot read .*00001\.png"):
        read_davis(tmp_path)[0].truth(1)
    annotation.unlink()
    with pytest.raises(DataError, match="got 2 for 3"):
        read_davis(tmp_path)
