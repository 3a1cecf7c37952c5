"""What is asked of one mask, or of two: where, how much alike, which pieces."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.masks.check import check_mask
from trackanything_core.types import Mask


def bounding_box(mask: Mask) -> tuple[int, int, int, int] | None:
    """The tightest box round a mask, as COCO has it.

    Args:
        mask: (H, W) bool.

    Returns:
        (left, top, width, height) in whole pixels, or None for an empty mask.

    Raises:
        MaskError: not (H, W) bool.
    """
    check_mask(mask)
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return None
    rows = np.flatnonzero(mask.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def iou(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks, 0..1; 1 where both are empty.

    Raises:
        MaskError: not (H, W) bool, or of different sizes.
    """
    check_mask(first)
    check_mask(second, first.shape)
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def largest_components(mask: Mask, count: int = 1) -> Mask:
    """The `count` largest connected pieces of a mask; pixels that touch by a corner connect.

    Args:
        mask: (H, W) bool.
        count: how many pieces to keep, at least 1.

    Raises:
        MaskError: not (H, W) bool.
    """
    labels, areas = _components(mask, connectivity=8)
    by_size = np.argsort(-areas[1:], kind="stable") + 1
    keep = np.zeros(len(areas), np.bool_)
    keep[by_size[:count]] = True
    return keep[labels]


def components_near(mask: Mask, reference: Mask, distance: float) -> Mask:
    """The connected pieces of a mask that come within `distance` of another mask.

    Args:
        mask: (H, W) bool.
        reference: (H, W) bool; nothing is near an empty one.
        distance: in pixels, centre to centre; 0 asks for a common pixel.

    Raises:
        MaskError: not (H, W) bool, or of different sizes.
    """
    check_mask(mask)
    check_mask(reference, mask.shape)
    if not reference.any():
        return np.zeros_like(mask)
    away = cv2.distanceTransform((~reference).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    labels, areas = _components(mask, connectivity=8)
    keep = np.zeros(len(areas), np.bool_)
    keep[labels[away <= distance]] = True
    keep[0] = False
    return keep[labels]


def fill_holes(mask: Mask, max_area: int | None = None) -> Mask:
    """Fill the background that a mask encloses; what reaches the border of the picture is none.

    Args:
        mask: (H, W) bool.
        max_area: largest hole to fill in pixels, or None for all.

    Raises:
        MaskError: not (H, W) bool.
    """
    check_mask(mask)
    labels, areas = _components(~mask, connectivity=4)
    fill = np.ones(len(areas), np.bool_) if max_area is None else areas <= max_area
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        fill[edge] = False
    fill[0] = False
    return mask | fill[labels]


def _components(
    mask: Mask, connectivity: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Label (H, W) int32, 0 off the mask, and the area of each label in pixels."""
    check_mask(mask)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    return labels.astype(np.int32, copy=False), statistics[:, cv2.CC_STAT_AREA].astype(np.int32)
