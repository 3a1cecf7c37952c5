"""What to compute, in which order, so that the frames that are wanted are up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from trackanything_core.tracking.group import Group, group_stale
from trackanything_core.tracking.known_masks import KnownMasks

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
        The work in the order in which to do it: older objects first, because newer ones see them.
    """
    legs = []
    for group in group_stale((name, track.stale()) for name, track in known.tracks()):
        if direction == "forward" and group.span.before is None:
            continue
        if direction == "backward" and group.span.after is None:
            continue
        clipped = (
            range(max(run.start, window.start), min(run.stop, window.stop)) for run in group.stale
        )
        wanted = [frame for run in clipped if run for frame in (run[0], run[-1])]
        if wanted:
            legs.append(Leg(group, 1 + max(group.step_of(frame) for frame in wanted)))
    return tuple(legs)
