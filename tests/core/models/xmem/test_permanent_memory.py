from __future__ import annotations

import pytest
import torch

from tests.core.models.xmem.small import (
    EMBEDDED_KIND,
    OFFICIAL_KIND,
    equal_states,
    random_elements,
    random_query,
    random_values,
    small_network,
)
from trackanything_core.models.xmem.core import XMemCore
from trackanything_core.models.xmem.memory import Memory
from trackanything_core.models.xmem.settings import PropagationSettings

SETTINGS = PropagationSettings(
    memory_every=1,
    max_working_frames=4,
    min_working_frames=2,
    prototypes=8,
    max_long_term_elements=20,
)
SIZE = (32, 48)
both_kinds = pytest.mark.parametrize(
    "config", [OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"]
)


def core_of(config=OFFICIAL_KIND) -> XMemCore:
    return XMemCore(small_network(config), SETTINGS)


def frame(index: int) -> torch.Tensor:
    return torch.randn(3, *SIZE, generator=torch.Generator().manual_seed(index))


def mask_of(*columns: int) -> torch.Tensor:
    """A square for each object, which begins at the column."""
    mask = torch.zeros(len(columns), *SIZE)
    for row, column in enumerate(columns):
        mask[row, 8:24, column : column + 12] = 1
    return mask


def test_what_is_remembered_for_good_is_still_there_after_many_frames() -> None:
    memory = Memory(SETTINGS)
    memory.remember(random_elements(4, seed=50), random_values(4, 2, seed=50))
    for index in range(40):
        memory.add(random_elements(4, seed=index, time=index), random_values(4, 2, seed=index))
        values = memory.read(random_query(4, seed=100 + index))
        assert values.shape == (4, 2, 5)
    assert memory.permanent.elements is not None
    assert torch.equal(memory.permanent.elements.key, random_elements(4, seed=50).key)
    assert torch.equal(memory.permanent.values[0], random_values(4, 2, seed=50))
    assert len(memory.working) < 4 * 4
    assert len(memory.long_term) <= 20


def test_an_object_that_comes_later_has_no_part_in_what_was_remembered_before() -> None:
    memory = Memory(SETTINGS)
    memory.remember(random_elements(4, seed=50), random_values(4, 1, seed=50))
    memory.add(random_elements(4, seed=0), random_values(4, 2, seed=0))
    memory.remember(random_elements(4, seed=51), random_values(4, 2, seed=51))
    assert [len(value) for value in memory.permanent.values] == [8, 4]
    late = Memory(SETTINGS)
    late.add(random_elements(4, seed=0), random_values(4, 2, seed=0)[:, 1:])
    late.remember(random_elements(4, seed=51), random_values(4, 2, seed=51)[:, 1:])
    torch.testing.assert_close(memory.read(random_query(6))[:, 1:], late.read(random_query(6)))


@both_kinds
def test_every_later_frame_reads_it(config) -> None:
    plain, reminded = core_of(config), core_of(config)
    reminded.remember(frame(30), mask_of(30), 30)
    for index in range(30):
        given = mask_of(4) if index == 0 else None
        without, with_it = (core.step(frame(index), given, [1]) for core in (plain, reminded))
        assert torch.equal(without, with_it) == (index == 0)


@both_kinds
def test_the_order_of_remembering_does_not_matter(config) -> None:
    one, other = core_of(config), core_of(config)
    frames = {7: mask_of(20), -3: mask_of(10)}
    for core, order in ((one, (7, -3)), (other, (-3, 7))):
        for time in order:
            core.remember(frame(50 + time), frames[time], time)
    for index in range(6):
        given = mask_of(4) if index == 0 else None
        torch.testing.assert_close(
            one.step(frame(index), given, [1]), other.step(frame(index), given, [1])
        )


@both_kinds
def test_what_was_remembered_is_enough_to_begin_with(config) -> None:
    core = core_of(config)
    core.remember(frame(30), mask_of(30, 4), 30)
    for index in range(4):
        probabilities = core.step(frame(index))
        assert probabilities.shape == (3, *SIZE)
        torch.testing.assert_close(probabilities.sum(0), torch.ones(SIZE))


def test_time_of_a_remembered_frame_counts_where_positions_do() -> None:
    near, far = core_of(EMBEDDED_KIND), core_of(EMBEDDED_KIND)
    near.remember(frame(30), mask_of(30), 2)
    far.remember(frame(30), mask_of(30), 2000)
    for core in (near, far):
        core.step(frame(0), mask_of(4), [1])
    assert not torch.equal(near.step(frame(1)), far.step(frame(1)))


@both_kinds
def test_a_restored_pass_remembers_too(config) -> None:
    core, other = core_of(config), core_of(config)
    core.remember(frame(30), mask_of(30), 30)
    for index in range(8):
        core.step(frame(index), mask_of(4) if index == 0 else None, [1])
    other.restore({name: tensor.clone() for name, tensor in core.state().items()})
    assert torch.equal(core.step(frame(8)), other.step(frame(8)))
    assert equal_states(core.state(), other.state())
