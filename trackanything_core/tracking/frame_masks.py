"""What is known of one frame: the answer type of tracking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trackanything_core.types import FrameIndex, Mask, ObjectId


@dataclass(frozen=True, slots=True, eq=False)
class FrameMasks:
    """The masks of all objects on one frame.

    Attributes:
        frame: 0-based index into the video.
        masks: (H, W) bool per object, at the size of the video. An empty mask means that the
            object is out of sight. No pixel belongs to two objects, unless a human said so by
            anchoring overlapping masks on this very frame.
        scores: quality per object, 0..1; 1 on anchors. Same keys as `masks`.
        records: per object whose mask was computed, how it came about: "decision" and
            "score_before", see `Finding`.
        found_again: the objects whose mask was found in a shot where no human showed them. Please
            check: it may be another thing that looks alike.
    """

    frame: FrameIndex
    masks: Mapping[ObjectId, Mask]
    scores: Mapping[ObjectId, float]
    records: Mapping[ObjectId, Mapping[str, Any]] = field(default_factory=dict)
    found_again: frozenset[ObjectId] = frozenset()
