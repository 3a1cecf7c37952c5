"""What training SAM minimises (arXiv 2304.02643, appendix A, with plain cross entropy)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class MaskLosses(NamedTuple):
    """Scalars to minimise, and which candidate came closest for each prompt.

    Attributes:
        mask: cross entropy plus Dice of the best candidate, averaged over prompts.
        iou: squared error of the predicted IoU, averaged over all candidates.
        best: (N,) int64, index of the candidate with the smallest mask loss.
        overlap: (N, K) true IoU of the candidates, 0..1, without gradient.
    """

    mask: Tensor
    iou: Tensor
    best: Tensor
    overlap: Tensor


def mask_losses(logits: Tensor, predicted_iou: Tensor, truth: Tensor) -> MaskLosses:
    """Compare candidate masks with the truth; only the best candidate of a prompt learns.

    Args:
        logits: (N, K, h, w) log-odds of K candidates.
        predicted_iou: (N, K), what the network thinks of them.
        truth: (N, h, w) in 0..1, the share of each cell that the object covers.
    """
    target = truth[:, None].expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((2, 3))
    probabilities = logits.sigmoid()
    shared = (probabilities * target).sum((2, 3))
    total = probabilities.sum((2, 3)) + target.sum((2, 3))
    dice = 1 - (2 * shared + 1) / (total + 1)
    # Small objects hardly show in a mean over the picture; Dice makes up for it.
    loss, best = (2 * entropy + dice).min(dim=1)
    overlap = _overlap(logits.detach() > 0, target > 0.5)
    return MaskLosses(loss.mean(), F.mse_loss(predicted_iou, overlap), best, overlap)


def _overlap(prediction: Tensor, truth: Tensor) -> Tensor:
    shared = (prediction & truth).sum((2, 3)).float()
    either = (prediction | truth).sum((2, 3)).float()
    return shared / torch.clamp(either, min=1)
