"""From probabilities to masks: who owns which pixel, and how sure that is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trackanything_core.types import Mask, SoftMask


def owned_masks(probabilities: npt.NDArray[np.float32]) -> list[Mask]:
    """Give each pixel to its likeliest owner.

    Args:
        probabilities: (N + 1, H, W) float32 in 0..1; background, then the objects.

    Returns:
        N masks (H, W) bool, disjoint.
    """
    owner = probabilities.argmax(axis=0)
    return [owner == row for row in range(1, len(probabilities))]


def confidence(probability: SoftMask, mask: Mask) -> float:
    """How sure a propagator is of a mask, 0..1.

    Args:
        probability: (H, W) float32 in 0..1, of the object.
        mask: (H, W) bool, what was made of it.

    Returns:
        The mean probability within the mask; for an empty mask, how far the object is from
        being seen anywhere.
    """
    score = probability[mask].mean() if mask.any() else 1.0 - probability.max()
    return float(np.clip(score, 0.0, 1.0))
