"""Make a mask agree with the clicks that asked for it, for networks that do not always see to it.

The published networks answer clicks with masks that contain them. A small one sometimes misses
the very spot that was clicked, or adds a part elsewhere; to a person that looks broken.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.types import Click, Mask

_REACH = 3.0
"""Log-odds by which the threshold may move; beyond, the network knows better than the click."""
_STEP = 0.01
_LARGE_PART = 0.3


def obedient_mask(logits: npt.NDArray[np.float32], clicks: Sequence[Click]) -> Mask:
    """The mask that log-odds give, (H, W) float32, under clicks in its pixels.

    The threshold moves from 0 as little as needed to take in what was clicked and to leave out
    what was clicked away, if one threshold does both. Then small parts without a click go.
    """
    inside = [_at(logits, click) for click in clicks if click.positive]
    outside = [_at(logits, click) for click in clicks if not click.positive]
    level = _threshold(min(inside, default=np.inf), max(outside, default=-np.inf))
    mask: Mask = logits > np.float64(level)  # compared in float64, where a gap is not rounded away
    return _clicked_parts(mask, [click for click in clicks if click.positive])


def _threshold(inside: float, outside: float) -> float:
    """Nearest to 0 that lies below `inside` and not below `outside`."""
    if outside >= inside:
        return 0.0
    if inside <= 0:
        return max(inside - min(_STEP, (inside - outside) / 2), -_REACH)
    return min(max(outside, 0.0), _REACH)


def _clicked_parts(mask: Mask, clicks: Sequence[Click]) -> Mask:
    spots = [spot for spot in (_spot(mask.shape, click) for click in clicks) if mask[spot]]
    if not spots:
        return mask
    # Only the box round the mask is looked at, a small part of most pictures.
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(mask[box].view(np.uint8))
    if count <= 2:
        return mask
    areas = statistics[:, cv2.CC_STAT_AREA]
    keep = areas >= _LARGE_PART * areas[1:].max()
    keep[[parts[y - top, x - left] for y, x in spots]] = True
    keep[0] = False
    kept = np.zeros_like(mask)
    kept[box] = keep[parts]
    return kept


def _at(values: npt.NDArray[np.float32], click: Click) -> float:
    return float(values[_spot(values.shape, click)])


def _spot(shape: tuple[int, ...], click: Click) -> tuple[int, int]:
    """Row and column of the pixel that was clicked."""
    height, width = shape
    return min(max(round(click.y), 0), height - 1), min(max(round(click.x), 0), width - 1)
