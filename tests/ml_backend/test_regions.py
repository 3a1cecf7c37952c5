"""Regions hold the mask to the pixel, and the SDK accepts them."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend import brush_rle
from ml_backend.label_config import parse_label_config
from ml_backend.regions import PLEASE_CHECK, build_prediction, build_region, build_regions
from tests.ml_backend import configs
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.types import Mask


@pytest.fixture
def mask() -> Mask:
    return np.random.default_rng(3).random((37, 53)) < 0.3


def read_png(data_url: str) -> np.ndarray[Any, Any]:
    kind, _, text = data_url.partition(",")
    assert kind == "data:image/png;base64"
    data = np.frombuffer(base64.b64decode(text), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))


def test_bitmask_region(mask: Mask) -> None:
    region = build_region(configs.bitmask_config(), "cat-1", "Cat", 4, mask, 0.987654)
    value = region.pop("value")
    assert region == {
        "id": "cat-1-f4",
        "from_name": "mask",
        "to_name": "frames",
        "type": "bitmasklabels",
        "origin": "prediction",
        "item_index": 4,
        "original_width": 53,
        "original_height": 37,
        "image_rotation": 0,
        "score": 0.9877,
    }
    assert value["bitmasklabels"] == ["Cat"]
    rgba = read_png(value["imageDataURL"])
    assert rgba.shape == (37, 53, 4)
    assert np.array_equal(rgba[..., 3], mask * 255)
    assert (rgba[mask] == 255).all()


def test_a_region_that_was_found_after_a_cut_asks_for_a_check(mask: Mask) -> None:
    found = FrameMasks(4, {"cat": mask, "dog": ~mask}, {"cat": 1, "dog": 1}, {}, frozenset(["cat"]))
    config = configs.bitmask_config()
    regions = list(build_regions([found], config, {"cat": "Cat", "dog": "Dog"}))
    assert [region.get("meta") for region in regions] == [{"text": [PLEASE_CHECK]}, None]


def test_brush_region(mask: Mask) -> None:
    region = build_region(configs.brush_config(), "cat-1", "Cat", 4, mask, 1)
    value = region["value"]
    assert (region["type"], value["format"]) == ("brushlabels", "rle")
    assert value["brushlabels"] == ["Cat"]
    assert np.array_equal(brush_rle.decode(value["rle"], 37, 53), mask)


def test_objects_out_of_sight_have_no_region(mask: Mask) -> None:
    frames = [
        FrameMasks(2, {"a": mask, "b": ~mask}, {"a": 0.5, "b": 0.25}),
        FrameMasks(3, {"a": mask, "b": np.zeros_like(mask)}, {"a": 0.5, "b": 0.0}),
    ]
    regions = build_regions(frames, configs.bitmask_config(), {"a": "Cat", "b": "Dog"})
    assert [(r["id"], r["value"]["bitmasklabels"]) for r in regions] == [
        ("a-f2", ["Cat"]),
        ("b-f2", ["Dog"]),
        ("a-f3", ["Cat"]),
    ]


def test_regions_that_the_editor_has_become_empty_and_some_are_left_out(mask: Mask) -> None:
    empty = np.zeros_like(mask)
    frames = [FrameMasks(k, {"a": mask if k == 0 else empty}, {"a": 0.5}) for k in range(4)]
    regions = list(
        build_regions(
            frames,
            configs.bitmask_config(),
            {"a": "Cat"},
            skip={"a-f0", "a-f2"},
            shown={"a-f0", "a-f1", "a-f2"},
        )
    )
    assert [region["id"] for region in regions] == ["a-f1"]
    assert not read_png(regions[0]["value"]["imageDataURL"])[..., 3].any()


@pytest.mark.contract
@pytest.mark.parametrize("xml", [configs.BITMASK, configs.BRUSH], ids=["bitmask", "brush"])
def test_the_sdk_accepts_the_prediction(xml: str, mask: Mask) -> None:
    config = parse_label_config(xml)
    frames = [FrameMasks(f, {"Cat": mask, "Dog": ~mask}, {"Cat": 0.5, "Dog": 1}) for f in range(3)]
    regions = build_regions(frames, config, {"Cat": "Cat", "Dog": "Dog"})
    prediction = build_prediction(regions, "test")
    assert prediction["score"] == 0.75
    assert len(prediction["result"]) == 6
    assert LabelInterface(xml).validate_prediction(prediction, return_errors=True) == []


def test_an_empty_prediction() -> None:
    assert build_prediction([], "v") == {"result": [], "score": 0.0, "model_version": "v"}
