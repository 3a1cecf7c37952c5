"""COCO run-length encoding: the form in which masks are stored and exchanged."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from pycocotools import mask as coco

from trackanything_core.errors import MaskError
from trackanything_core.types import Mask


class Rle(TypedDict):
    """A compressed mask, as COCO writes it in JSON."""

    size: list[int]
    """[height, width] in pixels."""
    counts: str
    """COCO's compressed run lengths, ASCII."""


def encode_rle(mask: Mask) -> Rle:
    """Compress a mask.

    Args:
        mask: (H, W) bool.

    Raises:
        MaskError: not two-dimensional or not bool.
    """
    if mask.ndim != 2 or mask.dtype != bool:
        raise MaskError(f"expected a mask (H, W) of bool, got {mask.dtype} of shape {mask.shape}")
    encoded = coco.encode(np.asfortranarray(mask, np.uint8))
    return Rle(size=[*mask.shape], counts=encoded["counts"].decode("ascii"))


def decode_rle(rle: Rle) -> Mask:
    """Restore a mask, (H, W) bool."""
    decoded: Mask = coco.decode(rle).astype(bool)
    return decoded
