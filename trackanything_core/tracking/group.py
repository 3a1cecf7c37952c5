"""What is propagated together: objects whose spans have the same frames and the same anchors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trackanything_core.tracking.search import SIGHTINGS
from trackanything_core.tracking.spans import Span
from trackanything_core.types import FrameIndex, ObjectId


@dataclass(frozen=True, slots=True)
class Group:
    """Objects that are followed over one span in the same passes, where they compete for pixels.

    Attributes:
        members: each object with its span, oldest first; the spans differ in the masks of their
            anchors alone.
        stale: the frames to be computed, for all members alike.
    """

    members: tuple[tuple[ObjectId, Span], ...]
    stale: tuple[range, ...]

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """The members' names, oldest first."""
        return tuple(name for name, _ in self.members)

    @property
    def span(self) -> Span:
        """The span of the oldest member; those of the others have the same frames and anchors."""
        return self.members[0][1]

    @property
    def passes(self) -> tuple[range, ...]:
        """The frames of each pass, from its anchor to the far end of the span, in its direction.

        One pass where one end shows the object; else forward, then backward. A shot is searched
        forward.
        """
        if self.span.is_search:
            return (self.span.frames,)
        first, last = self.span.frames[0], self.span.frames[-1]
        return tuple(
            range(start, last + 1) if start < first else range(start, first - 1, -1)
            for start in self.span.starts
        )

    @property
    def steps(self) -> int:
        """How many steps its passes have together."""
        return sum(map(len, self.passes))

    def step_of(self, frame: FrameIndex) -> int:
        """How many steps come before the one that makes the mask of a frame final."""
        *earlier, final = self.passes
        if self.span.is_search:
            return min(final.index(frame) + SIGHTINGS, len(final)) - 1
        return sum(map(len, earlier)) + final.index(frame)


def group_stale(
    stale: Iterable[tuple[ObjectId, Mapping[Span, tuple[range, ...]]]],
) -> list[Group]:
    """Put together what can share passes.

    Args:
        stale: for each object, oldest first, the stale frames of its spans.

    Returns:
        Groups by the age of their oldest member, and for each object the spans from its first
        anchor on before the one that lies before it. Shots to search come last, because what is
        tracked elsewhere helps to know the objects.
    """
    together: dict[tuple[object, ...], list[tuple[ObjectId, Span]]] = {}
    frames: dict[tuple[object, ...], tuple[range, ...]] = {}
    for name, spans in stale:
        for span, ranges in sorted(spans.items(), key=lambda item: _forward_first(item[0])):
            anchors = tuple(anchor.frame for anchor in span.anchors)
            key = (span.frames, anchors, span.starts, span.recalled, ranges)
            together.setdefault(key, []).append((name, span))
            frames[key] = ranges
    groups = [Group(tuple(members), frames[key]) for key, members in together.items()]
    return sorted(groups, key=lambda group: group.span.is_search)


def _forward_first(span: Span) -> tuple[bool, FrameIndex]:
    return span.before is None, span.frames.start
