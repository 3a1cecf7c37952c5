"""An embedding and the finer maps that go with it, in one tensor that can be kept and copied."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pack(embedding: Tensor, stride4: Tensor, stride2: Tensor) -> Tensor:
    """Stack an embedding and finer maps into one tensor, without loss.

    Args:
        embedding: (B, C, h, w).
        stride4: (B, C / 4, 2h, 2w).
        stride2: (B, C / 8, 4h, 4w).

    Returns:
        (B, C + C + 2C, h, w); every finer pixel has become channels of its cell.
    """
    fine = (F.pixel_unshuffle(stride4, 2), F.pixel_unshuffle(stride2, 4))
    return torch.cat([embedding, *fine], dim=1)


def unpack(packed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inverse of `pack`."""
    embed_dim = packed.shape[1] // 4
    embedding, stride4, stride2 = packed.split([embed_dim, embed_dim, 2 * embed_dim], dim=1)
    return embedding, F.pixel_shuffle(stride4, 2), F.pixel_shuffle(stride2, 4)
