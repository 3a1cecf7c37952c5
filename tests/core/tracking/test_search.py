"""Shots in which no human showed the object: what is taken for it there, and what is not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from tests.fakes import FakePropagator, FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.tracking.examine import Finding
from trackanything_core.tracking.search import (
    LEAST_LIKENESS,
    LEAST_SCORE,
    SIGHTINGS,
    Search,
    Sighting,
    colours,
    likeness,
)
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Image, Mask, ObjectId, Prompt, SoftMask

SIZE = (12, 16)
RED, BLUE = (220, 30, 30), (30, 30, 220)
SPOT = np.zeros(SIZE, bool)
SPOT[2:7, 3:9] = True


def picture(colour: tuple[int, int, int]) -> Image:
    image = np.full((*SIZE, 3), 128, np.uint8)
    image[SPOT] = colour
    return image


def new_search() -> Search:
    search = Search(["cat"])
    search.remember(picture(RED), {"cat": SPOT})
    return search


def take(search: Search, shown: str, first: FrameIndex = 0) -> None:
    """Frames: r the object, b another thing in its place, d a doubtful mask, . nothing."""
    for frame, kind in enumerate(shown, first):
        score = LEAST_SCORE - 0.01 if kind == "d" else 0.75
        mask = np.zeros(SIZE, bool) if kind == "." else SPOT
        image = picture(BLUE if kind == "b" else RED)
        search.take(frame, image, {"cat": mask}, {"cat": Finding(score, score, "good")})


def told(found: Iterable[Sighting]) -> str:
    return "".join("r" if sighting.masks["cat"].any() else "." for sighting in found)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("rrr", "rrr"),
        ("rr", ".."),
        ("bbbb", "...."),
        ("dddd", "...."),
        ("....", "...."),
        ("rrbrrrr.rr", "...rrrr..."),
        ("brrrd", ".rrr."),
    ],
)
def test_a_mask_counts_where_some_frames_in_a_row_look_like_the_object(shown, expected) -> None:
    at_once = new_search()
    take(at_once, shown)
    assert told(at_once.decide(ended=True)) == expected
    as_they_come = new_search()
    found: list[Sighting] = []
    for frame, kind in enumerate(shown):
        take(as_they_come, kind, frame)
        found += as_they_come.decide(ended=frame == len(shown) - 1)
        assert len(found) >= frame + 2 - SIGHTINGS
    assert told(found) == expected
    assert [sighting.frame for sighting in found] == list(range(len(shown)))


@pytest.mark.parametrize("at", range(7))
def test_a_search_that_is_resumed_goes_on_alike(at: int) -> None:
    shown = "brrrrrd"
    search = new_search()
    found: list[Sighting] = []
    for frame, kind in enumerate(shown):
        if frame == at:
            state, search = search.state(), new_search()
            search.restore(state)
        take(search, kind, frame)
        found += search.decide(ended=frame == len(shown) - 1)
    assert told(found) == ".rrrrr."


def test_what_is_found_and_what_is_not_are_told_apart_in_the_record() -> None:
    search = new_search()
    take(search, "rrrb.")
    records = [sighting.findings["cat"] for sighting in search.decide(ended=True)]
    assert [record.decision for record in records] == ["found again"] * 3 + ["not found"] * 2
    assert [record.score for record in records] == [0.75, 0.75, 0.75, 0.25, 0.75]


def test_likeness_is_of_colours_alone() -> None:
    red = colours(picture(RED), SPOT)
    assert red.sum() == pytest.approx(1)
    moved = np.roll(SPOT, 3, axis=1)
    assert likeness(red, colours(np.roll(picture(RED), 3, axis=1), moved)) == pytest.approx(1)
    assert likeness(red, colours(picture(BLUE), SPOT)) < LEAST_LIKENESS


class Film(FakeSource):
    """Three shots of four frames: the first and the last with a red spot, else a blue one."""

    def read(self, frame: FrameIndex) -> Image:
        super().read(frame)
        return picture(BLUE if 4 <= frame < 8 else RED)


class StillPropagator(FakePropagator):
    """Sees the object where it remembers it, whatever is there."""

    def remember(self, image, masks, *, step) -> None:
        self.remembered.append((step, tuple(masks), 0))
        self._masks |= {name: mask > 0.5 for name, mask in masks.items()}

    def look(self, image: Image, *, context: SoftMask | None = None):
        return self.step(image, context=context)


class StillPropagators(FakePropagators):
    def start(self) -> StillPropagator:
        return StillPropagator()


def new_session(*, reidentify: bool = True) -> Session:
    return Session(
        Film(12, SIZE), FakeSegmenter(), StillPropagators(), cuts=[4, 8], reidentify=reidentify
    )


def sight(session: Session, name: ObjectId = "cat") -> str:
    """Per frame: - no mask, . an empty one, r one, R one that is flagged."""
    told = ""
    for frame in range(12):
        found = session.frame_masks(frame)
        mask: Mask | None = found.masks.get(name)
        flagged = name in found.found_again
        assert not flagged or mask is not None
        told += "-" if mask is None else "." if not mask.any() else "R" if flagged else "r"
    return told


def test_a_lost_object_is_found_again_and_flagged_and_another_thing_is_not_taken_for_it() -> None:
    session = new_session()
    session.prompt(Prompt("cat", 1, mask=SPOT))
    assert session.stale() == {"cat": [range(0, 1), range(2, 4), range(4, 8), range(8, 12)]}
    work = session.propagate()
    answered = [answer.frame for answer in work]
    assert sorted(set(answered)) == list(range(12))
    assert work.recomputed == {"cat": 11}
    assert session.stale() == {}
    assert sight(session) == "rrrr....RRRR"
    decisions = [session.frame_masks(f).records["cat"]["decision"] for f in (5, 9)]
    assert decisions == ["not found", "found again"]


def test_the_search_can_be_switched_off() -> None:
    session = new_session(reidentify=False)
    session.prompt(Prompt("cat", 1, mask=SPOT))
    list(session.propagate())
    assert sight(session) == "rrrr--------"


def test_an_anchor_that_says_out_of_sight_ends_the_search_of_its_shot() -> None:
    session = new_session()
    session.prompt(Prompt("cat", 1, mask=SPOT))
    session.prompt(Prompt("cat", 9, mask=np.zeros(SIZE, bool)))
    list(session.propagate())
    assert sight(session) == "rrrr....-.--"


def test_confirming_what_was_found_takes_the_flag_away() -> None:
    session = new_session()
    session.prompt(Prompt("cat", 1, mask=SPOT))
    list(session.propagate())
    session.prompt(Prompt("cat", 9, mask=SPOT))
    list(session.propagate())
    assert sight(session) == "rrrr....rrrr"


def test_an_edit_makes_stale_the_searched_shots_that_remember_it_too() -> None:
    session = new_session()
    session.prompt(Prompt("cat", 1, mask=SPOT))
    list(session.propagate())
    session.prompt(Prompt("cat", 3, mask=np.roll(SPOT, 1, axis=1)))
    assert session.stale() == {"cat": [range(2, 3), range(4, 8), range(8, 12)]}


def test_tracked_frames_that_a_search_needs_are_computed_first() -> None:
    session = new_session()
    session.prompt(Prompt("cat", 1, mask=SPOT))
    work = session.propagate(start=8)
    list(work)
    assert session.stale() == {"cat": [range(0, 1), range(4, 8)]}
    assert sight(session) == "-rrr----RRRR"


@pytest.mark.parametrize(("direction", "left"), [("forward", [range(0, 4)]), ("backward", [])])
def test_shots_are_searched_in_the_direction_that_is_wanted(direction, left) -> None:
    session = new_session()
    session.prompt(Prompt("cat", 8, mask=SPOT))
    list(session.propagate(direction))
    stale = session.stale().get("cat", [])
    assert [run for run in stale if run.stop <= 4] == left


def test_found_masks_are_suggested_for_a_look() -> None:
    session = new_session()
    session.prompt(Prompt("cat", 1, mask=SPOT))
    list(session.propagate())
    reasons = {suggestion.reason for suggestion in session.suggest(2)}
    assert reasons == {"found again in this shot", "not prompted in this shot"}
