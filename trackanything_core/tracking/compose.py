"""From probabilities to masks: who owns which pixel, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from trackanything_core.types import Mask, ObjectId, SoftMask


def compose(
    probabilities: npt.NDArray[np.float32],
    object_ids: Sequence[ObjectId],
    fixed: Mapping[ObjectId, Mask],
) -> dict[ObjectId, Mask]:
    """Give each pixel to its likeliest owner, except those that are taken.

    Args:
        probabilities: (N + 1, H, W) float32 in 0..1; background, then the objects in order.
        object_ids: the N objects.
        fixed: masks (H, W) bool that stand already; their pixels are nobody else's.

    Returns:
        (H, W) bool for each object that is not fixed; disjoint, and disjoint from `fixed`.
    """
    owner = probabilities.argmax(axis=0)
    for mask in fixed.values():
        owner[mask] = 0
    return {
        object_id: owner == row
        for row, object_id in enumerate(object_ids, start=1)
        if object_id not in fixed
    }


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
