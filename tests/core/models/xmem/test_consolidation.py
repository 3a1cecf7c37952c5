from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.core.models.xmem.small import random_elements, random_values
from trackanything_core.models.xmem.attention import PositionBias, similarity
from trackanything_core.models.xmem.consolidation import consolidate, survivors
from trackanything_core.models.xmem.elements import Elements


def used_elements(count: int) -> Elements:
    elements = random_elements(count)
    return elements.used(torch.rand(count, generator=torch.Generator().manual_seed(5)))


def test_prototypes_are_the_most_used_and_sum_up_what_resembles_them():
    candidates, values = used_elements(20), random_values(20, 2)
    made = consolidate(candidates, [values], 4)
    assert made.indices.tolist() == candidates.usage.argsort(descending=True)[:4].tolist()
    chosen = candidates[made.indices]
    weights = torch.softmax(
        similarity(chosen.key, chosen.selection, candidates.key, candidates.shrinkage), 1
    )
    torch.testing.assert_close(made.values[0], torch.einsum("pm,mnc->pnc", weights, values))
    torch.testing.assert_close(made.elements.shrinkage, weights @ candidates.shrinkage)
    assert torch.equal(made.elements.key, chosen.key)
    assert made.elements.use.eq(0).all()


def test_a_late_group_gets_values_for_prototypes_of_its_own_time_only():
    candidates, values, late = used_elements(20), random_values(20, 1), random_values(8, 1, seed=3)
    made = consolidate(candidates, [values, late, late[:0]], 10)
    valid = made.indices[made.indices >= 12]
    assert 0 < len(valid) < 10
    alone = consolidate(candidates[12:], [late], len(valid))
    torch.testing.assert_close(made.values[1], alone.values[0])
    assert len(made.values[2]) == 0


def test_fewer_candidates_than_prototypes_all_become_one():
    made = consolidate(used_elements(3), [random_values(3, 1)], 128)
    assert sorted(made.indices.tolist()) == [0, 1, 2]


def test_without_any_use_the_oldest_come_first():
    made = consolidate(random_elements(10), [random_values(10, 1)], 3)
    assert made.indices.tolist() == [0, 1, 2]


def test_a_position_bias_counts_distance_and_age_pair_by_pair():
    bias = PositionBias()
    frames = [random_elements(6, seed=t, time=t) for t in range(3)]
    candidates, values = Elements.join(frames), random_values(18, 1)
    made = consolidate(candidates, [values], 5, bias)
    for row, index in enumerate(made.indices):
        one = candidates[index : index + 1]
        weights = torch.softmax(
            similarity(
                one.key,
                one.selection,
                candidates.key,
                candidates.shrinkage,
                bias=bias,
                query_places=one.places,
                memory_places=candidates.places,
            ),
            1,
        )
        expected = torch.einsum("pm,mnc->pnc", weights, values)[0]
        torch.testing.assert_close(made.values[0][row], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.property
@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 30))
def test_survivors_fit_and_are_used_more_than_all_that_go(uses, at_most):
    usage = torch.tensor(uses, dtype=torch.float32)
    kept = survivors(usage, at_most)
    assert kept.sum() <= max(at_most, 0)
    if len(uses) <= at_most:
        assert kept.all()
    elif kept.any():
        assert usage[kept].min() > usage[~kept].max()
