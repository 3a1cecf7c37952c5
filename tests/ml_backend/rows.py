"""Rows of drafts and annotations, small."""

from __future__ import annotations

from typing import Any

from ml_backend.mask_rows import MaskRow, read_mask_rows
from ml_backend.regions import build_region
from tests.ml_backend.configs import bitmask_config
from trackanything_core.types import FrameIndex, Mask, ObjectId


def answered(object_id: ObjectId, frame: FrameIndex, mask: Mask) -> dict[str, Any]:
    """A region as it was answered and accepted."""
    return build_region(bitmask_config(), object_id, object_id, frame, mask, 0.9)


def changed(object_id: ObjectId, frame: FrameIndex, mask: Mask) -> dict[str, Any]:
    """An answered region that a human has changed to this mask."""
    return {**answered(object_id, frame, mask), "origin": "prediction-changed"}


def painted(id: str, label: str, frame: FrameIndex, mask: Mask) -> dict[str, Any]:
    """A region that a human painted."""
    return {**answered(label, frame, mask), "id": id, "origin": "manual"}


def masks_of(*rows: dict[str, Any]) -> list[MaskRow]:
    """The rows as the backend reads them."""
    return list(read_mask_rows(rows, {"kp", "rect"}))
