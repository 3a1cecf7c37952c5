"""The mark of a frame is a point on the mask in question, and the SDK accepts it."""

from __future__ import annotations

import numpy as np
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend.next_frame import mark_frame
from tests.ml_backend.configs import BITMASK, bitmask_config

XML = BITMASK.replace('<Label value="Track"/>', '<Label value="Track"/><Label value="Next"/>')


def test_the_point_lies_on_the_mask_even_if_its_middle_does_not() -> None:
    ring = np.zeros((40, 80), np.bool_)
    ring[10:30, 10:30] = True
    ring[15:25, 15:25] = False
    region = mark_frame(bitmask_config(), "Next", "kp", 4, ring, "low score")
    x = region["value"]["x"] / 100 * 80 - 0.5
    y = region["value"]["y"] / 100 * 40 - 0.5
    assert ring[round(y), round(x)]
    assert region["item_index"] == 4
    assert region["meta"]["text"] == ["Frame 5: low score"]
    prediction = {"result": [region], "score": 1.0, "model_version": "v"}
    assert LabelInterface(XML).validate_prediction(prediction, return_errors=True) == []


def test_an_empty_mask_is_marked_in_the_middle() -> None:
    region = mark_frame(bitmask_config(), "Next", "kp", 0, np.zeros((40, 80), np.bool_), "why")
    assert abs(region["value"]["x"] - 50) < 1
    assert abs(region["value"]["y"] - 50) < 2
