"""Which passes over the video a propagation needs. Pure functions over frame numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from trackanything_core.types import FrameIndex, ObjectId

Direction: TypeAlias = Literal["both", "forward", "backward"]


@dataclass(frozen=True, slots=True)
class Pass:
    """One run over consecutive frames in one direction.

    Attributes:
        frames: the frames in the order of the pass; step +1 or -1.
        entries: the frame from which each object is followed in this pass.
        completes: an earlier pass of the same plan has found the objects on the frames before
            their entry (in the order of this pass); those masks are to be kept.
    """

    frames: range
    entries: Mapping[ObjectId, FrameIndex]
    completes: bool = False


def plan_passes(
    known: Mapping[ObjectId, Sequence[FrameIndex]], window: range, direction: Direction
) -> tuple[Pass, ...]:
    """Plan the passes that carry every object over a window of frames.

    Forward passes start at an object's first known frame, backward passes at its last. "both"
    runs forward, then backward over what lies before the first known frame of any object.

    Args:
        known: per object the frames of the window to track it from, ascending; none empty.
        window: the frames wanted, step 1.
        direction: where to go from the known frames.

    Returns:
        The passes in the order in which to run them; none for no objects.
    """
    if not known:
        return ()
    first = {object_id: frames[0] for object_id, frames in known.items()}
    last = {object_id: frames[-1] for object_id, frames in known.items()}
    if direction == "backward":
        return (Pass(_downwards(max(last.values()), window), last),)
    forward = Pass(range(min(first.values()), window.stop), first)
    latest = max(first.values())
    if direction == "forward" or latest == window.start:
        return (forward,)
    return (forward, Pass(_downwards(latest, window), first, completes=True))


def _downwards(frame: FrameIndex, window: range) -> range:
    return range(frame, window.start - 1, -1)
