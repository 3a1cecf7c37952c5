"""A second teacher for image encoders: places of one region should look alike to them.

Masks of a few prompts say little about a picture; the map of its regions says a lot. This loss
reads all of it, and the mask decoder then finds embeddings that already fall into regions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_CHANNELS = 64
_ANCHORS = 32


class AffinityLoss(nn.Module):
    """From one cell of an embedding, by likeness alone, tell the region that it lies in.

    It has weights of its own, which serve training only.
    """

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(embed_dim, _CHANNELS, 1)
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.offset = nn.Parameter(torch.tensor(-5.0))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean of cross entropy plus Dice over random cells that belong to a region.

        Args:
            embeddings: (B, C, h, w).
            labels: (B, h, w) integers, the region of each cell; 0 is none.
        """
        features = F.normalize(self.project(embeddings).flatten(2).float(), dim=1)
        regions = labels.flatten(1)
        # Adding noise and sorting draws without replacement, labelled cells first.
        order = ((regions > 0).float() + torch.rand(regions.shape, device=labels.device)).topk(
            min(_ANCHORS, regions.shape[1])
        )
        anchors = order.indices
        chosen = features.gather(2, anchors[:, None].expand(-1, _CHANNELS, -1))
        logits = self.scale * (chosen.transpose(1, 2) @ features) + self.offset
        own = regions.gather(1, anchors)
        same = (own[:, :, None] == regions[:, None]).float()
        entropy = F.binary_cross_entropy_with_logits(logits, same, reduction="none").mean(2)
        probabilities = logits.sigmoid()
        shared = 2 * (probabilities * same).sum(2) + 1
        dice = 1 - shared / (probabilities.sum(2) + same.sum(2) + 1)
        counted = (own > 0).float()
        return ((entropy + dice) * counted).sum() / counted.sum().clamp(min=1)
