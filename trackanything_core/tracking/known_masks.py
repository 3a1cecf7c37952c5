"""All that is known of a video's objects: what humans anchored and what was tracked.

Two rules hold here, whoever writes: an anchored mask never changes, and a tracked mask gives way
where a newer mask of another object claims its pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.mask_table import MaskTable, StoredMask
from trackanything_core.types import FrameIndex, Mask, ObjectId


class KnownMasks:
    """The masks of a session."""

    def __init__(self) -> None:
        self.anchors = MaskTable()
        self._tracked = MaskTable()

    def get(self, frame: FrameIndex, object_id: ObjectId) -> StoredMask | None:
        """The anchored mask of an object on a frame, else the tracked one, else None."""
        return self.anchors.get(frame, object_id) or self._tracked.get(frame, object_id)

    def at(self, frame: FrameIndex) -> FrameMasks:
        """All masks known on a frame."""
        stored = {**self._tracked.at(frame), **self.anchors.at(frame)}
        ordered = {name: stored[name] for name in self.anchors.objects if name in stored}
        return FrameMasks(
            frame=frame,
            masks={name: entry.decode() for name, entry in ordered.items()},
            scores={name: entry.score for name, entry in ordered.items()},
        )

    def anchor(self, frame: FrameIndex, object_id: ObjectId, mask: Mask) -> None:
        """Take a mask, (H, W) bool, that a human gave or confirmed; replaces an older one."""
        self.anchors.put(frame, object_id, mask, 1.0)
        self._give_way(frame, {object_id: mask})

    def track(
        self, frame: FrameIndex, masks: Mapping[ObjectId, Mask], scores: Mapping[ObjectId, float]
    ) -> None:
        """Take tracked masks of one frame, (H, W) bool, disjoint and clear of its anchors."""
        for object_id, mask in masks.items():
            self._tracked.put(frame, object_id, mask, scores[object_id])
        self._give_way(frame, masks)

    def _give_way(self, frame: FrameIndex, newer: Mapping[ObjectId, Mask]) -> None:
        others = {
            name: stored for name, stored in self._tracked.at(frame).items() if name not in newer
        }
        if not others or not newer:
            return
        claimed = np.logical_or.reduce(list(newer.values()))
        for object_id, stored in others.items():
            mask = stored.decode()
            if (mask & claimed).any():
                self._tracked.put(frame, object_id, mask & ~claimed, stored.score)
