"""A mask agrees with its clicks where one threshold can make it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trackanything_core.models.sam.obedience import obedient_mask
from trackanything_core.types import Click


@pytest.fixture
def two_hills() -> np.ndarray:
    """(20, 40): a large hill at x 10, a tenth of its size at x 30, a valley between."""
    logits = np.full((20, 40), -5, np.float32)
    logits[2:18, 2:18] = 2
    logits[8:13, 28:33] = 1
    logits[8:13, 34:37] = -1
    return logits


def test_where_all_is_well_only_small_parts_without_a_click_go(two_hills: np.ndarray) -> None:
    mask = obedient_mask(two_hills, [Click(10, 10)])
    assert mask[10, 10]
    assert not mask[:, 20:].any()
    both = obedient_mask(two_hills, [Click(10, 10), Click(30, 10)])
    np.testing.assert_array_equal(both, two_hills > 0)


def test_the_threshold_falls_to_what_was_clicked(two_hills: np.ndarray) -> None:
    mask = obedient_mask(two_hills, [Click(10, 10), Click(35, 10)])
    assert mask[10, 35]
    assert mask[10, 10]
    assert not mask[10, 22]


def test_the_threshold_rises_above_what_was_clicked_away(two_hills: np.ndarray) -> None:
    mask = obedient_mask(two_hills, [Click(10, 10), Click(30, 10, positive=False)])
    np.testing.assert_array_equal(mask, two_hills > 1)


def test_it_does_not_fall_without_bounds(two_hills: np.ndarray) -> None:
    mask = obedient_mask(two_hills, [Click(10, 10), Click(22, 10)])
    assert not mask[10, 22]


def test_clicks_that_contradict_the_network_leave_its_threshold(two_hills: np.ndarray) -> None:
    clicks = [Click(30, 10), Click(10, 10, positive=False)]
    np.testing.assert_array_equal(obedient_mask(two_hills, clicks), two_hills > 0)


places = st.tuples(st.integers(0, 7), st.integers(0, 5), st.booleans())


@pytest.mark.property
@given(
    arrays(np.float32, (6, 8), elements=st.floats(-2.5, 2.5, width=32)),
    st.lists(places, min_size=1, max_size=4),
)
def test_clicks_within_reach_are_obeyed(
    logits: np.ndarray, drawn: list[tuple[int, int, bool]]
) -> None:
    clicks = [Click(x, y, positive) for x, y, positive in drawn]
    inside = [float(logits[y, x]) for x, y, positive in drawn if positive]
    outside = [float(logits[y, x]) for x, y, positive in drawn if not positive]
    mask = obedient_mask(logits, clicks)
    if not inside or not outside or min(inside) > max(outside):
        for x, y, positive in drawn:
            assert mask[y, x] == positive
