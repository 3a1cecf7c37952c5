"""Simulated clicks fall where a patient annotator's would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from trackanything_core.errors import PromptError
from trackanything_core.evaluation.clicks import innermost, next_click, random_click
from trackanything_core.types import Click

MASKS = stnp.arrays(np.bool_, (9, 12))


def rectangle(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_first_click_is_in_the_middle_of_the_object() -> None:
    truth = rectangle(10, 20, 31, 41)
    assert next_click(np.zeros_like(truth), truth) == Click(30, 20)


def test_the_largest_error_is_mended_first() -> None:
    truth = rectangle(5, 5, 20, 20)
    assert next_click(truth | rectangle(21, 30, 38, 47), truth) == Click(38, 29, positive=False)
    missing = truth & ~rectangle(5, 5, 16, 16)
    assert next_click(missing | rectangle(0, 50, 3, 53), truth) == Click(10, 10)


def test_the_largest_connected_region_counts_not_the_sum() -> None:
    truth = rectangle(5, 5, 15, 15)
    spurious = np.zeros_like(truth)
    spurious[30:36:2, ::2] = True
    spurious[20:39, 30:59:6] = True
    assert spurious.sum() > truth.sum()
    assert next_click(spurious, truth) == Click(9, 9)


def test_the_edge_of_the_picture_is_a_border() -> None:
    assert innermost(np.ones((21, 41), bool)) == (10, 10)


def test_an_empty_region_is_refused() -> None:
    with pytest.raises(PromptError, match="empty mask"):
        innermost(np.zeros((3, 3), bool))


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(prediction=MASKS, truth=MASKS, seed=st.integers(0, 2**32))
def test_clicks_are_always_on_errors(prediction: np.ndarray, truth: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for click in (next_click(prediction, truth), random_click(prediction, truth, rng)):
        if np.array_equal(prediction, truth):
            assert click is None
        else:
            assert click is not None
            x, y = int(click.x), int(click.y)
            assert truth[y, x] == click.positive
            assert prediction[y, x] != truth[y, x]
