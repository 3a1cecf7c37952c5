from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.core.models.xmem.small import (
    equal_states,
    random_elements,
    random_query,
    random_values,
)
from trackanything_core.errors import ConfigError
from trackanything_core.models.xmem.memory import Memory
from trackanything_core.models.xmem.settings import PropagationSettings

CELLS = 4


def settings_of(**values) -> PropagationSettings:
    defaults = {
        "max_working_frames": 5,
        "min_working_frames": 3,
        "prototypes": 6,
        "max_long_term_elements": 20,
    }
    return PropagationSettings(**(defaults | values))


def watch(memory: Memory, frames: int, objects: int = 1, *, start: int = 0) -> None:
    """Read and remember `frames` frames."""
    for frame in range(start, start + frames):
        if memory.objects:
            memory.read(random_query(CELLS, seed=1000 + frame))
        elements = random_elements(CELLS, seed=frame, time=frame)
        memory.add(elements, random_values(CELLS, objects, seed=frame))


def sizes(memory: Memory) -> tuple[list[int], list[int]]:
    """Frames of working values and elements of long-term values, per group."""
    working = [len(value) // CELLS for value in memory.working.values]
    return working, [len(value) for value in memory.long_term.values]


@pytest.mark.property
@hypothesis_settings(max_examples=40, deadline=None)
@given(
    least=st.integers(1, 4),
    span=st.integers(1, 4),
    prototypes=st.integers(1, 30),
    room=st.integers(0, 40),
    arrivals=st.lists(st.integers(1, 25), max_size=3),
)
def test_memory_is_bounded_whatever_the_limits_and_arrivals(
    least, span, prototypes, room, arrivals
):
    memory = Memory(
        PropagationSettings(
            min_working_frames=least,
            max_working_frames=least + span,
            prototypes=prototypes,
            max_long_term_elements=prototypes + room,
        )
    )
    for frame in range(30):
        objects = 1 + sum(arrival <= frame for arrival in arrivals)
        watch(memory, 1, objects, start=frame)
        assert len(memory.working) < (least + span) * CELLS
        assert len(memory.long_term) <= prototypes + room
        assert memory.objects == objects
        for store in (memory.working, memory.long_term):
            assert all(len(value) <= len(store) for value in store.values)
    values = memory.read(random_query(CELLS))
    assert values.shape[1] == memory.objects
    assert torch.isfinite(values).all()


def test_the_first_frame_and_the_newest_stay_in_working_memory():
    memory = Memory(settings_of())
    watch(memory, 5)
    assert memory.working.elements is not None
    assert memory.working.elements.time[::CELLS].tolist() == [0, 3, 4]
    assert sizes(memory) == ([3], [6])


def test_keeping_one_working_frame_keeps_the_first():
    memory = Memory(settings_of(min_working_frames=1))
    watch(memory, 5)
    assert memory.working.elements is not None
    assert memory.working.elements.time[::CELLS].tolist() == [0]
    watch(memory, 20, start=5)
    assert torch.isfinite(memory.read(random_query(2))).all()


def test_a_long_term_memory_that_is_just_full_drops_nothing():
    memory = Memory(settings_of(prototypes=5, max_long_term_elements=15))
    watch(memory, 5)
    watch(memory, 2, start=5)
    assert len(memory.long_term) == 10  # exactly what must remain, so that nothing may go
    before = memory.long_term.elements
    watch(memory, 2, start=7)
    assert before is not None
    assert memory.long_term.elements is not None
    assert len(memory.long_term) == 15
    assert torch.equal(memory.long_term.elements.key[:10], before.key)


def test_dropping_keeps_keys_and_values_of_every_group_together():
    memory = Memory(settings_of())
    watch(memory, 3)
    watch(memory, 30, objects=2, start=3)
    first, late = memory.long_term.values
    assert len(memory.long_term) == len(first) <= 20
    assert 0 < len(late) <= len(first)


@pytest.mark.parametrize(
    ("frames_of_late_group", "working_frames", "gets_prototypes"),
    [(1, 1, False), (2, 2, False), (3, 3, False), (4, 3, False), (5, 3, True), (6, 3, True)],
)
def test_a_late_group_is_consolidated_once_it_has_frames_enough(
    frames_of_late_group, working_frames, gets_prototypes
):
    memory = Memory(settings_of(max_working_frames=7, prototypes=4 * CELLS))
    watch(memory, 7 - frames_of_late_group)
    watch(memory, frames_of_late_group, objects=2, start=7 - frames_of_late_group)
    working, long_term = sizes(memory)
    assert working == [3, working_frames]
    assert (long_term[1] > 0) == gets_prototypes


def test_use_is_counted_per_read():
    memory = Memory(settings_of())
    watch(memory, 2)
    elements = memory.working.elements
    assert elements is not None
    assert elements.usage[:CELLS].sum().item() == pytest.approx(CELLS, rel=1e-4)
    assert elements.usage[CELLS:].eq(0).all()


def test_without_long_term_memory_everything_is_kept():
    memory = Memory(settings_of(long_term=False))
    watch(memory, 12)
    assert sizes(memory) == ([12], [0])


def test_values_of_known_objects_may_not_be_missing():
    memory = Memory(settings_of())
    watch(memory, 1, objects=2)
    with pytest.raises(ValueError, match="values of 2 objects, got 1"):
        memory.add(random_elements(CELLS), random_values(CELLS, 1))


def test_a_restored_memory_goes_on_identically():
    memory = Memory(settings_of())
    watch(memory, 4)
    watch(memory, 5, objects=3, start=4)
    other = Memory(settings_of())
    other.restore({name: tensor.clone() for name, tensor in memory.state().items()})
    for each in (memory, other):
        watch(each, 9, objects=4, start=9)
    assert equal_states(memory.state(), other.state())


def test_an_empty_memory_can_be_restored():
    memory = Memory(settings_of())
    memory.restore(Memory(settings_of()).state())
    watch(memory, 6)
    assert sizes(memory)[0] == [4]


@pytest.mark.parametrize(
    "values",
    [
        {"min_working_frames": 0},
        {"max_working_frames": 3},
        {"max_long_term_elements": 5},
        {"top_k": 0},
        {"memory_every": 0},
        {"internal_size": -480},
        {"deep_update_every": 0},
    ],
)
def test_limits_without_meaning_are_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        settings_of(**values)


def test_settings_travel_as_a_dictionary():
    settings = settings_of(top_k=None)
    assert PropagationSettings.from_dict(settings.to_dict()) == settings
    with pytest.raises(ConfigError, match="top_q"):
        PropagationSettings.from_dict({"top_q": 30})
