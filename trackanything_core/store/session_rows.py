"""What the tables hold of one session, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trackanything_core.types import FrameIndex, ObjectId


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """A mask that a human gave or confirmed: COCO's run lengths, and a score in 0..1."""

    object_id: ObjectId
    frame: FrameIndex
    counts: str
    score: float


@dataclass(frozen=True, slots=True)
class MaskRow:
    """A mask that was computed.

    Attributes:
        counts: COCO's run lengths.
        score: 0..1.
        record: JSON; how the mask came about.
    """

    counts: str
    score: float
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class MaskPlace:
    """Where there is a computed mask, and for which span; `away` where its object is removed."""

    object_id: ObjectId
    frame: FrameIndex
    away: bool
    span_id: int | None


@dataclass(frozen=True, slots=True)
class SessionContents:
    """What there is in a session, but for the computed masks themselves.

    Attributes:
        revision: one more with every edit by a human.
        mark: one more with every change of any mask.
        objects: all that ever were, oldest first.
        anchors: by object and frame.
        spans: JSON, by number; what masks were made for.
        places: where computed masks are, by object and frame.
    """

    revision: int
    mark: int
    objects: tuple[ObjectId, ...]
    anchors: tuple[AnchorRow, ...]
    spans: Mapping[int, Mapping[str, Any]]
    places: tuple[MaskPlace, ...]
