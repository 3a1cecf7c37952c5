"""Where the masks of a session lie: in a database, so that memory stays flat."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from cachetools import LRUCache

from trackanything_core.masks.rle import encode_rle
from trackanything_core.store.session_masks import SessionMasks
from trackanything_core.store.session_rows import MaskRow
from trackanything_core.tracking.spans import Anchor, Span
from trackanything_core.tracking.stored_mask import StoredMask
from trackanything_core.types import FrameIndex, ObjectId, Prompt

_RECENT = 64
"""Masks that stay in memory for a moment."""


class SpanNumbers:
    """The spans of a session as numbers of its database."""

    def __init__(self, masks: SessionMasks) -> None:
        self._masks = masks
        self._numbers: dict[Span, int] = {}

    def load(self, spans: Mapping[int, Mapping[str, Any]]) -> dict[int, Span]:
        """Take over the spans, by number, that the database has."""
        found = {number: _read_span(packed) for number, packed in spans.items()}
        self._numbers = {span: number for number, span in found.items()}
        return found

    def number_of(self, span: Span) -> int:
        """The number of a span, a new one if it has none."""
        if span not in self._numbers:
            packed = _pack_span(span)
            digest = hashlib.blake2b(repr(span).encode(), digest_size=16).hexdigest()
            self._numbers[span] = self._masks.span_id(digest, packed)
        return self._numbers[span]

    def known(self, spans: Collection[Span]) -> list[int]:
        """The numbers of those spans that have one."""
        return [self._numbers[span] for span in spans if span in self._numbers]


class Shelf:
    """The masks of one object in the database.

    Args:
        object_id: of an object that the database has.
        size: (height, width) of the video in pixels.
        masks: of the session.
        numbers: of the session.
    """

    def __init__(
        self,
        object_id: ObjectId,
        size: tuple[int, int],
        masks: SessionMasks,
        numbers: SpanNumbers,
    ) -> None:
        self._object_id = object_id
        self._size = size
        self._masks = masks
        self._numbers = numbers
        # Composing a frame, and the context of the next step, ask for the same masks again.
        self._recent: LRUCache[FrameIndex, StoredMask] = LRUCache(_RECENT)

    def put_anchor(self, frame: FrameIndex, mask: StoredMask, prompt: Prompt | None) -> None:
        """Write what a human gave or confirmed, and the prompt that it answers."""
        said = pack_prompt(prompt) if prompt else None
        self._masks.put_anchor(self._object_id, frame, mask.counts, mask.score, said)

    def drop_anchors(self, frames: Collection[FrameIndex]) -> None:
        """Take anchors back."""
        self._masks.drop_anchors(self._object_id, frames)

    def put(self, frame: FrameIndex, mask: StoredMask, span: Span | None) -> None:
        """Write a computed mask; see `ObjectTrack.track`."""
        number = None if span is None else self._numbers.number_of(span)
        self._masks.put(
            self._object_id, frame, MaskRow(mask.counts, mask.score, mask.record), number
        )
        self._recent[frame] = mask

    def get(self, frame: FrameIndex) -> StoredMask | None:
        """A computed mask that is not put away."""
        if (recent := self._recent.get(frame)) is not None:
            return recent
        found = self._unpack(self._masks.get(self._object_id, frame))
        if found is not None:
            self._recent[frame] = found
        return found

    def get_away(self, frame: FrameIndex) -> StoredMask | None:
        """A computed mask that was put away."""
        return self._unpack(self._masks.get_away(self._object_id, frame))

    def scores(self) -> dict[FrameIndex, float]:
        """The scores, 0..1, of the computed masks that are not put away."""
        return self._masks.scores(self._object_id)

    def put_away(self) -> None:
        """Put all computed masks away."""
        self._masks.put_away(self._object_id)
        self._recent.clear()

    def bring_back(self, spans: Collection[Span]) -> None:
        """Bring back the masks that were made for these spans."""
        self._masks.bring_back(self._object_id, self._numbers.known(spans))
        self._recent.clear()

    def _unpack(self, row: MaskRow | None) -> StoredMask | None:
        return None if row is None else StoredMask(self._size, row.counts, row.score, row.record)


def pack_prompt(prompt: Prompt) -> dict[str, Any]:
    """A prompt as JSON, in pixels; the mask as COCO writes it."""
    box = prompt.box
    return {
        "clicks": [[click.x, click.y, click.positive] for click in prompt.clicks],
        "box": None if box is None else [box.x0, box.y0, box.x1, box.y1],
        "mask": None if prompt.mask is None else encode_rle(prompt.mask),
    }


def _pack_span(span: Span) -> dict[str, Any]:
    frames = span.frames
    packed: dict[str, Any] = {"start": frames.start, "stop": frames.stop}
    for name, anchor in (("before", span.before), ("after", span.after)):
        packed[name] = None if anchor is None else [anchor.frame, anchor.digest, anchor.empty]
    packed["reminders"] = [[a.frame, a.digest, a.empty] for a in span.reminders]
    packed["recalls"] = [_pack_span(recalled) for recalled in span.recalls]
    return packed


def _read_span(packed: Mapping[str, Any]) -> Span:
    def anchor(values: list[Any] | None) -> Anchor | None:
        return None if values is None else Anchor(*values)

    return Span(
        range(packed["start"], packed["stop"]),
        anchor(packed["before"]),
        anchor(packed["after"]),
        tuple(Anchor(*values) for values in packed["reminders"]),
        # Older databases have none.
        tuple(_read_span(recalled) for recalled in packed.get("recalls", ())),
    )
