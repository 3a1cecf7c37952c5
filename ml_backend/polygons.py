"""From masks to polygons."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.types import Mask

Points: TypeAlias = npt.NDArray[np.float64]
"""(N, 2), x and y in pixels; the centre of pixel 0 lies at 0."""

_LEAST_SHARE = 0.01
"""Parts and holes below this share of the mask are left out."""


def outline(mask: Mask, tolerance: float = 0.75) -> Points:
    """All of a mask as one polygon: parts and holes hang on it by bridges of no width.

    Args:
        mask: (H, W) bool.
        tolerance: pixels that the outline may be off.

    Returns:
        Its corners, through the centres of the outermost pixels, at least three; none for an
        empty mask.
    """
    rings = _rings(mask)
    if not rings:
        return np.empty((0, 2))
    smooth = [_simplified(ring, tolerance) for ring in rings]
    joined = smooth[0]
    for ring in smooth[1:]:
        joined = _bridged(joined, ring)
    return np.resize(joined, (max(len(joined), 3), 2))


def largest_ring(mask: Mask) -> Points:
    """The outline of the largest part of a mask, without its holes; empty for an empty mask."""
    rings = _rings(mask)
    return rings[0] if rings else np.empty((0, 2))


def _rings(mask: Mask) -> list[Points]:
    """Outlines of parts and holes, the largest part first."""
    found, hierarchy = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:
        return []
    rings = [contour[:, 0].astype(np.float64) for contour in found]
    areas = [cv2.contourArea(contour) + len(contour) / 2 for contour in found]
    parts = [k for k in range(len(rings)) if hierarchy[0, k, 3] < 0]
    order = sorted(range(len(rings)), key=lambda k: (k not in parts, -areas[k]))
    least = _LEAST_SHARE * np.count_nonzero(mask)
    return [rings[k] for k in order if k == order[0] or areas[k] >= least]


def _simplified(ring: Points, tolerance: float) -> Points:
    found = cv2.approxPolyDP(ring.astype(np.float32)[:, None], tolerance, closed=True)
    return np.asarray(found[:, 0], np.float64)


def _bridged(polygon: Points, ring: Points) -> Points:
    """Walk to the nearest corner of the ring, round it, and back."""
    distances = ((polygon[:, None] - ring[None]) ** 2).sum(axis=2)
    at, start = np.unravel_index(int(distances.argmin()), distances.shape)
    round_trip = np.vstack([ring[start:], ring[: start + 1]])
    return np.vstack([polygon[: at + 1], round_trip, polygon[at:]])
