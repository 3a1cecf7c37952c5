"""A data set of one picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def small_coco(tmp_path: Path) -> Path:
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
