"""Polygons, boxes and vectors show the mask, and the SDK accepts them."""

from __future__ import annotations

import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend.frame_clock import FrameClock
from ml_backend.label_config import parse_label_config
from ml_backend.mask_rows import read_mask_rows
from ml_backend.regions import build_prediction, build_region
from ml_backend.video_rows import build_video_row
from ml_backend.video_vectors import sample_ring, write_vector_sequence
from tests.ml_backend.configs import POLYGON, RECTANGLE, VIDEO_VECTORS
from trackanything_core.masks.ops import iou
from trackanything_core.types import Mask

SIZE = (120, 200)


def ring(x: float, y: float, outer: float, inner: float = 0) -> Mask:
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(rows - y, columns - x)
    return np.asarray((distance <= outer) & (distance >= inner))


def test_a_polygon_holds_parts_and_holes() -> None:
    mask = ring(50, 60, 40, 15) | ring(150, 60, 20)
    region = build_region(parse_label_config(POLYGON), "Cat", "Cat", 2, mask, 0.9, parent="Cat-f0")
    assert region["parentID"] == "Cat-f0"
    (row,) = read_mask_rows([region], {"kp"})
    assert iou(row.decode(), mask) >= 0.95


def test_a_box_is_the_tightest() -> None:
    region = build_region(parse_label_config(RECTANGLE), "Cat", "Cat", 2, ring(50, 60, 10), 0.9)
    (row,) = read_mask_rows([region], {"kp"})
    assert np.array_equal(np.argwhere(row.decode())[[0, -1]], [[50, 40], [70, 60]])


@pytest.mark.contract
@pytest.mark.parametrize("xml", [POLYGON, RECTANGLE], ids=["polygon", "rectangle"])
def test_the_sdk_accepts_regions(xml: str) -> None:
    config = parse_label_config(xml.replace('toName="frames"', 'toName="frames" objects="many"', 1))
    assert config.objects == "many"
    masks = ring(50, 60, 40), np.zeros(SIZE, np.bool_)
    rows = [build_region(config, "Cat", "Cat", k, mask, 0.9) for k, mask in enumerate(masks)]
    found = LabelInterface(xml).validate_prediction(build_prediction(rows, "v"), return_errors=True)
    assert found == []


@pytest.mark.contract
def test_vertices_keep_their_ids_and_the_sdk_accepts_them() -> None:
    clock = FrameClock(25, [k / 25 for k in range(40)], 25)
    masks = [ring(40 + 2 * k, 60, 20) for k in range(40)]
    sequence = write_vector_sequence(dict(enumerate(map(sample_ring, masks))), SIZE, clock)
    names = [[vertex["id"] for vertex in key["vertices"]] for key in sequence]
    assert all(found == names[0] for found in names)
    assert len(sequence) < 10
    row = build_video_row("videovectorlabels", "a", "outline", "video", "Cat", sequence, clock, 0.9)
    prediction = build_prediction([row], "v")
    assert LabelInterface(VIDEO_VECTORS).validate_prediction(prediction, return_errors=True) == []
