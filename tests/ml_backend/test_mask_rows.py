"""Masks come out of the editor's rows as they went in, and damaged ones do no harm."""

from __future__ import annotations

import base64
import struct
from typing import Any

import cv2
import numpy as np
import pytest

from ml_backend.mask_rows import MaskRow, digest_of, read_mask_rows
from ml_backend.regions import build_region
from tests.ml_backend.configs import bitmask_config, brush_config
from trackanything_core.errors import MaskError
from trackanything_core.types import Mask

NOISE = np.random.default_rng(3).random((37, 53)) < 0.3


def read(row: dict[str, Any]) -> MaskRow:
    (found,) = read_mask_rows([row], {"kp", "rect"})
    return found


def polygon(points: list[list[float]]) -> dict[str, Any]:
    return {
        "id": "p",
        "from_name": "poly",
        "type": "polygonlabels",
        "origin": "manual",
        "item_index": 2,
        "original_width": 20,
        "original_height": 10,
        "value": {"points": points, "closed": True, "polygonlabels": ["Cat"]},
    }


@pytest.mark.parametrize("config", [bitmask_config(), brush_config()])
def test_what_was_answered_is_read_again(config) -> None:
    row = read(build_region(config, "cat-1", "Cat", 4, NOISE, 1))
    assert np.array_equal(row.decode(), NOISE)
    assert (row.id, row.frame, row.label, row.by_hand) == ("cat-1-f4", 4, "Cat", False)


def test_a_picture_as_the_editor_makes_it() -> None:
    rgba = np.zeros((37, 53, 4), np.uint8)
    rgba[NOISE] = (255, 0, 0, 255)
    png = base64.b64encode(cv2.imencode(".png", rgba)[1].tobytes()).decode()
    row = build_region(bitmask_config(), "cat", "Cat", 0, NOISE, 1)
    row["value"]["imageDataURL"] = f"data:image/png;base64,{png}"
    assert np.array_equal(read(row).decode(), NOISE)


def test_the_pixels_whose_centres_lie_in_a_polygon() -> None:
    # The left edge of pixel 4 to the right edge of pixel 11, rows 2 to 6.
    row = read(polygon([[20, 20], [60, 20], [60, 70], [20, 70]]))
    expected = np.zeros((10, 20), np.bool_)
    expected[2:7, 4:12] = True
    found = row.decode()
    # The rasteriser may take the pixels on the far border too.
    assert np.count_nonzero(found != expected) <= 8 + 5 + 1
    assert found[expected].all()


@pytest.mark.parametrize("origin", ["manual", "prediction-changed"])
def test_what_a_human_made_or_changed_is_by_hand(origin: str) -> None:
    assert read(
        {**build_region(bitmask_config(), "a", "Cat", 0, NOISE, 1), "origin": origin}
    ).by_hand


def test_rows_of_prompt_controls_and_of_other_kinds_are_left_out() -> None:
    region = build_region(bitmask_config(), "a", "Cat", 0, NOISE, 1)
    rows = [
        {**region, "from_name": "kp"},
        {**region, "type": "keypointlabels"},
        {**region, "original_width": "wide"},
        {**region, "value": {}},
        {"type": "bitmasklabels"},
    ]
    assert list(read_mask_rows(rows, {"kp"})) == []


def huge_png() -> str:
    header = struct.pack(">IIBBBBB", 10**6, 10**6, 8, 6, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    return "data:image/png;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "value",
    [
        {"imageDataURL": "data:image/png;base64,iVBORw0KGgoAAA...<2566 chars>"},
        {"imageDataURL": "data:image/png;base64,iVBORw0KGgo="},
        {"imageDataURL": huge_png()},
        {"imageDataURL": "http://example.org/mask.png"},
        {},
    ],
)
def test_a_damaged_picture_is_an_error(value: dict[str, Any]) -> None:
    row = build_region(bitmask_config(), "a", "Cat", 0, NOISE, 1)
    row["value"] = {"bitmasklabels": ["Cat"], **value}
    with pytest.raises(MaskError):
        read(row).decode()


@pytest.mark.parametrize("rle", [None, [1, 2, "… 508 ints in all"], [1, 300], [0, 1]])
def test_a_damaged_brush_mask_is_an_error(rle: Any) -> None:
    row = build_region(brush_config(), "a", "Cat", 0, NOISE, 1)
    row["value"]["rle"] = rle
    with pytest.raises(MaskError):
        read(row).decode()


@pytest.mark.parametrize("points", [None, [], [[1, 2], [3, 4]], [[1, 2], [3], [4, 5]], [["a", 2]]])
def test_a_damaged_polygon_is_an_error(points: Any) -> None:
    with pytest.raises(MaskError):
        read(polygon(points)).decode()


def test_equal_masks_have_equal_digests_and_labels_do_not_count() -> None:
    first = build_region(bitmask_config(), "a", "Cat", 0, NOISE, 1)
    second = build_region(bitmask_config(), "b", "Dog", 3, NOISE, 0.5)
    assert read(first).written == read(second).written
    other: Mask = ~NOISE
    assert (
        read(first).written != read(build_region(bitmask_config(), "a", "Cat", 0, other, 1)).written
    )
    assert digest_of(NOISE) != digest_of(other)
    assert digest_of(NOISE & other) == ""
