"""How a saved session is written down: the fields of the file, and their meaning in our types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from trackanything_core.tracking.object_track import TrackContents, Tracked
from trackanything_core.tracking.spans import Anchor, Span
from trackanything_core.tracking.stored_mask import StoredMask
from trackanything_core.types import FrameIndex, ObjectId

FORMAT_VERSION = 2
"""Of the file; a change of the fields below makes the next one. Version 1 has no `recalls`."""

_Frame: TypeAlias = Annotated[int, Field(ge=0)]
_Positive: TypeAlias = Annotated[int, Field(ge=1)]
_Score: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Counts: TypeAlias = str  # COCO's run lengths
_SpanNumber: TypeAlias = _Frame  # in the list of spans of the object
_TrackedMask: TypeAlias = tuple[_Frame, _Counts, _Score, _SpanNumber | None]


@dataclass(frozen=True, slots=True)
class SavedSession:
    """What a session file holds.

    Attributes:
        frames: of the video.
        size: (height, width) of the video in pixels.
        cuts: the first frames of new shots, ascending.
        objects: all there ever were, oldest first.
    """

    frames: int
    size: tuple[int, int]
    cuts: tuple[FrameIndex, ...]
    objects: Mapping[ObjectId, TrackContents]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Span(_Model):
    start: _Frame
    stop: _Frame
    before: Anchor | None
    after: Anchor | None
    reminders: tuple[Anchor, ...]
    recalls: tuple[_Span, ...] = ()

    @classmethod
    def pack(cls, span: Span) -> _Span:
        return cls(
            start=span.frames.start,
            stop=span.frames.stop,
            before=span.before,
            after=span.after,
            reminders=span.reminders,
            recalls=tuple(cls.pack(recalled) for recalled in span.recalls),
        )

    def unpack(self) -> Span:
        return Span(
            range(self.start, self.stop),
            self.before,
            self.after,
            self.reminders,
            tuple(recalled.unpack() for recalled in self.recalls),
        )


class _Object(_Model):
    id: ObjectId
    anchors: tuple[tuple[_Frame, _Counts, _Score], ...]
    spans: tuple[_Span, ...]
    tracked: tuple[_TrackedMask, ...]
    put_away: tuple[_TrackedMask, ...]

    @classmethod
    def pack(cls, object_id: ObjectId, track: TrackContents) -> _Object:
        masks = (*track.tracked.values(), *track.put_away.values())
        spans = tuple({mask.span: None for mask in masks if mask.span})
        numbers = {span: number for number, span in enumerate(spans)}

        def number_of(span: Span | None) -> _SpanNumber | None:
            return None if span is None else numbers[span]

        def rows(tracked: Mapping[FrameIndex, Tracked]) -> tuple[_TrackedMask, ...]:
            return tuple(
                (frame, entry.mask.counts, entry.mask.score, number_of(entry.span))
                for frame, entry in tracked.items()
            )

        return cls(
            id=object_id,
            anchors=tuple((f, mask.counts, mask.score) for f, mask in track.anchors.items()),
            spans=tuple(_Span.pack(span) for span in spans),
            tracked=rows(track.tracked),
            put_away=rows(track.put_away),
        )

    def unpack(self, size: tuple[int, int]) -> TrackContents:
        spans = [span.unpack() for span in self.spans]

        def tracked(rows: Iterable[_TrackedMask]) -> dict[FrameIndex, Tracked]:
            return {
                frame: Tracked(
                    StoredMask(size, counts, score), None if number is None else spans[number]
                )
                for frame, counts, score, number in rows
            }

        anchors = {f: StoredMask(size, counts, score) for f, counts, score in self.anchors}
        return TrackContents(anchors, tracked(self.tracked), tracked(self.put_away))


class SessionDocument(_Model):
    """The file as a whole."""

    format: Literal["trackanything session"] = "trackanything session"
    version: Literal[1, 2] = 2
    frames: _Positive
    height: _Positive
    width: _Positive
    cuts: tuple[_Frame, ...]
    objects: tuple[_Object, ...]

    @classmethod
    def pack(cls, session: SavedSession) -> SessionDocument:
        """Write down a session."""
        return cls(
            frames=session.frames,
            height=session.size[0],
            width=session.size[1],
            cuts=session.cuts,
            objects=tuple(_Object.pack(name, track) for name, track in session.objects.items()),
        )

    def unpack(self) -> SavedSession:
        """The inverse of `pack`.

        Raises:
            IndexError: a mask names a span that is not there.
        """
        size = self.height, self.width
        objects = {packed.id: packed.unpack(size) for packed in self.objects}
        return SavedSession(self.frames, size, self.cuts, objects)
