"""Rules that choose the next frame to correct."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.evaluation.policies import Policy, at_random, evenly
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex


def session_of(frames: int) -> Session:
    return Session(FakeSource(frames), FakeSegmenter(), FakePropagators())


def chosen(policy: Policy, frames: int, count: int) -> list[FrameIndex]:
    session, corrected = session_of(frames), [0]
    for _ in range(count):
        frame = policy(session, set(corrected))
        if frame is None:
            break
        corrected.append(frame)
    return corrected[1:]


def farthest(frames: int, corrected: list[FrameIndex]) -> int:
    """The longest way of a frame to the nearest one that is corrected."""
    ways = np.abs(np.arange(frames)[:, None] - np.array([0, *corrected]))
    return int(ways.min(axis=1).max())


@pytest.mark.property
@given(frames=st.integers(3, 200), budget=st.integers(1, 12))
def test_even_frames_leave_no_frame_farther_than_it_must_be(frames: int, budget: int) -> None:
    found = chosen(evenly(budget), frames, budget)
    assert len(found) == len(set(found)) <= budget
    assert all(0 < frame < frames for frame in found)
    # Frame 0 sees one side, each of the others two.
    assert farthest(frames, found) <= np.ceil(frames / (2 * budget + 1))


def test_even_frames_come_coarse_to_fine() -> None:
    first, second, *_ = chosen(evenly(5), 110, 5)
    assert farthest(110, [first]) < 60
    assert farthest(110, [first, second]) < 32


def test_random_frames_follow_from_the_seed() -> None:
    assert chosen(at_random(1), 50, 6) == chosen(at_random(1), 50, 6)
    assert chosen(at_random(1), 50, 6) != chosen(at_random(2), 50, 6)


def test_random_frames_are_all_different_and_end() -> None:
    assert sorted(chosen(at_random(0), 9, 12)) == list(range(1, 9))
