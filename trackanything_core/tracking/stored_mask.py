"""A mask in little memory: its run lengths and its score."""

from __future__ import annotations

from dataclasses import dataclass

from trackanything_core.masks.rle import Rle, decode_rle, encode_rle, rle_area
from trackanything_core.types import Mask


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A compressed mask.

    Attributes:
        size: (height, width) in pixels.
        counts: COCO's run lengths.
        score: 0..1.
    """

    size: tuple[int, int]
    counts: str
    score: float

    @classmethod
    def encode(cls, mask: Mask, score: float) -> StoredMask:
        """Compress a mask, (H, W) bool, with its score, 0..1."""
        return cls((mask.shape[0], mask.shape[1]), encode_rle(mask)["counts"], score)

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
