"""What holds after edits, on the real network: its answers are the same to the bit each time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.core.models.xmem.small import EMBEDDED_KIND, OFFICIAL_KIND, small_network
from tests.core.tracking.editing import all_masks, assert_same, beside, finish
from tests.fakes import FakeSegmenter, FakeSource
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Image, Mask, Prompt

FRAMES = 14
SIZE = (32, 40)


class Noise(FakeSource):
    def read(self, frame: FrameIndex) -> Image:
        draw = np.random.default_rng(frame)
        return draw.integers(0, 256, (*SIZE, 3), dtype=np.uint8)

    @property
    def fps(self) -> Fraction | None:
        return None


@pytest.fixture(params=[OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"])
def session(request: pytest.FixtureRequest) -> Session:
    """One object between two anchors, with frames beyond both; up to date."""
    config: NetworkConfig = request.param
    settings = PropagationSettings(internal_size=None, memory_every=2)
    propagators = XMemPropagatorFactory(small_network(config), settings, name="small")
    session = Session(Noise(FRAMES, SIZE), FakeSegmenter(), propagators)
    session.prompt(Prompt("cat", 2, mask=disc(10, 10)))
    session.prompt(Prompt("cat", 9, mask=disc(20, 16)))
    finish(session)
    return session


def disc(x: float, y: float, radius: float = 8) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.asarray(np.hypot(columns - x, rows - y) <= radius)


def test_an_edit_computes_the_spans_beside_it_and_leaves_the_rest(session: Session) -> None:
    before = all_masks(session)
    session.prompt(Prompt("cat", 5, mask=disc(14, 12)))
    affected = beside(5, (2, 9), FRAMES)
    assert finish(session) == {"cat": len(affected - {5})}
    after = all_masks(session)
    np.testing.assert_array_equal(after[5, "cat"], disc(14, 12))
    outside = {key for key in before if key[0] not in affected}
    assert_same({key: after[key] for key in outside}, {key: before[key] for key in outside})
    assert any(not np.array_equal(after[key], before[key]) for key in set(before) - outside)


def test_taking_an_edit_back_gives_the_earlier_masks_back(session: Session) -> None:
    before = all_masks(session)
    session.prompt(Prompt("cat", 5, mask=disc(14, 12)))
    finish(session)
    session.forget_anchor(5, "cat")
    finish(session)
    assert_same(all_masks(session), before)


def test_an_object_comes_and_goes_and_comes_again(session: Session) -> None:
    before = all_masks(session)
    prompts = [Prompt("dog", frame, mask=disc(26, 20)) for frame in (4, 11)]
    for prompt in prompts:
        session.prompt(prompt)
    assert finish(session) == {"dog": FRAMES - 2}
    with_dog = all_masks(session)
    for (frame, name), mask in before.items():
        kept = mask if frame in (2, 9) else mask & ~with_dog[frame, "dog"]
        np.testing.assert_array_equal(with_dog[frame, name], kept)
    session.remove("dog")
    assert session.stale() == {}
    assert_same(all_masks(session), before)
    session.prompt(Prompt("dog", 7, mask=disc(5, 5)))
    finish(session)
    session.remove("dog")
    for prompt in reversed(prompts):
        session.prompt(prompt)
    finish(session)
    assert_same(all_masks(session), with_dog)


def test_work_in_pieces_gives_the_same_as_work_at_once(session: Session) -> None:
    at_once = all_masks(session)
    for frame in (2, 9):
        session.forget_anchor(frame, "cat")
    session.prompt(Prompt("kitten", 9, mask=disc(20, 16)))
    session.prompt(Prompt("kitten", 2, mask=disc(10, 10)))
    while session.stale():
        for _, _ in zip(range(3), session.propagate(), strict=False):
            pass
    in_pieces = {(frame, "cat"): mask for (frame, _), mask in all_masks(session).items()}
    assert_same(in_pieces, at_once)
