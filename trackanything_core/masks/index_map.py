"""Several objects in one array: each pixel holds the number of its object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import MaskError
from trackanything_core.masks.check import check_mask
from trackanything_core.types import Mask

IndexMap: TypeAlias = npt.NDArray[np.uint8]
"""(H, W) uint8: 0 for background, 1 for the first object, and so on."""

MAX_OBJECTS = 255
"""As many as one byte can tell apart from the background."""


def merge_masks(masks: Sequence[Mask], size: tuple[int, int]) -> IndexMap:
    """Paint masks into one index map; where they overlap, the later one is on top.

    Args:
        masks: at most `MAX_OBJECTS`, each (H, W) bool.
        size: (height, width) in pixels.

    Raises:
        MaskError: too many masks, not (H, W) bool, or of another size.
    """
    if len(masks) > MAX_OBJECTS:
        raise MaskError(f"expected at most {MAX_OBJECTS} masks in one index map, got {len(masks)}")
    index_map = np.zeros(size, np.uint8)
    for number, mask in enumerate(masks, start=1):
        index_map[check_mask(mask, size)] = number
    return index_map


def check_index_map(index_map: npt.NDArray[np.generic]) -> IndexMap:
    """Return `index_map` if it is (H, W) uint8.

    Raises:
        MaskError: another type or another number of axes.
    """
    if index_map.dtype != np.uint8 or index_map.ndim != 2:
        raise MaskError(
            f"expected an index map of shape (height, width) and uint8, "
            f"got {index_map.shape} and {index_map.dtype}"
        )
    return index_map.astype(np.uint8, copy=False)
