"""Propagators that take no step twice answer as those that do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from tests.core.tracking.editing import all_masks, assert_same, finish
from tests.fakes import FakeSegmenter, FakeSource, TelltalePropagators
from trackanything_core.evaluation.replay import ReplayedPropagators
from trackanything_core.models.base import Propagator, PropagatorFactory
from trackanything_core.tracking.session import Session
from trackanything_core.types import Click, Prompt

COUNT = 12


@pytest.fixture
def replayed() -> Iterator[ReplayedPropagators]:
    with closing(ReplayedPropagators(TelltalePropagators())) as propagators:
        yield propagators


def session_on(propagators: PropagatorFactory) -> Session:
    # The fake segmenter never answers twice alike, so what it refines cannot be replayed.
    return Session(FakeSource(COUNT), FakeSegmenter(), propagators, refine=None)


def edit(session: Session) -> None:
    """Corrections of two objects, in rounds."""
    for object_id, frame in [("cat", 0), ("cat", 7), ("dog", 3), ("cat", 4), ("dog", 9)]:
        session.prompt(Prompt(object_id, frame, (Click(4 + frame, 10),)))
        finish(session)


def test_masks_are_those_of_the_propagators_behind(replayed: ReplayedPropagators) -> None:
    plain, found = session_on(TelltalePropagators()), session_on(replayed)
    for session in (plain, found):
        edit(session)
    assert_same(all_masks(found), all_masks(plain))
    assert replayed.steps_found > 0


def test_what_was_done_once_is_not_done_again(replayed: ReplayedPropagators) -> None:
    first, second = session_on(replayed), session_on(replayed)
    edit(first)
    taken = replayed.steps_taken
    edit(second)
    assert_same(all_masks(first), all_masks(second))
    assert replayed.steps_taken == taken


def test_a_correction_goes_back_over_steps_that_were_taken(replayed: ReplayedPropagators) -> None:
    session = session_on(replayed)
    for frame in (0, 8, 4):
        session.prompt(Prompt("cat", frame, (Click(10, 10),)))
        finish(session)
    # From 0 to the end; from 8 to the end and back; from 4 to 7 and back. The first step of a
    # pass is that of the pass the other way, too.
    assert replayed.steps_taken == 12 + (4 + 8 - 1) + (4 + 4 - 1)


def test_a_pass_goes_on_where_another_one_ended(replayed: ReplayedPropagators) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (5, 8, 10, 3), np.uint8)
    mask = np.zeros((8, 10), bool)
    mask[2:5, 2:5] = True
    plain = TelltalePropagators().start()
    expected = [plain.step(images[0], {"cat": mask}), *map(plain.step, images[1:])]
    for length in (3, 5):
        propagator = replayed.start()
        for at in range(length):
            given = {"cat": mask} if at == 0 else None
            answer = propagator.step(images[at], given, last=at == length - 1)
            np.testing.assert_array_equal(answer, expected[at])
        assert propagator.object_ids == ("cat",)
    assert (replayed.steps_taken, replayed.steps_found) == (5, 3)


def test_what_was_corrected_goes_on_otherwise(replayed: ReplayedPropagators) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, 8, 10, 3), np.uint8)
    mask = np.zeros((8, 10), bool)
    mask[2:5, 2:5] = True

    def answers(propagator: Propagator, *, corrected: bool) -> list[np.ndarray]:
        found = [propagator.step(images[0], {"cat": mask}), propagator.step(images[1])]
        if corrected:
            propagator.correct({"cat": ~mask})
        return [*found, propagator.step(images[2])]

    for corrected in (False, True, False, True):
        plain = answers(TelltalePropagators().start(), corrected=corrected)
        found = answers(replayed.start(), corrected=corrected)
        np.testing.assert_array_equal(found, plain)
    assert replayed.steps_taken == 4


def test_steps_that_found_no_room_are_taken_again() -> None:
    answer = np.zeros((2, 24, 32), np.float32)
    with closing(ReplayedPropagators(TelltalePropagators(), 4 * answer.nbytes)) as cramped:
        plain, found = session_on(TelltalePropagators()), session_on(cramped)
        for session in (plain, found):
            edit(session)
        assert_same(all_masks(found), all_masks(plain))
