"""Objects that a pass does not follow, but which compete for pixels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.models.xmem.small import EMBEDDED_KIND, OFFICIAL_KIND, small_network
from trackanything_core.errors import MaskError
from trackanything_core.models.base import Propagator
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings

SIZE = (40, 56)
both_kinds = pytest.mark.parametrize(
    "config", [OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"]
)


def start(config=OFFICIAL_KIND) -> Propagator:
    settings = PropagationSettings(internal_size=32, memory_every=2)
    return XMemPropagatorFactory(small_network(config), settings, name="small").start()


def picture(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def half(value: float) -> np.ndarray:
    """The left half of a picture, as surely as `value`."""
    context = np.zeros(SIZE, np.float32)
    context[:, : SIZE[1] // 2] = value
    return context


def disc() -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.asarray(np.hypot(rows - 20, columns - 28) < 12)


@both_kinds
def test_pixels_that_surely_belong_to_others_are_left_to_them(config):
    propagator = start(config)
    propagator.step(picture(0), {"cat": disc()}, context=half(0))
    answer = propagator.step(picture(1), context=half(1))
    assert answer.shape == (2, *SIZE)
    np.testing.assert_allclose(answer.sum(0), 1, atol=1e-5)
    assert answer[1, :, :26].max() < 1e-3
    assert answer[1, :, 30:].max() > 0.1


@both_kinds
def test_the_surer_the_others_the_less_is_left(config):
    answers = []
    for sure in (0.2, 0.5, 0.8):
        propagator = start(config)
        propagator.step(picture(0), {"cat": disc()})
        answers.append(propagator.step(picture(1), context=half(sure))[1, :, :26].mean())
    assert answers == sorted(answers, reverse=True)
    assert len(set(answers)) == 3


def test_a_given_mask_stands_against_the_others():
    answer = start().step(picture(0), {"cat": disc()}, context=half(1))
    assert ((answer.argmax(0) == 1) == disc()).mean() > 0.95


@both_kinds
def test_an_empty_context_is_as_none(config):
    one, other = start(config), start(config)
    for index in range(6):
        given = {"cat": disc()} if index == 0 else None
        np.testing.assert_allclose(
            one.step(picture(index), given),
            other.step(picture(index), given, context=half(0)),
            atol=1e-5,
        )


def test_memory_knows_what_the_others_hold():
    answers = []
    for context in (None, half(0.9)):
        propagator = start()
        propagator.step(picture(0), {"cat": disc()}, context=context)
        answers.append(propagator.step(picture(1)))
    assert (answers[0] != answers[1]).any()


def test_a_context_that_does_not_fit_is_refused_and_changes_nothing():
    propagator, untouched = start(), start()
    for each in (propagator, untouched):
        each.step(picture(0), {"cat": disc()})
    with pytest.raises(MaskError, match="the context"):
        propagator.step(picture(1), context=half(2))
    with pytest.raises(MaskError, match="the context"):
        propagator.step(picture(1), context=half(0.5).T)
    np.testing.assert_array_equal(propagator.step(picture(1)), untouched.step(picture(1)))


def test_a_remembered_frame_is_resized_like_any_other():
    one, other = start(), start()
    one.remember(picture(9), {"cat": disc()}, step=9)
    other.remember(picture(9), {"cat": disc().astype(np.float32)}, step=9)
    for each in (one, other):
        assert each.object_ids == ("cat",)
    np.testing.assert_array_equal(one.step(picture(0)), other.step(picture(0)))
