"""Reading COCO panoptic annotations, on a hand-made data set and on the real one."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from trackanything_core.errors import DataError
from trackanything_core.training.coco import load_coco


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """One 40x60 picture: a cat on the left whose id needs all three colours, a sky, a crowd."""
    ids = np.zeros((40, 60), np.uint32)
    ids[:, :20] = 70000
    ids[:10, 20:] = 300
    ids[30:, 20:] = 7
    coded = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
    annotations = tmp_path / "panoptic" / "annotations"
    pictures = tmp_path / "images" / "train2017"
    (annotations / "panoptic_train2017").mkdir(parents=True)
    pictures.mkdir(parents=True)
    cv2.imwrite(str(annotations / "panoptic_train2017" / "1.png"), coded[..., ::-1])
    cv2.imwrite(str(pictures / "1.jpg"), np.full((40, 60, 3), (0, 0, 255), np.uint8))
    infos = [
        {"id": 70000, "category_id": 1, "iscrowd": 0},
        {"id": 300, "category_id": 2, "iscrowd": 0},
        {"id": 7, "category_id": 1, "iscrowd": 1},
    ]
    content = {
        "images": [{"id": 1, "file_name": "1.jpg", "license": 4}],
        "annotations": [{"image_id": 1, "file_name": "1.png", "segments_info": infos}],
        "categories": [
            {"id": 1, "name": "cat", "isthing": 1},
            {"id": 2, "name": "sky", "isthing": 0},
        ],
    }
    (annotations / "panoptic_train2017.json").write_text(json.dumps(content))
    return tmp_path


def test_reads_segments_colours_and_licence(small_root: Path) -> None:
    (image,) = load_coco(small_root)
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


def test_shrinks_picture_and_masks_alike(small_root: Path) -> None:
    (image,) = load_coco(small_root, short_side=20)
    assert image.image.shape == (20, 30, 3)
    assert image.segments[0].mask[:, :10].all()
    assert not image.segments[0].mask[:, 10:].any()


def test_missing_annotations_and_pictures_are_named(small_root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"panoptic_\*\.json"):
        load_coco(tmp_path / "nowhere")
    (small_root / "images" / "train2017" / "1.jpg").unlink()
    with pytest.raises(DataError, match=r"1\.jpg"):
        load_coco(small_root)


def test_real_data_set(data_dir: Path) -> None:
    images = load_coco(data_dir / "coco200", short_side=64)
    assert len(images) == 200
    assert [image.name for image in images] == sorted(image.name for image in images)
    for image in images:
        assert min(image.image.shape[:2]) == 64
        masks = np.stack([segment.mask for segment in image.segments])
        assert masks.any(axis=(1, 2)).all()
        assert masks.sum(axis=0).max() == 1, "panoptic segments do not overlap"
