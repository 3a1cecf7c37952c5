from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.models.xmem.small import random_elements, random_query, random_values
from trackanything_core.models.xmem import readout
from trackanything_core.models.xmem.elements import Elements
from trackanything_core.models.xmem.store import MemoryStore


def store_of(elements: Elements, *values: torch.Tensor) -> MemoryStore:
    store = MemoryStore()
    for value in values:
        store.add_group(value)
    store.append(elements, values)
    return store


def by_definition(query, elements, value, top_k):
    """The readout straight from the paper's formulas, cell by cell."""
    answers = []
    for key, selection in zip(query.key, query.selection, strict=True):
        distance = (selection * (elements.key - key) ** 2).sum(1)
        similarity = -elements.shrinkage * distance / math.sqrt(key.shape[0])
        best = similarity.argsort(descending=True)[:top_k]
        weights = torch.softmax(similarity[best], 0)
        answers.append((weights[:, None, None] * value[best]).sum(0))
    return torch.stack(answers)


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(
    long=st.integers(1, 40),
    working=st.integers(1, 40),
    late=st.integers(0, 40),
    cells=st.integers(1, 12),
    top_k=st.one_of(st.none(), st.integers(1, 100)),
    seed=st.integers(0, 1000),
)
def test_groups_read_what_the_formulas_say(long, working, late, cells, top_k, seed):
    late_long, late_working = min(late, long), max(1, min(late, working))
    parts = random_elements(long, seed=seed), random_elements(working, seed=seed + 1)
    first = random_values(long, 2, seed=seed), random_values(working, 2, seed=seed + 1)
    second = random_values(late_long, 1, seed=seed + 2), random_values(late_working, 1, seed=seed)
    stores = [store_of(e, a, b) for e, a, b in zip(parts, first, second, strict=True)]
    query = random_query(cells, seed=seed + 3)

    values, attention = readout.read(query, stores, top_k=top_k, bias=None)

    late_rows = [parts[0][long - late_long :], parts[1][working - late_working :]]
    expected = torch.cat(
        [
            by_definition(query, Elements.join(parts), torch.cat(first), top_k),
            by_definition(query, Elements.join(late_rows), torch.cat(second), top_k),
        ],
        dim=1,
    )
    torch.testing.assert_close(values, expected, atol=1e-4, rtol=1e-4)
    assert attention.shape == (long + working,)
    assert attention.sum().item() == pytest.approx(cells, rel=1e-4)


def test_many_queries_are_read_in_parts_with_the_same_answer(monkeypatch):
    store = store_of(random_elements(50), random_values(50, 2))
    query = random_query(23)
    whole = readout.read(query, [store], top_k=7, bias=None)
    monkeypatch.setattr(readout, "_SIMILARITIES_AT_ONCE", 50 * 4)
    parts = readout.read(query, [store], top_k=7, bias=None)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_fewer_elements_than_top_k_are_all_read():
    store = store_of(random_elements(1), random_values(1, 1))
    values, _ = readout.read(random_query(3), [store], top_k=30, bias=None)
    assert torch.equal(values, store.values[0].expand(3, 1, -1))


@pytest.mark.parametrize("top_k", [3, None])
def test_a_memory_that_resembles_nothing_still_gives_numbers(top_k):
    elements = random_elements(10)
    far = Elements.fresh(
        elements.key + 1000, elements.shrinkage, elements.selection, elements.places
    )
    store = store_of(far, random_values(10, 1))
    values, attention = readout.read(random_query(4), [store], top_k=top_k, bias=None)
    assert torch.isfinite(values).all()
    assert attention.sum().item() == pytest.approx(4, rel=1e-4)
