"""Spans: which frames of an object follow from which anchors, and so what an edit makes stale.

A span carries everything a human said that its masks follow from. Anchors that are added, changed
or removed make other spans beside them and leave the rest equal, so a mask is stale exactly if
the span that it was made for is none of its object's spans any more. No order of edits matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trackanything_core.types import FrameIndex


@dataclass(frozen=True, slots=True)
class Anchor:
    """A frame whose mask of an object a human gave or confirmed.

    Attributes:
        frame: 0-based.
        digest: tells its mask from any other.
        empty: the human said that the object is out of sight.
    """

    frame: FrameIndex
    digest: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Frames of one object between two anchors, or between an anchor and a cut or an end.

    Or all of a shot in which no human said anything of the object: there it is searched for.

    Attributes:
        frames: those whose masks are to be found, step 1; anchors are not among them.
        before: the anchor right before them; None at a cut or the first frame of the video.
        after: the anchor right after them; None at a cut or the last frame of the video.
        reminders: where neither end shows the object, the nearest anchors that do.
        recalls: of a shot to search, the spans beside its reminders, whose masks help to know
            the object.
    """

    frames: range
    before: Anchor | None
    after: Anchor | None
    reminders: tuple[Anchor, ...] = ()
    recalls: tuple[Span, ...] = ()

    @property
    def is_search(self) -> bool:
        """Whether it is a shot without anchors, where the object may not be at all."""
        return not self.ends

    @property
    def ends(self) -> tuple[Anchor, ...]:
        """The one or two anchors at its ends, ascending."""
        return tuple(anchor for anchor in (self.before, self.after) if anchor)

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """All that its masks follow from, ascending."""
        return tuple(sorted((*self.ends, *self.reminders), key=lambda anchor: anchor.frame))

    @property
    def remembered(self) -> tuple[Anchor, ...]:
        """The anchors for the permanent memory of every pass, ascending: all but its starts.

        A start is in the memory of its own pass anyway, and what the other pass knows comes in
        when both are blended. To remember that as well makes the blend worse: the two passes
        then err alike (embedded weights on six DAVIS sequences with three anchors each: J&F
        0.811 against 0.828; a forward pass alone gains by it, 0.776 against 0.746).
        """
        return tuple(anchor for anchor in self.anchors if anchor.frame not in self.starts)

    @property
    def recalled(self) -> tuple[FrameIndex, ...]:
        """The tracked frames that are remembered beside the anchors, ascending.

        Of each span in `recalls` the middle and the end that is farther from the reminder.
        """
        frames = set()
        for span in self.recalls:
            far = -1 if span.before in self.reminders else 0
            frames |= {span.frames[len(span.frames) // 2], span.frames[far]}
        return tuple(sorted(frames))

    @property
    def starts(self) -> tuple[FrameIndex, ...]:
        """The ends from which the object is followed: those that show it, if any does."""
        seen = [anchor.frame for anchor in self.ends if not anchor.empty]
        return tuple(seen or [anchor.frame for anchor in self.ends])


def find_spans(
    anchors: Iterable[Anchor],
    frame_count: int,
    cuts: Sequence[FrameIndex] = (),
    *,
    search: bool = False,
) -> tuple[Span, ...]:
    """The spans of one object.

    Nothing is carried over a cut: shots without an anchor that shows the object have no spans,
    or are searched for it, unless a human said that it is out of sight there.

    Args:
        anchors: of the object, in any order, one per frame.
        frame_count: frames of the video.
        cuts: the first frames of new shots, ascending.
        search: whether shots without anchors are spans to search, once the object was shown.

    Returns:
        The spans that have frames, ascending.
    """
    ordered = sorted(anchors, key=lambda anchor: anchor.frame)
    spans: list[Span] = []
    silent: list[range] = []
    for start, stop in pairwise((0, *cuts, frame_count)):
        inside = [anchor for anchor in ordered if start <= anchor.frame < stop]
        if any(not anchor.empty for anchor in inside):
            spans += _spans_of_shot(inside, start, stop)
        elif not inside:
            silent.append(range(start, stop))
    if search and any(not anchor.empty for anchor in ordered):
        spans += [_span_to_search(shot, ordered, spans) for shot in silent]
    return tuple(sorted(spans, key=lambda span: span.frames.start))


def stale_frames(
    spans: Iterable[Span], made_for: Mapping[FrameIndex, Span | None]
) -> dict[Span, tuple[range, ...]]:
    """Frames without a mask that was made for the span they are in now.

    Args:
        spans: of one object, as they are now.
        made_for: for each frame with a tracked mask, the span that the mask was made for.

    Returns:
        Runs of consecutive frames, ascending, for each span that has some.
    """
    stale = {
        span: runs(frame for frame in span.frames if made_for.get(frame) != span) for span in spans
    }
    return {span: frames for span, frames in stale.items() if frames}


def runs(frames: Iterable[FrameIndex]) -> tuple[range, ...]:
    """Ascending frames as runs of consecutive ones."""
    found: list[range] = []
    for frame in frames:
        if found and found[-1].stop == frame:
            found[-1] = range(found[-1].start, frame + 1)
        else:
            found.append(range(frame, frame + 1))
    return tuple(found)


def _spans_of_shot(anchors: list[Anchor], start: FrameIndex, stop: FrameIndex) -> list[Span]:
    spans = []
    for before, after in pairwise((None, *anchors, None)):
        frames = range(
            start if before is None else before.frame + 1, stop if after is None else after.frame
        )
        if not frames:
            continue
        span = Span(frames, before, after)
        if all(anchor.empty for anchor in span.ends):
            span = Span(frames, before, after, _nearest_seen(anchors, frames))
        spans.append(span)
    return spans


def _span_to_search(shot: range, anchors: list[Anchor], spans: list[Span]) -> Span:
    reminders = _nearest_seen(anchors, shot)
    recalls: dict[Span, None] = {}
    for reminder in reminders:
        beside = [span for span in spans if reminder in span.ends]
        if beside:
            recalls[max(beside, key=lambda span: len(span.frames))] = None
    return Span(shot, None, None, reminders, tuple(recalls))


def _nearest_seen(anchors: list[Anchor], frames: range) -> tuple[Anchor, ...]:
    seen = [anchor for anchor in anchors if not anchor.empty]
    earlier = [anchor for anchor in seen if anchor.frame < frames.start]
    later = [anchor for anchor in seen if anchor.frame >= frames.stop]
    return (*earlier[-1:], *later[:1])
