"""What tests of edits share: all masks of a session, and what an edit may reach."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Mask, ObjectId

Pictured: TypeAlias = dict[tuple[FrameIndex, ObjectId], Mask]


def all_masks(session: Session) -> Pictured:
    """Every mask that the session answers with."""
    return {
        (frame, name): mask
        for frame in range(len(session.source))
        for name, mask in session.frame_masks(frame).masks.items()
    }


def finish(session: Session) -> Mapping[ObjectId, int]:
    """Compute all that is stale; how many frames of which object that were."""
    work = session.propagate()
    for _ in work:
        pass
    assert session.stale() == {}
    return work.recomputed


def assert_same(found: Pictured, expected: Pictured) -> None:
    assert found.keys() == expected.keys()
    for key, mask in expected.items():
        np.testing.assert_array_equal(found[key], mask, err_msg=str(key))


def beside(frame: FrameIndex, anchors: Iterable[FrameIndex], count: int) -> set[FrameIndex]:
    """The frames strictly between the anchors nearest to a frame, or the ends of the video."""
    others = [anchor for anchor in anchors if anchor != frame]
    low = max([0, *(anchor + 1 for anchor in others if anchor < frame)])
    high = min([count, *(anchor for anchor in others if anchor > frame)])
    return set(range(low, high))


def without_anchors(
    anchors: Collection[FrameIndex], cuts: Sequence[FrameIndex], count: int
) -> set[FrameIndex]:
    """The frames of the shots that have none, where objects are searched for."""
    shots = (range(*ends) for ends in pairwise((0, *cuts, count)))
    return {f for shot in shots if not set(shot) & set(anchors) for f in shot}
