"""Which object a click or a box means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from trackanything_core.masks.ops import bounding_box
from trackanything_core.types import Box, Click, Mask, ObjectId

_BORDER = 0.01
"""Share of the picture's diagonal that still counts as the border of a mask."""

_SAME_BOX = 0.3
"""Overlap (IoU) of a box and a mask's own box from which both mean one object."""


def choose_object(
    mark: Click | Box,
    label: str,
    labels: Mapping[ObjectId, str],
    masks: Mapping[ObjectId, Mask],
    *,
    many: bool,
    selected: bool = False,
    taken: Iterable[ObjectId] = (),
) -> ObjectId:
    """The object of this label that a mark on one frame is about; a new name for a new object.

    A mark on a selected mask is about the object nearest to it. One inside a mask, or at its
    border, is about that object. Any other is about the label's one object, or, where a label may
    have many, about a new one; but a negative click never begins an object if there is any.

    Args:
        mark: click or box in pixels.
        label: the label it was made with.
        labels: the label of each object, in the order in which they came.
        masks: (H, W) bool, what is known on the frame of the mark.
        many: whether a label may have many objects.
        selected: whether a mask of this label was selected as the mark was made.
        taken: names that a new object must not have.
    """
    same = [object_id for object_id, of in labels.items() if of == label]
    seen = {object_id: masks[object_id] for object_id in same if object_id in masks}
    near = nearest_object(mark, seen)
    negative = isinstance(mark, Click) and not mark.positive
    if near is not None and (selected or negative or touches(mark, seen[near])):
        return near
    if same and (not many or negative):
        return same[-1] if many else same[0]
    return new_object(label, {*labels, *taken})


def nearest_object(mark: Click | Box, masks: Mapping[ObjectId, Mask]) -> ObjectId | None:
    """The object whose mask is nearest to a mark; None where no mask has a pixel."""
    shown = {object_id: mask for object_id, mask in masks.items() if mask.any()}
    return min(shown, key=lambda object_id: _distance(mark, shown[object_id]), default=None)


def touches(mark: Click | Box, mask: Mask, border: float = _BORDER) -> bool:
    """Whether a click is inside a mask or at its border, or a box is drawn round it.

    Args:
        mark: click or box in pixels.
        mask: (H, W) bool with at least one pixel.
        border: share of the picture's diagonal that still counts as the border.
    """
    if isinstance(mark, Box):
        return 1 - _distance(mark, mask) >= _SAME_BOX
    return _distance(mark, mask) <= max(border * math.hypot(*mask.shape), 1.0)


def new_object(label: str, taken: Iterable[ObjectId]) -> ObjectId:
    """The label itself for its first object, `<label> 2` and so on for further ones."""
    taken = set(taken)
    number, name = 1, label
    while name in taken:
        number += 1
        name = f"{label} {number}"
    return name


def _distance(mark: Click | Box, mask: Mask) -> float:
    """Pixels from a click to the nearest pixel of a mask; 1 - IoU for a box."""
    if isinstance(mark, Box):
        return 1 - _overlap(mark, mask)
    rows, columns = np.nonzero(mask)
    return float(np.hypot(rows - mark.y, columns - mark.x).min())


def _overlap(box: Box, mask: Mask) -> float:
    """IoU of a box and the tightest box round a mask."""
    bounds = bounding_box(mask)
    if bounds is None:
        return 0.0
    left, top, across, down = bounds
    width = min(box.x1 + 1, left + across) - max(box.x0, left)
    height = min(box.y1 + 1, top + down) - max(box.y0, top)
    if width <= 0 or height <= 0:
        return 0.0
    area = (box.x1 + 1 - box.x0) * (box.y1 + 1 - box.y0)
    return width * height / (area + across * down - width * height)
