"""Where a patient annotator would click: the middle of what is most wrong."""

from __future__ import annotations

import cv2
import numpy as np

from trackanything_core.errors import PromptError
from trackanything_core.types import Click, Mask


def next_click(prediction: Mask, truth: Mask) -> Click | None:
    """The click that mends the largest error, or None if there is no error.

    The largest connected region where the masks differ is taken, and in it the pixel farthest
    from the region's border and from the edge of the picture. The click is positive where the
    prediction misses the object. An empty prediction gives the first click.

    Args:
        prediction: (H, W) bool.
        truth: (H, W) bool.
    """
    missed, spurious = _largest_region(truth & ~prediction), _largest_region(prediction & ~truth)
    positive = bool(missed.sum() >= spurious.sum())
    region = missed if positive else spurious
    if not region.any():
        return None
    x, y = innermost(region)
    return Click(x, y, positive)


def random_click(prediction: Mask, truth: Mask, rng: np.random.Generator) -> Click | None:
    """A click anywhere in the errors, all pixels alike (arXiv 2304.02643, appendix A)."""
    ys, xs = np.nonzero(prediction != truth)
    if len(xs) == 0:
        return None
    chosen = int(rng.integers(len(xs)))
    x, y = int(xs[chosen]), int(ys[chosen])
    return Click(x, y, positive=bool(truth[y, x]))


def innermost(region: Mask) -> tuple[int, int]:
    """The (x, y) of the pixel of `region` farthest from its border and the picture's edge.

    Raises:
        PromptError: the region is empty.
    """
    if not region.any():
        raise PromptError("expected a region to click in, got an empty mask")
    padded = np.pad(region.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return int(x), int(y)


def _largest_region(mask: Mask) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), None)
    if count <= 2:
        return mask
    largest: Mask = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return largest
