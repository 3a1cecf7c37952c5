"""COCO run-length encoding: how masks are stored and exchanged.

Runs go down the columns and start with background. Their lengths (from the fourth on their
differences to the one before last) are written as text, five bits to a character.
"""

from __future__ import annotations

from typing import TypedDict

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from trackanything_core.errors import MaskError
from trackanything_core.masks.check import check_mask
from trackanything_core.types import Mask

_LARGEST_AREA = 1 << 28  # pixels; a picture of 16384 x 16384
_MOST_CHARACTERS = 7  # of one run; more than the largest area needs


class Rle(TypedDict):
    """A mask as COCO writes it, ready for JSON."""

    size: list[int]
    """[height, width] in pixels."""
    counts: str


def encode_rle(mask: Mask) -> Rle:
    """Encode a mask, (H, W) bool.

    Raises:
        MaskError: not (H, W) bool.
    """
    check_mask(mask)
    counts: bytes = coco.encode(_transposed(mask).view(np.uint8).T)["counts"]
    return Rle(size=list(mask.shape), counts=counts.decode("ascii"))


def decode_rle(rle: Rle) -> Mask:
    """Decode a mask to (H, W) bool; safe on anything that a stranger sends.

    pycocotools would leave memory as it finds it where the runs are too short, so the runs are
    read and summed here.

    Raises:
        MaskError: the size is none, or the runs do not fill it exactly.
    """
    height, width = _size(rle)
    runs = _runs(rle)
    area = height * width
    if runs.min() < 0 or runs.max() > area or runs.sum() != area:
        raise MaskError(
            f"expected run lengths that fill {width}x{height} pixels exactly: "
            "the mask is damaged or belongs to another picture"
        )
    values = np.arange(len(runs)) % 2 == 1
    return _transposed(np.repeat(values, runs).reshape(width, height))


def rle_area(rle: Rle) -> int:
    """How many pixels a mask has, without decoding it.

    Raises:
        MaskError: the run lengths are no such text.
    """
    return int(_runs(rle)[1::2].sum())


def _transposed(mask: Mask) -> Mask:
    """The transpose of a mask in C order; NumPy's own copy takes ten times as long."""
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    return np.asarray(cv2.transpose(pixels)).view(np.bool_) if mask.size else mask.T.copy()


def _size(rle: Rle) -> tuple[int, int]:
    match rle.get("size"):
        case [int(height), int(width)] if height > 0 and 0 < width <= _LARGEST_AREA // height:
            return height, width
    raise MaskError(f"expected a mask with a size of [height, width] in pixels, got {rle!r:.80}")


def _runs(rle: Rle) -> npt.NDArray[np.int64]:
    """Text → run lengths; any int64, not checked against the size."""
    counts: object = rle.get("counts")
    if not isinstance(counts, str):
        raise MaskError(f"expected a mask with counts as a string, got {rle!r:.80}")
    characters = np.frombuffer(counts.encode("utf-8"), np.uint8).astype(np.int64) - ord("0")
    if not len(characters) or characters.min() < 0 or characters.max() > 0x3F:
        raise MaskError(f"expected run lengths in COCO's characters, got {counts!r:.80}")
    last = (characters & 0x20) == 0
    if not last[-1]:
        raise MaskError("the run lengths end in the middle of a number: the mask is cut off")
    ends = np.flatnonzero(last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > _MOST_CHARACTERS:
        raise MaskError("one of the run lengths is too large for any picture")
    place = np.arange(len(characters)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((characters & 0x1F) << 5 * place, starts)
    negative = (characters[ends] & 0x10) != 0
    numbers[negative] -= np.int64(1) << 5 * lengths[negative]
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])  # the third run is absolute, so the first stays out
    return numbers
