"""What training minimises."""

from __future__ import annotations

import torch
from torch import Tensor


def bootstrapped_cross_entropy(
    probabilities: Tensor, labels: Tensor, *, keep: float = 1.0
) -> Tensor:
    """Cross entropy over the hardest pixels (arXiv 2207.07115, section 3.6).

    Args:
        probabilities: (B, N + 1, H, W), summing to 1 over the second axis.
        labels: (B, H, W) int64 in 0..N.
        keep: share of each picture's pixels that counts, hardest first; 0 < keep <= 1.
    """
    loss = -probabilities.gather(1, labels.unsqueeze(1)).clamp(min=1e-7).log().flatten(1)
    if keep < 1:
        loss = loss.topk(max(int(keep * loss.shape[1]), 1), dim=1).values
    return loss.mean()


def dice_loss(probabilities: Tensor, masks: Tensor) -> Tensor:
    """One minus the soft Dice overlap, averaged over pictures and objects.

    Args:
        probabilities: (B, N, H, W) in 0..1.
        masks: (B, N, H, W) of the same kind; an object that is absent has an empty mask.
    """
    p, m = probabilities.flatten(2), masks.flatten(2)
    overlap = 2 * (p * m).sum(-1) + 1
    return (1 - overlap / (p.sum(-1) + m.sum(-1) + 1)).mean()


def index_labels(masks: Tensor) -> Tensor:
    """(B, N, H, W) disjoint masks → (B, H, W) int64: 0 for background, else object + 1."""
    numbers = torch.arange(1, masks.shape[1] + 1, device=masks.device, dtype=masks.dtype)
    return torch.einsum("bnhw,n->bhw", masks, numbers).round().long()
