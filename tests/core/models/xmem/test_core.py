from __future__ import annotations

import pytest
import torch

from tests.core.models.xmem.small import (
    EMBEDDED_KIND,
    OFFICIAL_KIND,
    equal_states,
    small_network,
)
from trackanything_core.models.xmem.core import XMemCore
from trackanything_core.models.xmem.network import aggregate
from trackanything_core.models.xmem.settings import PropagationSettings

KINDS = [OFFICIAL_KIND, EMBEDDED_KIND]


def core_of(config=OFFICIAL_KIND, **settings) -> XMemCore:
    return XMemCore(small_network(config), PropagationSettings(**{"memory_every": 2} | settings))


def frame(index: int, height: int = 32, width: int = 48) -> torch.Tensor:
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(index))


def mask_of(objects: int, height: int = 32, width: int = 48) -> torch.Tensor:
    mask = torch.zeros(objects, height, width)
    for index in range(objects):
        mask[index, index : index + 1 + height // 2, : 1 + width // 2] = 1
    return mask


@pytest.mark.parametrize("config", KINDS, ids=["official", "embedded"])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (16, 16), (17, 64), (101, 149)])
def test_any_size_goes_in_and_the_same_size_comes_out(config, size):
    core = core_of(config)
    core.step(frame(0, *size), mask_of(2, *size), [1, 2])
    for index in range(1, 5):
        probabilities = core.step(frame(index, *size))
        assert probabilities.shape == (3, *size)
        torch.testing.assert_close(probabilities.sum(0), torch.ones(size))


@pytest.mark.parametrize("config", KINDS, ids=["official", "embedded"])
def test_a_restored_pass_goes_on_identically(config):
    settings = {
        "max_working_frames": 4,
        "min_working_frames": 2,
        "prototypes": 8,
        "max_long_term_elements": 20,
        "deep_update_every": 3,
    }
    core = core_of(config, **settings)
    core.step(frame(0), mask_of(1), [1])
    for index in range(1, 12):
        core.step(frame(index))
    other = core_of(config, **settings)
    other.restore({name: tensor.clone() for name, tensor in core.state().items()})
    for index in range(12, 20):
        mask, labels = (mask_of(2), [2]) if index == 14 else (None, None)
        ours, theirs = (each.step(frame(index), mask, labels) for each in (core, other))
        assert torch.equal(ours, theirs)
    assert equal_states(core.state(), other.state())


def test_memory_frames_come_at_intervals_and_with_every_mask():
    core = core_of(memory_every=3, long_term=False)
    remembered = []
    for index in range(10):
        core.step(frame(index), mask_of(1) if index in (0, 4) else None, [1])
        remembered.append(len(core.memory.working) // 6)
    assert remembered == [1, 1, 1, 2, 3, 3, 3, 4, 4, 4]


def test_a_mask_of_all_objects_stands_and_one_of_some_leaves_the_rest_predicted():
    core = core_of()
    core.step(frame(0), mask_of(2), [1, 2])
    given = mask_of(2).flip(1)
    torch.testing.assert_close(core.step(frame(1), given, [1, 2]), aggregate(given, 0))
    free = core_of()
    free.step(frame(0), mask_of(2), [1, 2])
    predicted = free.step(frame(1))
    other = core_of()
    other.step(frame(0), mask_of(2), [1, 2])
    given = torch.stack([mask_of(1)[0], torch.zeros(32, 48)])
    answer = other.step(frame(1), given, [1])
    inside = given[0] > 0.5
    assert answer[1][inside].min() > 0.99
    outside = aggregate(torch.stack([given[0], predicted[2].masked_fill(inside, 0)]), 0)
    torch.testing.assert_close(answer, outside)


def test_a_mask_without_labels_is_taken_whole():
    core = core_of()
    core.step(frame(0), mask_of(2), [1, 2])
    soft = mask_of(2) * 0.7
    torch.testing.assert_close(core.step(frame(1), soft, None), aggregate(soft, 0))


def test_the_last_step_predicts_the_same_and_remembers_nothing():
    ours, theirs = core_of(), core_of()
    for core in (ours, theirs):
        core.step(frame(0), mask_of(1), [1])
        core.step(frame(1))
    before = len(ours.memory.working)
    hidden = ours.hidden
    assert torch.equal(ours.step(frame(2), last=True), theirs.step(frame(2)))
    assert len(ours.memory.working) == before < len(theirs.memory.working)
    assert ours.hidden is hidden


def test_a_new_object_starts_with_an_empty_sensory_memory():
    core = core_of(long_term=False)
    core.step(frame(0), mask_of(1), [1])
    core.step(frame(1))
    core.step(frame(2), mask_of(2), [2])
    assert core.hidden is not None
    assert core.hidden.shape[1] == 2
    assert [len(value) for value in core.memory.working.values] == [12, 6]


def test_steps_that_cannot_be_taken_change_nothing():
    core = core_of()
    with pytest.raises(ValueError, match="first step needs a mask"):
        core.step(frame(0))
    core.step(frame(0), mask_of(2), [1, 2])
    before = core.state()
    with pytest.raises(ValueError, match="mask of 2 objects or more, got 1"):
        core.step(frame(1), mask_of(1), [1])
    assert equal_states(before, core.state())


def test_a_long_pass_stays_bounded():
    core = core_of(
        memory_every=1,
        max_working_frames=4,
        min_working_frames=2,
        prototypes=8,
        max_long_term_elements=24,
    )
    core.step(frame(0), mask_of(1), [1])
    sizes = set()
    for index in range(1, 40):
        core.step(frame(index))
        sizes.add((len(core.memory.working), len(core.memory.long_term)))
    assert max(working for working, _ in sizes) < 4 * 6
    assert max(long for _, long in sizes) <= 24


@pytest.mark.parametrize("corrected", [1, 2])
def test_a_corrected_frame_is_remembered_as_if_the_mask_had_been_given(corrected: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 3, 32, 48)
    mask = (torch.rand(1, 32, 48) > 0.5).float()
    ours, theirs = core_of(), core_of()
    for time, image in enumerate(images[: corrected + 1]):
        ours.step(image, mask if time == 0 else None)
        theirs.step(image, mask if time in (0, corrected) else None)
    better = mask
    ours.correct(better)
    assert len(ours.memory.working) == len(theirs.memory.working)
    elements = ours.memory.working.elements
    assert elements is not None
    for mine, given in zip(ours.memory.working.values, theirs.memory.working.values, strict=True):
        torch.testing.assert_close(mine, given)


def test_attention_on_the_object_is_told() -> None:
    torch.manual_seed(0)
    image, mask = torch.randn(3, 32, 48), torch.zeros(1, 32, 48)
    mask[0, :16] = 1
    core = core_of()
    core.step(image, mask)
    assert core.affinity is None
    core.step(image)
    assert core.affinity is not None
    assert core.affinity.min() >= -1e-4
    assert core.affinity.max() <= 1 + 1e-4
    everywhere = core_of()
    everywhere.step(image, torch.ones_like(mask))
    everywhere.step(image)
    torch.testing.assert_close(
        everywhere.affinity, torch.ones_like(core.affinity), atol=1e-3, rtol=0
    )


def test_only_a_step_can_be_corrected() -> None:
    with pytest.raises(ValueError, match="before one"):
        core_of().correct(torch.zeros(1, 32, 48))
