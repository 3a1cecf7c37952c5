"""A shot, another one, and the first again: what a session leaves in the shot between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.concatenated import ConcatenatedSource
from tests.fakes import FakeSegmenter
from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.flow_baseline import FlowPropagators
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.registry import load_propagator
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Prompt
from trackanything_core.video.base import FrameSource
from trackanything_core.video.cuts import find_cuts
from trackanything_core.video.images import ImageList

SHOT = 6
BETWEEN = range(SHOT, 2 * SHOT)


@pytest.fixture(scope="module")
def dog(data_dir: Path) -> DavisSequence:
    return next(found for found in read_davis(data_dir / "davis_dev") if found.name == "dog")


@pytest.fixture(scope="module")
def film(dog: DavisSequence) -> FrameSource:
    a = ImageList.from_directory(dog.images)
    b = ImageList.from_directory(dog.images.with_name("blackswan"))
    return ConcatenatedSource((a, range(SHOT)), (b, range(SHOT)), (a, range(SHOT, 2 * SHOT)))


def tracked(film: FrameSource, dog: DavisSequence, cuts: tuple[FrameIndex, ...]) -> Session:
    session = Session(film, FakeSegmenter(), FlowPropagators(), cuts=cuts)
    for frame, true in ((0, 0), (2 * SHOT, SHOT)):
        session.prompt(Prompt("dog", frame, mask=dog.truth(true).masks["1"]))
    for _ in session.propagate():
        pass
    return session


def test_with_cuts_the_object_is_where_it_was_shown_and_nowhere_else(
    film: FrameSource, dog: DavisSequence
) -> None:
    session = tracked(film, dog, find_cuts(film))
    assert session.cuts == (SHOT, 2 * SHOT)
    left = [session.mask(frame, "dog") for frame in BETWEEN]
    assert not any(mask is None or mask.any() for mask in left)
    for frame, true in ((SHOT - 1, SHOT - 1), (3 * SHOT - 1, 2 * SHOT - 1)):
        found = session.mask(frame, "dog")
        assert found is not None
        assert region_similarity(dog.truth(true).masks["1"], found) > 0.5


def test_without_cuts_it_leaks_into_the_other_shot(film: FrameSource, dog: DavisSequence) -> None:
    session = tracked(film, dog, ())
    leaked = [session.frame_masks(frame).masks["dog"] for frame in BETWEEN]
    assert all(mask.any() for mask in leaked)


@pytest.mark.slow
def test_the_object_is_found_again_in_its_shot_and_not_in_the_other(
    film: FrameSource, dog: DavisSequence
) -> None:
    session = Session(
        film, FakeSegmenter(), load_propagator(device="cpu"), cuts=find_cuts(film), refine=None
    )
    session.prompt(Prompt("dog", 0, mask=dog.truth(0).masks["1"]))
    for _ in session.propagate():
        pass
    answers = [session.frame_masks(frame) for frame in range(3 * SHOT)]
    assert not any(answers[frame].masks["dog"].any() for frame in BETWEEN)
    assert not any(answers[frame].found_again for frame in range(2 * SHOT))
    for frame in range(2 * SHOT, 3 * SHOT):
        assert answers[frame].found_again == {"dog"}
        true = dog.truth(frame - SHOT).masks["1"]
        assert region_similarity(true, answers[frame].masks["dog"]) > 0.5
