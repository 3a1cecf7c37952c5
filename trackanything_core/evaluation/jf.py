"""J and F, the two measures of DAVIS, equal to those of davis2017-evaluation.

J is the intersection over union of the regions. F is the harmonic mean of precision and recall of
the boundaries, where a boundary pixel counts as found when the other boundary passes within a
given distance (Perazzi et al., CVPR 2016, section 4; Pont-Tuset et al., arXiv 1704.00675).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.errors import MaskError
from trackanything_core.types import Mask

BOUNDARY_TOLERANCE = 0.008
"""Distance within which boundaries agree, as a share of the picture's diagonal."""


def region_similarity(truth: Mask, found: Mask, void: Mask | None = None) -> float:
    """J: intersection over union, 0..1.

    Args:
        truth: (H, W) bool.
        found: (H, W) bool.
        void: (H, W) bool, pixels that do not count.

    Returns:
        J; 1 where both masks are empty.

    Raises:
        MaskError: the sizes differ.
    """
    truth, found = _without_void(truth, found, void)
    union = np.count_nonzero(truth | found)
    return float(np.count_nonzero(truth & found) / union) if union else 1.0


def boundary_accuracy(
    truth: Mask, found: Mask, void: Mask | None = None, tolerance: float = BOUNDARY_TOLERANCE
) -> float:
    """F: harmonic mean of boundary precision and recall, 0..1.

    Args:
        truth: (H, W) bool.
        found: (H, W) bool.
        void: (H, W) bool, pixels that do not count.
        tolerance: below 1 a share of the diagonal, rounded up to whole pixels; else pixels.

    Returns:
        F; 1 where neither mask has a boundary, 0 where only one has.

    Raises:
        MaskError: the sizes differ.
    """
    truth, found = _without_void(truth, found, void)
    radius = tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(*truth.shape))
    truth_boundary, found_boundary = boundary(truth), boundary(found)
    if not truth_boundary.any() or not found_boundary.any():
        return float(truth_boundary.any() == found_boundary.any())
    precision = _share_within(found_boundary, truth_boundary, radius)
    recall = _share_within(truth_boundary, found_boundary, radius)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: Mask) -> Mask:
    """Pixels that differ from their neighbour to the right, below, or right below; (H, W) bool.

    The picture's last row and column look along themselves, so its border is no boundary.
    """
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = padded[:-1, :-1]
    edges: Mask = (here != padded[:-1, 1:]) | (here != padded[1:, :-1]) | (here != padded[1:, 1:])
    return edges


@dataclass(frozen=True, slots=True)
class Statistics:
    """A measure over the frames of one sequence.

    Attributes:
        mean: the mean over the frames, 0..1.
        recall: share of the frames above 0.5, 0..1.
        decay: mean of the first quarter of the frames less that of the last quarter, -1..1.
    """

    mean: float
    recall: float
    decay: float


def statistics(values: Sequence[float] | npt.NDArray[np.float64]) -> Statistics:
    """Mean, recall and decay of one measure over the frames of a sequence.

    Raises:
        ValueError: there is no value.
    """
    series = np.asarray(values, np.float64)
    if series.size == 0:
        raise ValueError("expected the values of at least one frame, got none")
    # Quarters share the frame at which they meet, as in the official evaluation.
    edges = np.round(np.linspace(1, series.size, 5) + 1e-10).astype(int) - 1
    first, last = series[edges[0] : edges[1] + 1], series[edges[3] : edges[4] + 1]
    return Statistics(
        mean=float(series.mean()),
        recall=float((series > 0.5).mean()),
        decay=float(first.mean() - last.mean()),
    )


def _without_void(truth: Mask, found: Mask, void: Mask | None) -> tuple[Mask, Mask]:
    if truth.ndim != 2 or truth.shape != found.shape:
        raise MaskError(
            f"expected two masks (H, W) of one size, got {truth.shape} and {found.shape}"
        )
    if void is None:
        return truth, found
    if void.shape != truth.shape:
        raise MaskError(f"expected void pixels of size {truth.shape}, got {void.shape}")
    return truth & ~void, found & ~void


def _share_within(pixels: Mask, targets: Mask, radius: float) -> float:
    """Share of `pixels` that have one of the `targets` within `radius`; neither is empty."""
    # Nothing outside the targets' box grown by the radius can be near one: half the cost or less.
    left, top, width, height = cv2.boundingRect(targets.view(np.uint8))
    reach = math.ceil(radius)
    rows = slice(max(top - reach, 0), top + height + reach)
    columns = slice(max(left - reach, 0), left + width + reach)
    distance = cv2.distanceTransform(
        (~targets[rows, columns]).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    # Squared distances are whole numbers, so a margin for rounding decides nothing.
    near = np.count_nonzero(distance[pixels[rows, columns]] <= radius + 1e-3)
    return near / np.count_nonzero(pixels)
