"""Rounds of correction, and the curves that are drawn of them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from tests.core.evaluation.davis_folder import SIZE, square, write_masks
from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.errors import ConfigError
from trackanything_core.evaluation import effort_plot
from trackanything_core.evaluation.annotator import Annotator, Effort
from trackanything_core.evaluation.davis import DavisSequence
from trackanything_core.evaluation.effort import (
    Round,
    Scorer,
    bring_up_to_date,
    correct_in_rounds,
    mean_curve,
)
from trackanything_core.evaluation.effort_plot import plot_effort
from trackanything_core.evaluation.jf import boundary_accuracy, region_similarity
from trackanything_core.evaluation.policies import evenly
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Prompt

LEFTS = (2, 2, 2, 2, 2, 30, 30, 30, 30, 30)


@pytest.fixture
def sequence(tmp_path: Path) -> DavisSequence:
    """A square that jumps in the middle."""
    return write_masks(tmp_path, [square(left) for left in LEFTS])


@pytest.fixture
def session(sequence: DavisSequence) -> Session:
    """Its first frame is given and tracked; what the propagator does not see is the jump."""
    session = Session(FakeSource(len(LEFTS), SIZE), FakeSegmenter(radius=1), FakePropagators())
    session.prompt(Prompt("1", 0, mask=sequence.truth(0).masks["1"]))
    bring_up_to_date(session)
    return session


def test_a_correction_mends_the_frames_beside_it(session: Session, sequence: DavisSequence) -> None:
    scorer = Scorer(sequence)
    start = Round(0, Effort(), 9, scorer.score(session))
    assert start.jf == pytest.approx((0.5,))

    def last(session: Session, corrected: Collection[FrameIndex]) -> FrameIndex | None:
        return 9 if 9 not in corrected else None

    rounds = correct_in_rounds(session, sequence, start, last, 3, Annotator(clicks=2), scorer)
    assert rounds[0] is start
    assert [(done.frame, done.effort) for done in rounds[1:]] == [(9, Effort(2, painted=1))]
    assert rounds[1].recomputed == 8
    assert rounds[1].jf[0] > 0.85
    assert session.stale() == {}


def test_rounds_end_with_the_budget(session: Session, sequence: DavisSequence) -> None:
    scorer = Scorer(sequence)
    start = Round(0, Effort(), 9, scorer.score(session))
    calls: list[None] = []
    rounds = correct_in_rounds(
        session, sequence, start, evenly(2), 2, Annotator(), scorer, lambda: calls.append(None)
    )
    assert len(rounds) == 3
    assert len(calls) == 2
    assert session.anchors["1"] == (0, *sorted(done.frame for done in rounds[1:]))


def test_scores_are_those_of_the_masks_as_they_are_now(
    session: Session, sequence: DavisSequence
) -> None:
    scorer = Scorer(sequence)
    for edit in (None, Prompt("1", 6, mask=square(25)), Prompt("1", 6, mask=square(30))):
        if edit is not None:
            session.prompt(edit)
            bring_up_to_date(session)
        expected = []
        for frame in range(len(sequence)):
            true, found = sequence.truth(frame).masks["1"], session.mask(frame, "1")
            assert found is not None
            expected += [region_similarity(true, found), boundary_accuracy(true, found)]
        assert scorer.score(session) == pytest.approx((np.mean(expected),))


def test_a_missing_mask_counts_as_empty(sequence: DavisSequence) -> None:
    session = Session(FakeSource(len(LEFTS), SIZE), FakeSegmenter(), FakePropagators())
    assert Scorer(sequence).score(session) == (0,)


def test_curves_are_means_over_objects_and_costs_over_runs() -> None:
    one = [Round(0, Effort(), 4, (0.2,)), Round(3, Effort(2), 3, (0.6,))]
    two = [
        Round(0, Effort(1), 8, (0.5, 0.8)),
        Round(5, Effort(3, 1), 6, (0.6, 0.9)),
        Round(2, Effort(), 2, (0.9, 0.9)),
    ]
    curve = mean_curve([one, two], budget=3)
    assert curve.jf == pytest.approx((0.5, 0.7, 0.8, 0.8))
    assert curve.clicks == pytest.approx((0.5, 3, 3, 3))
    assert curve.painted == pytest.approx((0, 0.5, 0.5, 0.5))
    assert curve.recomputed == pytest.approx((6, 10.5, 11.5, 11.5))
    assert curve.area == pytest.approx((0.6 + 0.75 + 0.8) / 3)


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    rounds = [Round(0, Effort(), 4, (0.2,)), Round(3, Effort(2), 3, (0.6,))]
    path = tmp_path / "made" / "effort.png"
    plot_effort(path, {"suggest": mean_curve([rounds], budget=2)}, "one video")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(path.parent.iterdir()) == [path]


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effort_plot, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"trackanything-label-studio\[plot\]"):
        plot_effort(tmp_path / "effort.png", {}, "")
