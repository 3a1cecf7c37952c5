"""What to compute, in which order, so that the frames that are wanted are up to date."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, TypeAlias

from trackanything_core.tracking.group import Group, group_stale
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.spans import Span
from trackanything_core.types import FrameIndex, ObjectId

Direction: TypeAlias = Literal["both", "forward", "backward"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A group, and how many of its steps come to all frames that are wanted."""

    group: Group
    steps: int


def plan_legs(known: KnownMasks, window: range, direction: Direction) -> tuple[Leg, ...]:
    """Plan the work that brings the wanted frames of all objects up to date.

    Args:
        known: what there is, and so what is stale.
        window: the frames that are wanted, step 1.
        direction: "forward" wants what follows an anchor, "backward" what precedes one.

    Returns:
        The work in the order in which to do it: older objects first, because newer ones see them,
        and shots to search last, because they need masks of others.
    """
    groups = group_stale((name, track.stale()) for name, track in known.tracks())
    wanted = [_wanted(group, window, direction) for group in groups]
    needed: defaultdict[ObjectId, set[FrameIndex]] = defaultdict(set)
    for group, frames in zip(groups, wanted, strict=True):
        if frames:
            for name, span in group.members:
                needed[name].update(span.recalled)
    legs = []
    for group, frames in zip(groups, wanted, strict=True):
        if not group.span.is_search:
            frames += _stale_among(set().union(*(needed[name] for name in group.objects)), group)
        if frames:
            legs.append(Leg(group, 1 + max(group.step_of(frame) for frame in frames)))
    return tuple(legs)


def _wanted(group: Group, window: range, direction: Direction) -> list[FrameIndex]:
    """The stale frames that the caller wants: of each run the first and the last."""
    if not _leads(group.span, direction):
        return []
    clipped = (
        range(max(run.start, window.start), min(run.stop, window.stop)) for run in group.stale
    )
    return [frame for run in clipped if run for frame in (run[0], run[-1])]


def _leads(span: Span, direction: Direction) -> bool:
    if direction == "both":
        return True
    if span.is_search:
        earlier = [anchor.frame < span.frames.start for anchor in span.reminders]
        return any(earlier) if direction == "forward" else not all(earlier)
    return (span.before if direction == "forward" else span.after) is not None


def _stale_among(frames: set[FrameIndex], group: Group) -> list[FrameIndex]:
    return [frame for frame in frames if any(frame in run for run in group.stale)]
