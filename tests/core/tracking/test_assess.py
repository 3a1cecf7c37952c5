"""The score of a mask follows what speaks for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackanything_core.tracking.assess import Signs, read_signs, score_mask, small, weigh, weights
from trackanything_core.types import Mask, SoftMask

SHARE = st.floats(0, 1)


def square(left: int = 10) -> Mask:
    mask = np.zeros((48, 64), bool)
    mask[10:30, left : left + 20] = True
    return mask


def sure(mask: Mask, by: float) -> SoftMask:
    return np.where(mask, by, 1 - by).astype(np.float32)


def test_a_sharp_mask_scores_more_than_a_blurred_one() -> None:
    scores = [score_mask(sure(square(), by), square()) for by in (0.6, 0.8, 0.95, 1.0)]
    assert scores == sorted(scores)
    assert scores[0] < 0.3
    assert scores[-1] > 0.9


def test_attention_elsewhere_lowers_the_score() -> None:
    there, elsewhere = (sure(square(left), 1.0)[::4, ::4] for left in (10, 40))
    mask = square()
    probability = sure(mask, 0.95)
    scores = [score_mask(probability, mask, attended) for attended in (elsewhere, there)]
    assert scores[0] < scores[1] - 0.3


def test_a_jump_lowers_the_score() -> None:
    mask = square()
    probability = sure(mask, 0.95)
    jumped, still = (score_mask(probability, mask, None, small(square(x))) for x in (40, 10))
    assert jumped < still


def test_an_empty_mask_is_as_good_as_the_object_is_out_of_sight() -> None:
    nothing = np.zeros((48, 64), bool)
    assert score_mask(np.full((48, 64), 0.2, np.float32), nothing) == pytest.approx(0.8)


def test_signs_are_shares() -> None:
    mask = square()
    signs = read_signs(sure(mask, 1.0), mask, sure(mask, 1.0), small(mask))
    assert signs == Signs(1.0, 1.0, 1.0)


@pytest.mark.property
@given(signs=st.builds(Signs, SHARE, SHARE | st.none(), SHARE | st.none()), more=SHARE)
def test_scores_are_shares_and_grow_with_certainty(signs: Signs, more: float) -> None:
    score = weigh(signs, weights())
    surer = Signs(max(signs.certainty, more), signs.attention, signs.steadiness)
    assert 0 < score <= weigh(surer, weights()) < 1
