"""Reading COCO panoptic annotations, on a hand-made data set and on the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.core.training.pictures import picture_with_things
from trackanything_core.errors import DataError
from trackanything_core.training.coco import hold_out, load_coco


def test_reads_segments_colours_and_licence(small_coco: Path) -> None:
    (image,) = load_coco(small_coco)
    assert image.image.shape == (40, 60, 3)
    assert image.image[20, 30, 0] > 240, "red comes first"
    assert image.license_id == 4
    cat, sky, crowd = image.segments
    assert (cat.category, cat.is_thing) == ("cat", True)
    assert (sky.category, sky.is_thing) == ("sky", False)
    assert not crowd.is_thing
    expected = np.zeros((40, 60), bool)
    expected[:, :20] = True
    np.testing.assert_array_equal(cat.mask, expected)


def test_shrinks_picture_and_masks_alike(small_coco: Path) -> None:
    (image,) = load_coco(small_coco, short_side=20)
    assert image.image.shape == (20, 30, 3)
    assert image.segments[0].mask[:, :10].all()
    assert not image.segments[0].mask[:, 10:].any()


def test_missing_annotations_and_pictures_are_named(small_coco: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"panoptic_\*\.json"):
        load_coco(tmp_path / "nowhere")
    (small_coco / "images" / "train2017" / "1.jpg").unlink()
    with pytest.raises(DataError, match=r"1\.jpg"):
        load_coco(small_coco)


def test_real_data_set(data_dir: Path) -> None:
    images = load_coco(data_dir / "coco200", short_side=64)
    assert len(images) == 200
    assert [image.name for image in images] == sorted(image.name for image in images)
    for image in images:
        assert min(image.image.shape[:2]) == 64
        masks = np.stack([segment.mask for segment in image.segments])
        assert masks.any(axis=(1, 2)).all()
        assert masks.sum(axis=0).max() == 1, "panoptic segments do not overlap"


def test_every_twentieth_picture_is_held_out_of_training() -> None:
    images = [picture_with_things() for _ in range(41)]
    training, held_out = hold_out(images)
    assert [id(image) for image in held_out] == [id(images[i]) for i in (0, 20, 40)]
    assert len(training) == 38
    assert not {id(image) for image in training} & {id(image) for image in held_out}


def test_few_pictures_serve_both_purposes() -> None:
    images = [picture_with_things()]
    assert hold_out(images) == (images, images)
    assert hold_out([]) == ([], [])
