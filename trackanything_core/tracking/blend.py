"""Two passes over a span, from the anchor before it and from the one after it, become one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trackanything_core.tracking.compose import confidence, owned_masks


def blend(
    forward: npt.NDArray[np.float32], backward: npt.NDArray[np.float32], nearness: float
) -> npt.NDArray[np.float32]:
    """Weigh two answers for one frame by the distance to their anchors and by how sure they are.

    Args:
        forward: (N + 1, H, W) float32 in 0..1, background first: the pass from the anchor before.
        backward: the same, of the pass from the anchor after.
        nearness: of the anchor before: 1 on it, 0 on the anchor after, linear in between.

    Returns:
        (N + 1, H, W) float32 in 0..1, background first.
    """
    sure = [
        nearness * _confidences(forward) + 1e-6,
        (1 - nearness) * _confidences(backward) + 1e-6,
    ]
    weight = (sure[0] / (sure[0] + sure[1])).astype(np.float32)[:, None, None]
    objects = weight * forward[1:] + (1 - weight) * backward[1:]
    # Each object has its own weight, so that together they may claim more than there is.
    objects /= np.maximum(objects.sum(axis=0), 1)
    background = np.clip(1 - objects.sum(axis=0, keepdims=True), 0, None)
    return np.concatenate([background, objects])


def _confidences(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    masks = owned_masks(probabilities)
    return np.array([confidence(p, m) for p, m in zip(probabilities[1:], masks, strict=True)])
