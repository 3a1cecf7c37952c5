"""Pictures as the network wants them."""

from __future__ import annotations

import torch
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def normalise(image: Tensor) -> Tensor:
    """(…, 3, H, W) uint8 RGB → float32, less ImageNet's mean, over its deviation."""
    mean = torch.tensor(MEAN, device=image.device).view(3, 1, 1)
    deviation = torch.tensor(DEVIATION, device=image.device).view(3, 1, 1)
    return (image.float() / 255 - mean) / deviation
