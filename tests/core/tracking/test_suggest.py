"""Which frame a human should look at next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.tracking.editing import finish
from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.tracking.session import Session
from trackanything_core.tracking.suggest import TrackScores, suggest_frames
from trackanything_core.types import Click, FrameIndex, Prompt

COUNT = 60


def scored(
    anchors: Sequence[FrameIndex], poor: range = range(0), score: float = 0.5, count: int = COUNT
) -> TrackScores:
    scores = np.full(count, 0.95)
    scores[list(poor)] = score
    return TrackScores(tuple(anchors), scores, areas=np.full(count, 400.0))


def frames(known: TrackScores, count: int = 1, cuts: Sequence[FrameIndex] = ()) -> list[FrameIndex]:
    return [found.frame for found in suggest_frames({"cat": known}, cuts, count)]


def test_beside_one_anchor_the_far_part_of_the_video_comes_first() -> None:
    (frame,) = frames(scored([0]))
    assert 0.7 * COUNT < frame < 0.8 * COUNT


def test_between_two_anchors_the_middle_comes_first() -> None:
    assert frames(scored([0, 30, 59], poor=range(0))) in ([15], [44])
    assert abs(frames(scored([0, 59]))[0] - 29.5) < 2


def test_a_poor_stretch_draws_the_look_and_one_poor_frame_does_not() -> None:
    assert frames(scored([0, 59], poor=range(5, 15)))[0] in range(5, 15)
    (found,) = suggest_frames({"cat": scored([0, 59], poor=range(5, 15))}, (), 1)
    assert (found.object_id, found.reason, found.score) == ("cat", "low score", 0.5)
    assert abs(frames(scored([0, 59], poor=range(5, 6)))[0] - 29.5) < 5


def test_a_stretch_of_another_size_draws_the_look() -> None:
    known = scored([0, 59])
    known.areas[10:20] = 1200
    (found,) = suggest_frames({"cat": known}, (), 1)
    assert (found.frame in range(10, 20), found.reason) == (True, "changed in size")
    # What grows from the one anchor to the other is what a human showed.
    grown = TrackScores((0, 59), known.scores, np.geomspace(400.0, 4000.0, COUNT, dtype=np.float64))
    assert abs(frames(grown)[0] - 29.5) < 2


def test_the_object_that_gains_most_is_named() -> None:
    both = {"cat": scored([0, 59]), "dog": scored([0, 59], poor=range(10, 20))}
    (found,) = suggest_frames(both, (), 1)
    assert (found.object_id, found.reason) == ("dog", "low score")
    assert found.frame in range(10, 20)


def test_a_shot_without_a_prompt_is_named() -> None:
    known = scored([0, 10, 20])
    known.scores[30:], known.areas[30:] = np.nan, 0
    (found,) = suggest_frames({"cat": known}, [30], 1)
    assert found.frame in range(30, COUNT)
    assert found.reason == "not prompted in this shot"


def test_masks_that_are_missing_have_no_score() -> None:
    known = TrackScores((0,), np.array([1.0] + [np.nan] * 9), np.array([400.0] + [0] * 9))
    (found,) = suggest_frames({"cat": known}, (), 1)
    assert (found.frame > 4, found.reason, found.score) == (True, "far from an anchor", 0.0)


def test_suggestions_are_spread() -> None:
    found = sorted([0, *frames(scored([0]), count=4), COUNT])
    assert min(np.diff(found)) >= 4


def test_where_nothing_can_be_mended_nothing_is_named() -> None:
    assert suggest_frames({}, (), 3) == []
    assert frames(scored(range(COUNT)), count=3) == []
    assert frames(TrackScores((0,), np.ones(COUNT), np.ones(COUNT))) == []


def test_a_long_video_is_ranked_in_strides() -> None:
    poor = range(12_000, 12_800)
    known = scored([0, 19_999], poor=poor, score=0.5, count=20_000)
    assert frames(known, count=3)[0] in poor


@pytest.mark.property
@given(data=st.data())
def test_suggested_frames_differ_and_are_no_anchors(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 40))
    places = st.lists(st.integers(0, count - 1), min_size=1, max_size=6, unique=True)
    anchors = tuple(sorted(data.draw(places)))
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=3)))
    scores = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    areas = data.draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count))
    known = TrackScores(anchors, np.array(scores), np.array(areas, np.float64))
    found = frames(known, count=count, cuts=cuts)
    assert len(found) == len(set(found)) <= count - len(anchors)
    assert not set(found) & set(anchors)


def test_a_session_suggests_what_a_human_has_not_looked_at() -> None:
    session = Session(FakeSource(COUNT), FakeSegmenter(), FakePropagators())
    assert session.suggest(2) == []
    session.add(Prompt("cat", 0, (Click(10, 10),)))
    finish(session)
    (found,) = session.suggest()
    assert found.object_id == "cat"
    assert found.score == session.frame_masks(found.frame).scores["cat"]
    session.prompt(Prompt("cat", found.frame, (Click(10, 10),)))
    finish(session)
    assert all(abs(other.frame - found.frame) > 3 for other in session.suggest(2))
