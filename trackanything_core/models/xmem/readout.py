"""Read the values of objects from memory (arXiv 2207.07115, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from trackanything_core.models.xmem.attention import (
    Places,
    PositionBias,
    similarity,
    top_k_softmax,
)
from trackanything_core.models.xmem.elements import Elements
from trackanything_core.models.xmem.store import MemoryStore

_SIMILARITIES_AT_ONCE = 2**24  # 64 MiB of float32: memory stays bounded however much there is


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What the cells of one frame ask of memory.

    Attributes:
        key: (P, Ck) float32.
        selection: (P, Ck) float32 in 0..1.
        places: of the P cells, all of one time.
    """

    key: Tensor
    selection: Tensor
    places: Places

    def chunks(self, size: int) -> Iterator[Query]:
        """The same query in parts of at most `size` cells."""
        for start in range(0, len(self.key), size):
            rows = slice(start, start + size)
            places = Places(self.places.xy[rows], self.places.time[rows])
            yield Query(self.key[rows], self.selection[rows], places)


def read(
    query: Query, stores: Sequence[MemoryStore], *, top_k: int | None, bias: PositionBias | None
) -> tuple[Tensor, Tensor]:
    """Attend over all stores at once; each group of objects over the elements that it has.

    Args:
        query: P cells.
        stores: non-empty ones with M elements in all, whose first group has a value for each.
        top_k: elements that a cell reads; None reads all.
        bias: of a network that has one.

    Returns:
        Values (P, N, Cv), objects in the order of groups, and the attention (M,) that each
        element got from all cells together, as seen by the first group.
    """
    elements = Elements.join([store.elements for store in stores if store.elements is not None])
    attention = torch.zeros_like(elements.use)
    parts = []
    for part in query.chunks(max(1, _SIMILARITIES_AT_ONCE // len(elements))):
        similarities = similarity(
            part.key,
            part.selection,
            elements.key,
            elements.shrinkage,
            bias=bias,
            query_places=part.places,
            memory_places=elements.places,
        )
        of_groups = []
        for group in range(len(stores[0].values)):
            values = [store.values[group] for store in stores]
            weights, indices = top_k_softmax(_columns(similarities, stores, values), top_k)
            of_groups.append(_weighted_sum(weights, indices, values))
            if group == 0:
                _add_attention(attention, weights, indices)
        parts.append(torch.cat(of_groups, dim=1))
    return torch.cat(parts), attention


def _columns(similarities: Tensor, stores: Sequence[MemoryStore], values: list[Tensor]) -> Tensor:
    """Similarities to the elements for which a group has values: the last ones of each store."""
    lengths = [len(store) for store in stores]
    if all(len(value) == length for value, length in zip(values, lengths, strict=True)):
        return similarities
    per_store = torch.split(similarities, lengths, dim=1)
    columns = [s[:, s.shape[1] - len(v) :] for s, v in zip(per_store, values, strict=True)]
    return torch.cat(columns, dim=1)


def _weighted_sum(weights: Tensor, indices: Tensor | None, values: list[Tensor]) -> Tensor:
    """Σ_k weights[p, k] · values[indices[p, k]], where `values` count through: (P, N, Cv).

    Reading the few best rows costs far less than a product with a dense affinity, and
    `embedding_bag` sums them without a copy.
    """
    total = torch.zeros((), device=weights.device)
    start = 0
    for value in values:
        count = len(value)
        if count == 0:
            continue
        rows = value.flatten(1)
        if indices is None:
            part = weights[:, start : start + count].to(rows.dtype) @ rows
        else:
            own = indices - start
            inside = weights * ((own >= 0) & (own < count))
            part = F.embedding_bag(
                own.clamp(0, count - 1), rows, mode="sum", per_sample_weights=inside.to(rows.dtype)
            )
        total = total + part
        start += count
    return torch.unflatten(total, 1, values[0].shape[1:])


def _add_attention(attention: Tensor, weights: Tensor, indices: Tensor | None) -> None:
    if indices is None:
        attention += weights.sum(0)
    else:
        attention.index_add_(0, indices.flatten(), weights.flatten())
