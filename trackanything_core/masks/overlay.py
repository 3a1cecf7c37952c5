"""Masks drawn over the picture they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.masks.check import check_mask
from trackanything_core.masks.ops import bounding_box
from trackanything_core.masks.palette import davis_palette
from trackanything_core.types import Image, Mask

_CONTOUR_PER_HEIGHT = 1 / 240  # two pixels at 480p


def draw_masks(
    image: Image,
    masks: Sequence[Mask],
    colors: npt.NDArray[np.uint8] | None = None,
    *,
    opacity: float = 0.5,
) -> Image:
    """Draw masks over a picture: a see-through fill and a bright contour in each one's colour.

    Args:
        image: (H, W, 3) uint8 RGB; stays as it is.
        masks: each (H, W) bool; empty ones draw nothing.
        colors: (N, 3) uint8 RGB, one for each mask; None takes the DAVIS colours in order.
        opacity: of the fill, 0..1.

    Returns:
        A new picture, (H, W, 3) uint8 RGB.

    Raises:
        MaskError: a mask is not (H, W) bool.
    """
    if colors is None:
        colors = davis_palette()[1 : len(masks) + 1]
    thickness = max(1, round(image.shape[0] * _CONTOUR_PER_HEIGHT))
    drawn = image.copy()
    for mask, color in zip(masks, colors, strict=True):
        check_mask(mask, image.shape[:2])
        box = bounding_box(mask)
        if box is None:
            continue
        left, top, width, height = box
        inside = np.s_[top : top + height, left : left + width]
        fill, line = _lift(color)
        part, region = mask[inside], drawn[inside]
        region[part] = (region[part] * (1 - opacity) + fill * opacity).round()
        outlines, _ = cv2.findContours(
            part.astype(np.uint8),
            cv2.RETR_CCOMP,
            cv2.CHAIN_APPROX_NONE,
            offset=(left, top),
        )
        cv2.drawContours(drawn, outlines, -1, line.tolist(), thickness, cv2.LINE_AA)
    return drawn


def _lift(
    color: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Colours of the fill and the contour; those of a palette alone are too dark for a picture."""
    fill = np.minimum(color * np.float64(1.5), 255)
    return fill, fill + (255 - fill) * 0.45
