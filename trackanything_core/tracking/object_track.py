"""One object of a session: its anchors, and the masks that were tracked from them."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trackanything_core.tracking.shelf import Shelf
from trackanything_core.tracking.spans import Anchor, Span, find_spans, stale_frames
from trackanything_core.tracking.stored_mask import StoredMask
from trackanything_core.types import FrameIndex, Mask, Prompt

_ANCHOR_SCORE = 1.0


@dataclass(frozen=True, slots=True)
class Tracked:
    """A mask that was computed, before other objects take pixels from it.

    Attributes:
        mask: with its score.
        span: what it was made for; None marks a first answer that a second pass is to improve.
    """

    mask: StoredMask
    span: Span | None


@dataclass(frozen=True, slots=True)
class TrackContents:
    """All that an `ObjectTrack` holds.

    Attributes:
        anchors: by frame, what a human gave or confirmed.
        tracked: by frame, what was computed from them.
        put_away: what was computed before the object was removed.
    """

    anchors: Mapping[FrameIndex, StoredMask]
    tracked: Mapping[FrameIndex, Tracked]
    put_away: Mapping[FrameIndex, Tracked]


class ObjectTrack:
    """The masks of one object over the frames: anchors in memory, computed masks on a shelf.

    An object without anchors is not there. What was tracked of it is put away, and comes back
    as soon as the anchors are the same as then: undoing a removal computes nothing.

    Args:
        frame_count: frames of the video.
        cuts: the first frames of new shots, ascending.
        shelf: where everything is written.
        search: whether the object is searched for in shots without anchors.
    """

    def __init__(
        self,
        frame_count: int,
        cuts: Sequence[FrameIndex],
        shelf: Shelf,
        *,
        search: bool = False,
    ) -> None:
        self._frame_count = frame_count
        self._cuts = cuts
        self._shelf = shelf
        self._search = search
        self._given: dict[FrameIndex, StoredMask] = {}
        self._anchors: dict[FrameIndex, Anchor] = {}
        # What computed masks were made for; the masks themselves are on the shelf.
        self._made_for: dict[FrameIndex, Span | None] = {}
        self._away: dict[FrameIndex, Span | None] = {}
        self._spans: tuple[Span, ...] = ()

    @property
    def anchors(self) -> tuple[FrameIndex, ...]:
        """The frames whose mask a human gave or confirmed, ascending."""
        return tuple(sorted(self._anchors))

    @property
    def is_shown(self) -> bool:
        """Whether a human showed the object on any frame."""
        return any(not anchor.empty for anchor in self._anchors.values())

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans between the anchors as they are now, ascending."""
        return self._spans

    def get(self, frame: FrameIndex) -> StoredMask | None:
        """The mask on a frame, stale or not: an anchor's, else a tracked one.

        None where there is none, and where no anchor leads any more.
        """
        if frame in self._given:
            return self._given[frame]
        if frame not in self._made_for or self._span_at(frame) is None:
            return None
        return self._shelf.get(frame)

    def scores(self) -> dict[FrameIndex, float]:
        """The score, 0..1, of every frame for which `get` has a mask, without the masks."""
        tracked = {
            frame: score
            for frame, score in self._shelf.scores().items()
            if self._span_at(frame) is not None
        }
        return tracked | {frame: mask.score for frame, mask in self._given.items()}

    def is_anchor(self, frame: FrameIndex) -> bool:
        """Whether a human gave or confirmed the mask on this frame."""
        return frame in self._given

    def is_searched(self, frame: FrameIndex) -> bool:
        """Whether the object is searched for on this frame: no human spoke of it in that shot."""
        span = self._span_at(frame)
        return span is not None and span.is_search

    def is_current(self, frame: FrameIndex) -> bool:
        """Whether there is a mask on this frame, and it follows from the anchors as they are."""
        if frame in self._given:
            return True
        span = self._made_for.get(frame)
        return span is not None and self._is_in(frame, span)

    def stale(self) -> dict[Span, tuple[range, ...]]:
        """The runs of frames to be computed, by span."""
        return stale_frames(self._spans, self._made_for)

    def anchor(self, frame: FrameIndex, mask: Mask, prompt: Prompt | None = None) -> None:
        """Take a mask that a human gave or confirmed; replaces an older one.

        Args:
            frame: which one.
            mask: (H, W) bool.
            prompt: what the mask answers, for the record.
        """
        stored = StoredMask.encode(mask, _ANCHOR_SCORE)
        self._shelf.put_anchor(frame, stored, prompt)
        self._give(frame, stored, empty=not mask.any())
        self._anchors_changed()

    def forget(self, frame: FrameIndex) -> None:
        """Take back the anchor of a frame. With the last one the object goes."""
        self._shelf.drop_anchors([frame])
        del self._given[frame], self._anchors[frame]
        self._anchors_changed()

    def clear(self) -> None:
        """Take back all anchors."""
        self._shelf.drop_anchors(tuple(self._given))
        self._given.clear()
        self._anchors.clear()
        self._anchors_changed()

    def track(
        self,
        frame: FrameIndex,
        span: Span,
        mask: Mask,
        score: float,
        record: Mapping[str, Any] | None = None,
        *,
        final: bool,
    ) -> bool:
        """Take a computed mask, (H, W) bool, unless it is out of date or there is one already.

        Args:
            frame: which one.
            span: what the mask was made for.
            mask: as computed, whatever other objects are there.
            score: 0..1.
            record: how the mask came about.
            final: False for a first answer that a second pass is to improve.

        Returns:
            Whether the frame was stale and is no longer.
        """
        if not self._is_in(frame, span) or self.is_current(frame):
            return False
        self._put(frame, StoredMask.encode(mask, score, record), span if final else None)
        return final

    def contents(self) -> TrackContents:
        """All that there is, for saving."""

        def read(
            places: Mapping[FrameIndex, Span | None],
            get: Callable[[FrameIndex], StoredMask | None],
        ) -> dict[FrameIndex, Tracked]:
            masks = ((frame, get(frame), span) for frame, span in places.items())
            return {frame: Tracked(mask, span) for frame, mask, span in masks if mask is not None}

        return TrackContents(
            self._given,
            read(self._made_for, self._shelf.get),
            read(self._away, self._shelf.get_away),
        )

    def restore(self, contents: TrackContents) -> None:
        """Take over what `contents` gave, on an empty shelf.

        Raises:
            MaskError: the mask of an anchor is damaged.
        """
        for frame, tracked in contents.put_away.items():
            self._put(frame, tracked.mask, tracked.span)
        self._put_all_away()
        for frame, tracked in contents.tracked.items():
            self._put(frame, tracked.mask, tracked.span)
        for frame, stored in contents.anchors.items():
            self._shelf.put_anchor(frame, stored, None)
            self._give(frame, stored, empty=not stored.decode().any())
        self._anchors_changed()

    def load(
        self,
        anchors: Mapping[FrameIndex, StoredMask],
        made_for: Mapping[FrameIndex, Span | None],
        away: Mapping[FrameIndex, Span | None],
    ) -> None:
        """Take over what is on the shelf already.

        Raises:
            MaskError: the mask of an anchor is damaged.
        """
        self._made_for, self._away = dict(made_for), dict(away)
        for frame, stored in anchors.items():
            self._give(frame, stored, empty=not stored.decode().any())
        self._anchors_changed()

    def _give(self, frame: FrameIndex, stored: StoredMask, *, empty: bool) -> None:
        digest = hashlib.blake2b(stored.counts.encode(), digest_size=16).hexdigest()
        self._anchors[frame] = Anchor(frame, digest, empty=empty)
        self._given[frame] = stored

    def _put(self, frame: FrameIndex, stored: StoredMask, span: Span | None) -> None:
        self._shelf.put(frame, stored, span)
        self._made_for[frame] = span

    def _put_all_away(self) -> None:
        if self._made_for:
            self._shelf.put_away()
            self._away |= self._made_for
            self._made_for.clear()

    def _anchors_changed(self) -> None:
        self._spans = find_spans(
            self._anchors.values(), self._frame_count, self._cuts, search=self._search
        )
        if not self._anchors:
            self._put_all_away()
        spans = set(self._spans)
        back = {frame: span for frame, span in self._away.items() if span in spans}
        if back:
            self._shelf.bring_back(self._spans)
            self._made_for |= back
            for frame in back:
                del self._away[frame]

    def _span_at(self, frame: FrameIndex) -> Span | None:
        """The span that a frame is in now."""
        following = bisect_right(self._spans, frame, key=lambda span: span.frames.start)
        span = self._spans[following - 1] if following else None
        return span if span is not None and frame in span.frames else None

    def _is_in(self, frame: FrameIndex, span: Span) -> bool:
        return self._span_at(frame) == span
