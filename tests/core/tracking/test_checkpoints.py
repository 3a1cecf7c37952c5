"""Work that another program goes on with, from what the first one wrote down."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.models.xmem.small import EMBEDDED_KIND, OFFICIAL_KIND, small_network
from tests.core.tracking.editing import all_masks, assert_same, finish
from tests.core.tracking.test_edits_on_xmem import FRAMES, SIZE, Noise, disc
from tests.fakes import FakeSegmenter
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.store.store import Store
from trackanything_core.tracking.session import Session
from trackanything_core.types import Prompt

SETTINGS = PropagationSettings(
    internal_size=None, memory_every=2, max_working_frames=4, min_working_frames=2, prototypes=8
)


@dataclass
class Disk:
    """A store, and programs that open it one after the other."""

    config: NetworkConfig
    store: Store = field(default_factory=Store.temporary)
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.store.sessions.make("clip", {}, FRAMES, SIZE, self.cuts)

    def open(self, every: int = 100, settings: PropagationSettings = SETTINGS) -> Session:
        return Session(
            Noise(FRAMES, SIZE),
            FakeSegmenter(),
            XMemPropagatorFactory(small_network(self.config), settings, name="small"),
            cuts=self.cuts,
            masks=self.store.masks("clip"),
            checkpoint=self.store.checkpoint("clip"),
            checkpoint_every=every,
        )

    @property
    def parts(self) -> frozenset[str]:
        return self.store.checkpoint("clip").names()


def prompt_all(session: Session) -> None:
    """Two objects between two anchors, and one with frames on both sides of its anchor."""
    for frame in (1, 12):
        session.prompt(Prompt("cat", frame, mask=disc(10, 10)))
        session.prompt(Prompt("dog", frame, mask=disc(28, 18, 5)))
    session.prompt(Prompt("bird", 6, mask=disc(20, 24, 4)))


def take(session: Session, steps: int) -> int:
    return len([None for _, _ in zip(range(steps), session.propagate(), strict=False)])


@pytest.fixture(params=[OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"], scope="module")
def config(request: pytest.FixtureRequest) -> NetworkConfig:
    return request.param


@pytest.fixture(scope="module")
def at_once(config: NetworkConfig) -> tuple[Session, int]:
    """All of it in one go, and how many steps that takes."""
    session = Disk(config).open()
    prompt_all(session)
    return session, len(list(session.propagate()))


@pytest.mark.property
@settings(max_examples=6)
@given(pieces=st.lists(st.integers(1, 14), min_size=2, max_size=5))
def test_programs_that_take_turns_give_the_masks_of_one(config, at_once, pieces) -> None:
    whole, all_steps = at_once
    disk = Disk(config)
    prompt_all(disk.open())
    taken = 0
    for steps in pieces:
        session = disk.open()
        taken += take(session, steps)
        session.save_checkpoint()
    last = disk.open()
    taken += take(last, all_steps)
    assert taken == all_steps, "a step was taken twice"
    assert last.stale() == {}
    assert_same(all_masks(last), all_masks(whole))
    assert disk.parts == frozenset()


# The cat and the dog take two passes of 11 steps and two of 2, then comes the bird.
@pytest.mark.parametrize(("steps", "lost"), [(3, 3), (10, 0), (11, 1), (17, 2), (22, 0), (32, 1)])
def test_a_program_that_dies_loses_the_steps_since_its_last_checkpoint(
    config, at_once, steps, lost
) -> None:
    whole, all_steps = at_once
    disk = Disk(config)
    first = disk.open(every=5)
    prompt_all(first)
    take(first, steps)
    second = disk.open(every=5)
    assert take(second, all_steps) == all_steps - steps + lost
    assert_same(all_masks(second), all_masks(whole))


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_a_search_goes_on_where_it_was_left(config, steps) -> None:
    def new_disk() -> Disk:
        disk = Disk(config, cuts=(7,))
        for name, x in (("cat", 10), ("dog", 28)):
            disk.open().prompt(Prompt(name, 6, mask=disc(x, 14)))
        list(disk.open().propagate(stop=7))
        return disk

    whole = new_disk().open()
    assert whole.stale().keys() == {"cat", "dog"}
    finish(whole)
    disk, taken = new_disk(), 0
    while disk.open().stale():
        session = disk.open()
        taken += _steps_taken(session, steps)
        session.save_checkpoint()
    assert taken == FRAMES - 7, "a step was taken twice"
    last = disk.open()
    assert_same(all_masks(last), all_masks(whole))
    for frame in range(FRAMES):
        assert last.frame_masks(frame).scores == whole.frame_masks(frame).scores
        assert last.frame_masks(frame).records == whole.frame_masks(frame).records


def _steps_taken(session: Session, most: int) -> int:
    """Take steps; those that another program took before are not counted."""
    taken: list[int] = []
    for _ in session.propagate(
        progress=lambda done, _: taken.append(done), cancelled=lambda: len(taken) >= most
    ):
        pass
    return len(taken)


def test_an_edit_in_between_makes_the_saved_run_useless(config) -> None:
    disk = Disk(config)
    first = disk.open()
    prompt_all(first)
    take(first, 9)  # of the first pass, so that no mask is finished
    first.save_checkpoint()
    second = disk.open()
    second.prompt(Prompt("cat", 7, mask=disc(14, 12)))
    finish(second)
    expected = Disk(config).open()
    prompt_all(expected)
    expected.prompt(Prompt("cat", 7, mask=disc(14, 12)))
    finish(expected)
    assert_same(all_masks(second), all_masks(expected))


@pytest.mark.parametrize("harm", ["other settings", "damaged", "soft masks gone"])
def test_a_saved_run_that_cannot_be_used_is_started_anew(
    config, at_once, harm, caplog: pytest.LogCaptureFixture
) -> None:
    whole, all_steps = at_once
    disk = Disk(config)
    first = disk.open()
    prompt_all(first)
    take(first, 14)
    first.save_checkpoint()
    checkpoint = disk.store.checkpoint("clip")
    run = checkpoint.get("run")
    assert run is not None
    if harm == "damaged":
        checkpoint.put({"run": run[:-10]}, keep=True)
    elif harm == "soft masks gone":
        checkpoint.put({"run": run}, keep=False)
    changed = PropagationSettings(**SETTINGS.to_dict() | {"top_k": 29})
    second = disk.open(settings=changed if harm == "other settings" else SETTINGS)
    with caplog.at_level(logging.WARNING):
        assert take(second, all_steps) == all_steps
    assert "start anew" in caplog.text
    if harm != "other settings":
        assert_same(all_masks(second), all_masks(whole))
