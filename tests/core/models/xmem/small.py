"""Networks and memories that are small enough for a test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from trackanything_core.models.xmem.attention import Places, grid_places
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.elements import Elements
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.readout import Query

OFFICIAL_KIND = NetworkConfig(
    key_dim=8,
    value_dim=12,
    hidden_dim=6,
    key_block="basic",
    key_stem=8,
    key_widths=(8, 12, 16),
    key_depths=(1, 1, 1),
    value_stem=4,
    value_widths=(4, 6, 8),
    value_depths=(1, 1, 1),
    decoder_widths=(16, 12, 8),
)
EMBEDDED_KIND = replace(
    OFFICIAL_KIND, hidden_dim=0, memory_stride=8, position_bias=True, mask_in_value=True
)


def small_network(config: NetworkConfig = OFFICIAL_KIND) -> XMemNetwork:
    torch.manual_seed(0)
    return XMemNetwork(config).eval().requires_grad_(False)


def random_elements(count: int, *, seed: int = 0, dim: int = 8, time: float = 0) -> Elements:
    """`count` cells of one frame; their values are drawn from `seed`."""
    draw = torch.Generator().manual_seed(seed)
    key = torch.randn(count, dim, generator=draw)
    selection = torch.rand(count, dim, generator=draw)
    shrinkage = 1 + torch.rand(count, generator=draw)
    return Elements.fresh(key, shrinkage, selection, row_of_places(count, time))


def random_values(count: int, objects: int, *, seed: int = 0, dim: int = 5) -> Tensor:
    return torch.randn(count, objects, dim, generator=torch.Generator().manual_seed(seed))


def random_query(count: int, *, seed: int = 99, dim: int = 8, time: float = 0) -> Query:
    cells = random_elements(count, seed=seed, dim=dim)
    return Query(cells.key, cells.selection, row_of_places(count, time))


def row_of_places(count: int, time: float) -> Places:
    return grid_places(1, count, 16, time, torch.zeros(1))


def equal_states(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
