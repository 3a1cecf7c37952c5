"""Many masks in little memory: run lengths by object and frame."""

from __future__ import annotations

from dataclasses import dataclass

from trackanything_core.masks.rle import Rle, decode_rle, encode_rle
from trackanything_core.types import FrameIndex, Mask, ObjectId


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A compressed mask and its score, 0..1."""

    rle: Rle
    score: float

    def decode(self) -> Mask:
        """The mask, (H, W) bool."""
        return decode_rle(self.rle)


class MaskTable:
    """Masks of a session by object and frame; objects keep the order in which they came."""

    def __init__(self) -> None:
        self._objects: dict[ObjectId, dict[FrameIndex, StoredMask]] = {}

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """The objects that have a mask somewhere, oldest first."""
        return tuple(self._objects)

    def frames(self, object_id: ObjectId) -> tuple[FrameIndex, ...]:
        """The frames on which an object has a mask, ascending."""
        return tuple(sorted(self._objects.get(object_id, ())))

    def get(self, frame: FrameIndex, object_id: ObjectId) -> StoredMask | None:
        """One stored mask, if there is one."""
        return self._objects.get(object_id, {}).get(frame)

    def at(self, frame: FrameIndex) -> dict[ObjectId, StoredMask]:
        """All stored masks of one frame."""
        return {
            object_id: masks[frame] for object_id, masks in self._objects.items() if frame in masks
        }

    def put(self, frame: FrameIndex, object_id: ObjectId, mask: Mask, score: float) -> None:
        """Store a mask, (H, W) bool, with its score, 0..1; an older one is replaced."""
        stored = StoredMask(encode_rle(mask), score)
        self._objects.setdefault(object_id, {})[frame] = stored
