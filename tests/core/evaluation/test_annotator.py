"""The simulated human does what a patient one would, through the session."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.evaluation.davis_folder import SIZE, square
from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.evaluation.annotator import Annotator, Effort
from trackanything_core.evaluation.davis import Truth
from trackanything_core.tracking.session import Session
from trackanything_core.types import Mask, Prompt

NOTHING = np.zeros(SIZE, bool)
FRAME = 3


def disc(x: int, y: int, radius: float) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    mask: Mask = np.hypot(columns - x, rows - y) <= radius
    return mask


def tracked(start: Mask, radius: float = 8) -> Session:
    """A session whose object "1" is everywhere where it is on frame 0."""
    session = Session(FakeSource(6, SIZE), FakeSegmenter(radius=radius), FakePropagators())
    session.prompt(Prompt("1", 0, mask=start))
    if start.any():
        for _ in session.propagate():
            pass
    return session


def truth(mask: Mask, void: Mask = NOTHING) -> Truth:
    return Truth({"1": mask}, void)


def anchored(session: Session) -> Mask:
    assert session.anchors["1"] == (0, FRAME)
    mask = session.mask(FRAME, "1")
    assert mask is not None
    return mask


def test_what_is_good_is_confirmed_as_it_is() -> None:
    session = tracked(square(10))
    almost = square(10)
    almost[10] = False  # a row of twenty: IoU 0.95
    assert Annotator().correct(session, FRAME, truth(almost)) == Effort()
    np.testing.assert_array_equal(anchored(session), square(10))


def test_a_wrong_mask_is_clicked_at_until_it_is_good() -> None:
    session = tracked(square(40, side=10))
    assert Annotator().correct(session, FRAME, truth(disc(20, 20, 8))) == Effort(clicks=1)
    np.testing.assert_array_equal(anchored(session), disc(20, 20, 8))


def test_an_object_without_a_mask_is_clicked_from_nothing() -> None:
    session = tracked(NOTHING)
    assert Annotator().correct(session, FRAME, truth(disc(30, 20, 8))) == Effort(clicks=1)


def test_what_clicks_do_not_mend_is_painted() -> None:
    session = tracked(square(40), radius=2)
    assert Annotator(clicks=3).correct(session, FRAME, truth(square(5))) == Effort(3, painted=1)
    np.testing.assert_array_equal(anchored(session), square(5))


def test_clicks_that_find_nothing_count() -> None:
    session = tracked(NOTHING, radius=-1)
    assert Annotator(clicks=2).correct(session, FRAME, truth(square(5))) == Effort(2, painted=1)
    np.testing.assert_array_equal(anchored(session), square(5))


@pytest.mark.parametrize(("start", "clicks"), [(square(10), 1), (NOTHING, 0)])
def test_a_mask_of_what_is_out_of_sight_is_deleted(start: Mask, clicks: int) -> None:
    session = tracked(start)
    assert Annotator().correct(session, FRAME, truth(NOTHING)) == Effort(clicks)
    assert not anchored(session).any()


def test_pixels_that_do_not_count_are_no_error() -> None:
    session = tracked(square(10))
    void = NOTHING.copy()
    void[:, 10:20] = True
    assert Annotator(goal=1).correct(session, FRAME, truth(square(10) & ~void, void)) == Effort()


def test_every_object_is_corrected() -> None:
    session = tracked(square(40))
    session.prompt(Prompt("2", 0, mask=square(0)))
    both = Truth({"1": square(40), "2": disc(10, 30, 8)}, NOTHING)
    assert Annotator().correct(session, FRAME, both) == Effort(clicks=1)
    assert {name: anchors[-1] for name, anchors in session.anchors.items()} == {
        "1": FRAME,
        "2": FRAME,
    }
