"""Similarity of a query to memory elements, and reading by the best of them.

Everything is query-major, (…, P, M) for P queries and M memory elements, so that the best
elements of a query lie side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where and when keys were made; needed only with a position bias.

    Attributes:
        xy: (…, M, 2) float, centre of the cell in pixels of the network's input.
        time: (…, M) float, in frames.
    """

    xy: Tensor
    time: Tensor


class PositionBias(nn.Module):
    """Similarity falls with squared distance: -scale · d² / age^decay, both learned."""

    def __init__(self, sigma_px: float = 24.0, decay: float = 0.7) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(-math.log(2 * sigma_px**2)))
        self.decay = nn.Parameter(torch.tensor(decay))

    def weight(self, age: Tensor) -> Tensor:
        """Per memory element, of its age in frames (taken as at least 1)."""
        return torch.exp(self.log_scale - self.decay * age.abs().clamp(min=1).log())


def grid_places(height: int, width: int, stride: int, time: float, like: Tensor) -> Places:
    """Places of a whole h x w grid, row by row: xy (h·w, 2), time (h·w,)."""
    y = (torch.arange(height, device=like.device) + 0.5) * stride
    x = (torch.arange(width, device=like.device) + 0.5) * stride
    xy = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1).flatten(0, 1)
    return Places(xy, torch.full((height * width,), time, device=like.device))


def similarity(
    query: Tensor,
    selection: Tensor,
    memory: Tensor,
    shrinkage: Tensor,
    *,
    bias: PositionBias | None = None,
    query_places: Places | None = None,
    memory_places: Places | None = None,
) -> Tensor:
    """Anisotropic L2 similarity (arXiv 2207.07115, equation 3), at most 0.

    S[p, m] = -(shrinkage[m] / sqrt(C)) · Σ_c selection[p, c] · (memory[m, c] - query[p, c])²

    The squares are expanded so that all is one matrix product; the position bias, likewise
    a squared distance, rides along as four more channels.

    Args:
        query: (…, P, C).
        selection: (…, P, C) in 0..1.
        memory: (…, M, C).
        shrinkage: (…, M), at least 1.
        bias: with it both places are needed; all queries are of one time.
        query_places: xy (…, P, 2).
        memory_places: xy (…, M, 2).

    Returns:
        (…, P, M).
    """
    weight = (shrinkage / math.sqrt(query.shape[-1])).unsqueeze(-1)
    chosen = selection * query
    left = [selection, chosen, (chosen * query).sum(-1, keepdim=True)]
    right = [-weight * memory.square(), 2 * weight * memory, -weight]
    if bias is not None:
        if query_places is None or memory_places is None:
            raise ValueError("a position bias needs the places of queries and memory")
        q, m = query_places.xy, memory_places.xy
        near = bias.weight(query_places.time[..., :1] - memory_places.time).unsqueeze(-1)
        left += [torch.ones_like(q[..., :1]), q, q.square().sum(-1, keepdim=True)]
        right += [-near * m.square().sum(-1, keepdim=True), 2 * near * m, -near]
        batch = query.shape[:-2]
        left = [part.expand(*batch, *part.shape[-2:]) for part in left]
        right = [part.expand(*batch, *part.shape[-2:]) for part in right]
    return torch.cat(left, dim=-1) @ torch.cat(right, dim=-1).transpose(-1, -2)


def top_k_softmax(similarities: Tensor, top_k: int | None) -> tuple[Tensor, Tensor | None]:
    """Softmax over the k best memory elements of each query.

    Args:
        similarities: (…, P, M).
        top_k: how many; None, or M and more, means all.

    Returns:
        Weights (…, P, k) that sum to 1, and indices (…, P, k) into M; None when all are used.
    """
    if top_k is None or top_k >= similarities.shape[-1]:
        return torch.softmax(similarities, dim=-1), None
    best, indices = similarities.topk(top_k, dim=-1)
    return torch.softmax(best, dim=-1), indices


def dense_affinity(similarities: Tensor, top_k: int | None) -> Tensor:
    """As `top_k_softmax`, spread back over all M: (…, P, M) with zeros elsewhere."""
    weights, indices = top_k_softmax(similarities, top_k)
    if indices is None:
        return weights
    return torch.zeros_like(similarities).scatter(-1, indices, weights)
