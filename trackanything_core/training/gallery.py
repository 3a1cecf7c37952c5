"""Pictures of masks, side by side, for people to judge by."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from trackanything_core.types import Click, Image, Mask

FOUND, TRUE = (60, 220, 90), (240, 40, 40)  # RGB
_OPACITY = 0.45
_GAP = 2


def draw_masks(
    image: Image, found: Mask | None, truth: Mask | None, clicks: Sequence[Click] = ()
) -> Image:
    """A copy of a picture: what was found is filled in green, the truth is outlined in red.

    Args:
        image: (H, W, 3) uint8 RGB.
        found: (H, W) bool, or None.
        truth: (H, W) bool, or None.
        clicks: drawn as discs, green for the object and red for background.
    """
    picture = np.ascontiguousarray(image).copy()
    if found is not None:
        tinted = (1 - _OPACITY) * picture[found] + _OPACITY * np.array(FOUND)
        picture[found] = tinted.astype(np.uint8)
    if truth is not None:
        lines, _ = cv2.findContours(truth.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, TRUE, 1)
    for click in clicks:
        place = (round(click.x), round(click.y))
        radius = max(min(picture.shape[:2]) // 60, 2)
        cv2.circle(picture, place, radius + 1, (255, 255, 255), thickness=-1)
        cv2.circle(picture, place, radius, FOUND if click.positive else TRUE, thickness=-1)
    return picture


def arrange(rows: Sequence[Sequence[Image]]) -> Image:
    """Put pictures of one size into a grid; short rows are filled up with black."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    grid = np.zeros((len(rows) * (height + _GAP), columns * (width + _GAP), 3), np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            y, x = i * (height + _GAP), j * (width + _GAP)
            grid[y : y + height, x : x + width] = picture
    return grid
