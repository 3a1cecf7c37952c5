"""A mask in little memory: its run lengths and its score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trackanything_core.masks.rle import Rle, decode_rle, encode_rle, rle_area
from trackanything_core.types import Mask


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A compressed mask.

    Attributes:
        size: (height, width) in pixels.
        counts: COCO's run lengths.
        score: 0..1.
        record: how a computed mask came about; see `Finding.record`.
    """

    size: tuple[int, int]
    counts: str
    score: float
    record: Mapping[str, Any] | None = None

    @classmethod
    def encode(
        cls, mask: Mask, score: float, record: Mapping[str, Any] | None = None
    ) -> StoredMask:
        """Compress a mask, (H, W) bool, with its score, 0..1, and its record."""
        return cls((mask.shape[0], mask.shape[1]), encode_rle(mask)["counts"], score, record)

    @property
    def area(self) -> int:
        """Its pixels.

        Raises:
            MaskError: the run lengths are damaged.
        """
        return rle_area(Rle(size=list(self.size), counts=self.counts))

    def decode(self) -> Mask:
        """The mask, (H, W) bool.

        Raises:
            MaskError: the run lengths do not fill the size.
        """
        return decode_rle(Rle(size=list(self.size), counts=self.counts))
