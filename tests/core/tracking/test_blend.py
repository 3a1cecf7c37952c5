from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trackanything_core.tracking.blend import blend


def distribution(odds: np.ndarray) -> np.ndarray:
    return np.asarray((odds + 1e-3) / (odds + 1e-3).sum(0), np.float32)


odds = arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32))
answers = odds.map(distribution)


@pytest.mark.property
@given(forward=answers, backward=answers, nearness=st.floats(0, 1))
def test_a_blend_is_a_distribution_between_both_answers(
    forward: np.ndarray, backward: np.ndarray, nearness: float
) -> None:
    found = blend(forward, backward, nearness)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    assert (found >= 0).all()
    assert (found[1:] <= np.maximum(forward, backward)[1:] + 1e-6).all()
    alone = blend(forward[:2], backward[:2], nearness)[1]
    assert (alone >= np.minimum(forward, backward)[1] - 1e-6).all()


@pytest.mark.property
@given(forward=answers, backward=answers, nearness=st.floats(0, 1))
def test_no_direction_is_preferred(
    forward: np.ndarray, backward: np.ndarray, nearness: float
) -> None:
    one = blend(forward, backward, nearness)
    np.testing.assert_allclose(one, blend(backward, forward, 1 - nearness), atol=1e-5)


def single(probability: float) -> np.ndarray:
    """One object, alike everywhere."""
    return np.stack([np.full((2, 2), p, np.float32) for p in (1 - probability, probability)])


def test_the_nearer_anchor_counts_more() -> None:
    near, middle, far = (blend(single(0.9), single(0.1), n)[1, 0, 0] for n in (0.9, 0.5, 0.1))
    assert near == pytest.approx(0.82, abs=1e-3)
    assert middle == pytest.approx(0.5, abs=1e-3)
    assert far == pytest.approx(0.18, abs=1e-3)


def test_the_surer_pass_counts_more() -> None:
    assert blend(single(0.95), single(0.45), 0.5)[1, 0, 0] > 0.7
