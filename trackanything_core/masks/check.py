"""Masks are what they claim to be, or the caller hears why not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import MaskError
from trackanything_core.types import Mask


def check_mask(mask: npt.NDArray[np.generic], size: tuple[int, ...] | None = None) -> Mask:
    """Return `mask` if it is (H, W) bool.

    Args:
        mask: the array in question.
        size: (height, width) that it must have, where that is known.

    Raises:
        MaskError: another type, another number of axes, or another size.
    """
    if mask.dtype != np.bool_:
        raise MaskError(f"expected a mask of bool, got {mask.dtype}: threshold it first")
    if mask.ndim != 2:
        raise MaskError(f"expected a mask of shape (height, width), got {mask.shape}")
    if size is not None and mask.shape != size:
        raise MaskError(
            f"expected a mask of {size[1]}x{size[0]} pixels, got {mask.shape[1]}x{mask.shape[0]}"
        )
    return mask.astype(np.bool_, copy=False)
