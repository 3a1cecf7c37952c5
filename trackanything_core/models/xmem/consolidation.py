"""Compress old working memory into prototypes, and forget useless ones.

After arXiv 2207.07115, section 3.3 ("long-term memory").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trackanything_core.models.xmem.attention import PositionBias, similarity
from trackanything_core.models.xmem.elements import Elements


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """What a consolidation makes.

    Attributes:
        indices: (P,) into the candidates, most used first.
        elements: P elements, never read.
        values: per group (V, N, Cv) of the prototypes that are valid for it, in order.
    """

    indices: Tensor
    elements: Elements
    values: list[Tensor]


def consolidate(
    candidates: Elements, values: Sequence[Tensor], count: int, bias: PositionBias | None = None
) -> Prototypes:
    """Choose the most used candidates and let each sum up all that resemble it.

    Args:
        candidates: M elements.
        values: per group (V, N, Cv) for the last V candidates; the first group has all. A
            prototype is valid for a group only if it is one of those V.
        count: prototypes to make; all candidates if there are fewer.
        bias: of a network that has one.
    """
    indices = candidates.usage.sort(descending=True, stable=True).indices[:count]
    chosen = candidates[indices]
    affinity = similarity(chosen.key, chosen.selection, candidates.key, candidates.shrinkage)
    if bias is not None:
        # Prototypes are of different times, so that the bias takes a value for each pair.
        age = chosen.time[:, None] - candidates.time
        affinity = affinity - bias.weight(age) * torch.cdist(chosen.xy, candidates.xy).square()
    shrinkage = torch.softmax(affinity, dim=1) @ candidates.shrinkage
    summed = []
    for value in values:
        first = len(candidates) - len(value)
        tail = affinity[indices >= first, first:]
        rows = value.flatten(1)
        blend = torch.softmax(tail, dim=1).to(rows.dtype) @ rows
        summed.append(torch.unflatten(blend, 1, value.shape[1:]))
    elements = Elements.fresh(chosen.key, shrinkage, chosen.selection, chosen.places)
    return Prototypes(indices, elements, summed)


def survivors(usage: Tensor, at_most: int) -> Tensor:
    """Which elements stay when the least used are dropped.

    Elements that tie with the last one dropped go too, as in the official code.

    Args:
        usage: (M,).
        at_most: elements that may stay.

    Returns:
        (M,) bool.
    """
    excess = len(usage) - at_most
    if excess <= 0:
        return torch.ones_like(usage, dtype=torch.bool)
    return usage > usage.kthvalue(excess).values
