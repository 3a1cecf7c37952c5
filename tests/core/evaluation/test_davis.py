from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.core.evaluation.davis_folder import palette_map, write_maps
from trackanything_core.errors import DataError
from trackanything_core.evaluation.davis import read_davis

INDEX_MAP = np.array([[0, 1, 1], [2, 2, 255]], np.uint8)


def test_numbered_objects_and_void_pixels(tmp_path: Path) -> None:
    maps = [INDEX_MAP, np.where(INDEX_MAP == 2, 0, INDEX_MAP).astype(np.uint8), INDEX_MAP]
    write_maps(tmp_path, "two", [palette_map(values) for values in maps])
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
    write_maps(tmp_path, "one", [picture] * 3)
    (sequence,) = read_davis(tmp_path)
    assert sequence.objects == ("1",)
    np.testing.assert_array_equal(sequence.truth(2).masks["1"], mask)
    assert not sequence.truth(2).void.any()


def test_real_sequences(data_dir: Path) -> None:
    sequences = read_davis(data_dir / "davis_dev")
    assert len(sequences) == 6
    assert {len(sequence.objects) for sequence in sequences} == {1}
    assert sequences[0].truth(0).masks["1"].shape == (480, 854)


def test_a_test_set_has_its_first_frame_annotated(tmp_path: Path) -> None:
    write_maps(tmp_path, "secret", [palette_map(INDEX_MAP)], pictures=4)
    (sequence,) = read_davis(tmp_path)
    assert (len(sequence), sequence.objects, sequence.is_measurable) == (4, ("1", "2"), False)
    with pytest.raises(DataError, match=r"annotation of frame 1 of secret.* 1 for 4 pictures"):
        sequence.truth(1)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("2017/val", "one\nthree\n"),
        (
            "480p/val",
            "/JPEGImages/480p/one/00000.jpg /Annotations/480p/one/00000.png\n"
            "/JPEGImages/480p/one/00001.jpg /Annotations/480p/one/00001.png\n"
            "/JPEGImages/480p/three/00000.jpg /Annotations/480p/three/00000.png\n",
        ),
    ],
    ids=["as of 2017", "as of 2016"],
)
def test_image_sets(tmp_path: Path, name: str, lines: str) -> None:
    for sequence in ("one", "two", "three"):
        write_maps(tmp_path, sequence, [palette_map(INDEX_MAP)] * 3)
    listed = tmp_path / "ImageSets" / f"{name}.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(lines)
    assert [found.name for found in read_davis(tmp_path, image_set=name)] == ["one", "three"]
    with pytest.raises(DataError, match=rf"2017/test\.txt; there are {name}"):
        read_davis(tmp_path, image_set="2017/test")
    listed.write_text("one\nfour\n")
    with pytest.raises(DataError, match="sequences that are there, got four"):
        read_davis(tmp_path, image_set=name)


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
        write_maps(tmp_path, "bad", maps)
        with pytest.raises(DataError, match=message):
            read_davis(tmp_path)
        for kind in ("JPEGImages", "Annotations"):
            shutil.rmtree(tmp_path / kind / "480p" / "bad")
    write_maps(tmp_path, "bad", [palette_map(INDEX_MAP)] * 3)
    annotation = tmp_path / "Annotations" / "480p" / "bad" / "00001.png"
    annotation.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cannot read .*00001\.png"):
        read_davis(tmp_path)[0].truth(1)
    annotation.unlink()
    with pytest.raises(DataError, match="got 2 for 3"):
        read_davis(tmp_path)
