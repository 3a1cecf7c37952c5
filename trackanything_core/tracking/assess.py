"""How good is a mask? A score from what the propagator knows, without the truth.

Three kinds of evidence, each 0..1: how certain the probabilities are (the IoU to be expected if
they are right, which falls with a wide margin at the border), how far the attention to memory
agrees with the mask, and how little the mask has changed since the frame before. A logistic
function weighs them. Its weights were set by hand on six DAVIS sequences with embedded networks;
`python -m trackanything_core.evaluation.calibration` measures them, beside weights fitted to the
other sequences. A fit to generated clips was tried and does not carry over to real video.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.types import Mask, SoftMask

_STRIDE = 2
"""Probabilities are summed over every other pixel of every other row: scoring must cost little."""
_SMALL = 64
_LEAST, _MOST = 0.01, 0.99


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for a mask, each 0..1.

    Attributes:
        certainty: the expected IoU of mask and object, if the probabilities are right.
        attention: the soft IoU of the mask and the share of attention that fell on the object.
            None where the propagator does not tell.
        steadiness: IoU with the mask of the frame before. None where there is none.
    """

    certainty: float
    attention: float | None = None
    steadiness: float | None = None

    def features(self) -> tuple[float, ...]:
        """What is weighed: log-odds of the signs, a sign that is missing taken as certainty."""
        signs = (self.certainty, self.attention, self.steadiness)
        return tuple(_log_odds(self.certainty if sign is None else sign) for sign in signs)


def read_signs(
    probability: SoftMask,
    mask: Mask,
    affinity: npt.NDArray[np.float32] | None = None,
    before: Mask | None = None,
) -> Signs:
    """Gather what speaks for a mask.

    Args:
        probability: (H, W) float32 in 0..1.
        mask: (H, W) bool, what was made of it.
        affinity: (h, w) float32 in 0..1; see `Evidence`.
        before: the mask of the frame before, as `small` made it.
    """
    attention = steadiness = None
    if affinity is not None:
        grid = (affinity.shape[1], affinity.shape[0])
        covered = cv2.resize(mask.astype(np.float32), grid, interpolation=cv2.INTER_AREA)
        attention = _soft_iou(affinity, np.asarray(covered, np.float32))
    if before is not None:
        steadiness = _soft_iou(before.astype(np.float32), small(mask).astype(np.float32))
    thinned = np.asarray(probability[::_STRIDE, ::_STRIDE], np.float32)
    certainty = _soft_iou(thinned, mask[::_STRIDE, ::_STRIDE].astype(np.float32))
    return Signs(certainty, attention, steadiness)


def small(mask: Mask) -> Mask:
    """A mask on a grid of 64 x 64, to compare it with another of the same video."""
    share = cv2.resize(mask.astype(np.float32), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.5)


def score_mask(
    probability: SoftMask,
    mask: Mask,
    affinity: npt.NDArray[np.float32] | None = None,
    before: Mask | None = None,
) -> float:
    """Estimate the IoU of a mask with its object; arguments as for `read_signs`.

    Returns:
        0..1. For an empty mask, how far the object is from being seen anywhere.
    """
    if not mask.any():
        return float(np.clip(1.0 - probability.max(), 0.0, 1.0))
    return weigh(read_signs(probability, mask, affinity, before), weights())


def weigh(signs: Signs, weights: Sequence[float]) -> float:
    """The score, 0..1, that signs have under weights: one for each feature, then a constant."""
    *slopes, constant = weights
    sum_ = constant + sum(w * x for w, x in zip(slopes, signs.features(), strict=True))
    return 1.0 / (1.0 + math.exp(-sum_))


@cache
def weights() -> tuple[float, ...]:
    """The weights that come with the package."""
    packed = resources.files(__package__).joinpath("score_weights.json").read_text()
    return tuple(json.loads(packed)["weights"])


def _log_odds(share: float) -> float:
    share = min(max(share, _LEAST), _MOST)
    return math.log(share / (1 - share))


def _soft_iou(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    union = float(np.maximum(one, other).sum())
    return float(np.minimum(one, other).sum()) / union if union > 0 else 1.0
