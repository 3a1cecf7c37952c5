"""Refinement: where propagation is doubtful, the segmenter looks at the object again.

The idea is that of Track Anything (arXiv 2304.11968, section 3.3): what the propagator thinks and
attends to becomes point and mask prompts. Here the segmenter sees the surroundings of the object
enlarged, and its answer does not replace the propagated mask: the log-odds of both are averaged.
Either is wrong now and then, and where they disagree by much, nothing is changed.

In the paper the refined mask goes on into memory. `RefineSettings.remember` does that. With the
embedded networks it is a gamble (six DAVIS sequences, three clicks: J&F +0.11 on one, -0.05 on
another), so that it is off by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.models.base import Segmenter
from trackanything_core.types import Click, Image, Mask, SoftMask

Decision: TypeAlias = Literal[
    "good",
    "refined",
    "inconsistent",
    "swallows others",
    "unsure",
    "out of sight",
    "found again",
    "not found",
]
"""What became of a mask: good as it was, refined, or kept because of what the segmenter said. In a
shot that was searched: whether it is the object."""

_LEAST, _MOST = 0.01, 0.99
_SURROUNDINGS = 1.6
_LEAST_MARGIN = 32  # pixels
_LIKELY = 0.5


@dataclass(frozen=True, slots=True)
class RefineSettings:
    """When the segmenter is asked, and when it is believed.

    Attributes:
        below: a score under which a mask is refined, and the following ones too, ...
        until: ... until their score is this.
        weight: of the segmenter's log-odds, against those of the propagator.
        least_iou: of the segmenter's mask with the propagated one.
        least_score: of the segmenter in its own mask.
        most_taken: share of the segmenter's mask that may belong to other objects.
        remember: whether the propagator goes on from refined masks.
    """

    below: float = 0.8
    until: float = 0.9
    weight: float = 0.5
    least_iou: float = 0.5
    least_score: float = 0.5
    most_taken: float = 0.1
    remember: bool = False


class Refiner:
    """Asks a segmenter about doubtful masks; keeps nothing between calls."""

    def __init__(self, segmenter: Segmenter, settings: RefineSettings) -> None:
        self.settings = settings
        self._segmenter = segmenter

    def refine(
        self,
        image: Image,
        probability: SoftMask,
        others: SoftMask,
        affinity: npt.NDArray[np.float32] | None = None,
    ) -> tuple[SoftMask | None, Decision]:
        """Improve a mask.

        Args:
            image: (H, W, 3) uint8 RGB.
            probability: (H, W) float32 in 0..1, of the object.
            others: (H, W) float32 in 0..1, of all other objects together.
            affinity: (h, w) float32 in 0..1; see `Evidence`.

        Returns:
            (H, W) float32 in 0..1, None where the mask is to stay; and why.
        """
        mask = probability > np.maximum(others, _LIKELY)
        if not mask.any():
            return None, "out of sight"
        settings, window = self.settings, _window(mask)
        seen, inside = np.ascontiguousarray(image[window]), np.ascontiguousarray(mask[window])
        foreign = others[window]
        negative = _innermost(foreign > _LIKELY)
        clicks = [Click(*_surest(inside, probability, affinity, window))]
        if negative is not None:
            clicks.append(Click(*negative, positive=False))
        answer = self._segmenter.segment(
            self._segmenter.embed(seen),
            clicks=clicks,
            mask_logits=self._segmenter.mask_to_logits(inside),
        )
        size = (inside.shape[0], inside.shape[1])
        soft = self._segmenter.logits_to_soft_mask(answer.low_res_logits, size)
        proposal = soft > _LIKELY
        if answer.score < settings.least_score:
            return None, "unsure"
        if _iou(proposal, inside) < settings.least_iou or not proposal[_pixel(clicks[0])]:
            return None, "inconsistent"
        taken = (proposal & (foreign > _LIKELY)).sum()
        if taken > settings.most_taken * proposal.sum() or (
            negative is not None and proposal[_pixel(clicks[1])]
        ):
            return None, "swallows others"
        odds = (1 - settings.weight) * _log_odds(probability[window])
        odds += settings.weight * _log_odds(soft * (1 - foreign))
        refined = probability.copy()
        refined[window] = 1 / (1 + np.exp(-odds))
        return refined, "refined"


def _window(mask: Mask) -> tuple[slice, slice]:
    """A square round an object, as far as it is in the picture."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    side = _SURROUNDINGS * max(width, height) + _LEAST_MARGIN
    left, top = int(x + width / 2 - side / 2), int(y + height / 2 - side / 2)
    rows = slice(max(top, 0), min(int(top + side), mask.shape[0]))
    columns = slice(max(left, 0), min(int(left + side), mask.shape[1]))
    return rows, columns


def _surest(
    inside: Mask,
    probability: SoftMask,
    affinity: npt.NDArray[np.float32] | None,
    window: tuple[slice, slice],
) -> tuple[int, int]:
    """The (x, y) in the window that is deep in the mask, and likely, and attended to."""
    sure: npt.NDArray[np.float32] = probability[window] * _depth(inside)
    if affinity is not None:
        height, width = probability.shape
        attended = np.asarray(cv2.resize(affinity, (width, height)), np.float32)
        sure = sure * attended[window]
    return _peak(sure if sure.max() > 0 else _depth(inside))


def _innermost(region: Mask) -> tuple[int, int] | None:
    return _peak(_depth(region)) if region.any() else None


def _depth(region: Mask) -> npt.NDArray[np.float32]:
    padded = np.pad(region.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.asarray(depth, np.float32)


def _peak(values: npt.NDArray[np.float32]) -> tuple[int, int]:
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    return int(x), int(y)


def _pixel(click: Click) -> tuple[int, int]:
    return int(click.y), int(click.x)


def _log_odds(probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    clipped = np.clip(probability, _LEAST, _MOST)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)


def _iou(one: Mask, other: Mask) -> float:
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0
