"""The masks of all objects of a session, and how they are composed into an answer.

Each object's masks are kept as they were computed. Who owns a pixel is decided when they are
read: a mask that a human gave stands as it is; of tracked masks the newer object's is on top.
So an object that is added takes pixels from others on the frames where it is, changes nothing
that is kept of them, and gives the pixels back when it goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np

from trackanything_core.errors import StoreError
from trackanything_core.store.session_masks import SessionMasks
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.object_track import ObjectTrack
from trackanything_core.tracking.shelf import Shelf, SpanNumbers
from trackanything_core.tracking.spans import Span
from trackanything_core.tracking.stored_mask import StoredMask
from trackanything_core.types import FrameIndex, Mask, ObjectId, SoftMask

_SUREST_CONTEXT = 0.9
"""Sure enough to stop a doubtful claim; not so sure that an object which is added could not take
back pixels that an older one had leaked on to."""


class KnownMasks:
    """The objects of a session, oldest first.

    A name keeps its place in the order even while its object is removed.

    Args:
        frame_count: frames of the video.
        size: (height, width) of the video in pixels.
        cuts: the first frames of new shots, ascending.
        masks: where everything is written, and what is there already.
        search: whether objects are searched for in shots without anchors.

    Raises:
        MaskError: the mask of an anchor is damaged.
    """

    def __init__(
        self,
        frame_count: int,
        size: tuple[int, int],
        cuts: Sequence[FrameIndex],
        masks: SessionMasks,
        *,
        search: bool = True,
    ) -> None:
        self.frame_count = frame_count
        self.cuts = tuple(cuts)
        self.search = search
        self._size = size
        self._masks = masks
        self._numbers = SpanNumbers(masks)
        self._tracks: dict[ObjectId, ObjectTrack] = {}
        self._load()

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """The objects that have an anchor, oldest first."""
        return tuple(name for name, track in self._tracks.items() if track.anchors)

    def __getitem__(self, object_id: ObjectId) -> ObjectTrack:
        """The masks of one object; KeyError for a name that never was."""
        return self._tracks[object_id]

    def __contains__(self, object_id: object) -> bool:
        return object_id in self.objects

    def at_hand(self, object_id: ObjectId) -> ObjectTrack:
        """The masks of one object, empty for a new name."""
        if object_id not in self._tracks:
            self._masks.add_object(object_id)
            self._tracks[object_id] = self._track(object_id)
        return self._tracks[object_id]

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written within the block is kept whole, or not at all.

        So a program that dies, or finds the disk full, leaves the objects of a group equally far.

        Raises:
            StoreError: the database cannot be written.
        """
        try:
            with self._masks.together():
                yield
        except BaseException:
            with suppress(StoreError):  # whoever goes on finds `is_behind`, and reads it then
                self._load()
                self._masks.is_behind = True
            raise

    def tracks(self) -> Iterator[tuple[ObjectId, ObjectTrack]]:
        """All that was ever known, oldest first, removed objects too."""
        yield from self._tracks.items()

    def at(self, frame: FrameIndex) -> FrameMasks:
        """All masks on a frame, composed."""
        stored = {name: mask for name, track in self._tracks.items() if (mask := track.get(frame))}
        masks = {name: mask.decode() for name, mask in stored.items()}
        anchored = {name for name in masks if self._tracks[name].is_anchor(frame)}
        taken = _union([masks[name] for name in anchored])
        for name in reversed(masks):
            if name not in anchored:
                masks[name] = masks[name] if taken is None else masks[name] & ~taken
                taken = masks[name] if taken is None else masks[name] | taken
        scores = {name: mask.score for name, mask in stored.items()}
        records = {name: mask.record for name, mask in stored.items() if mask.record}
        found_again = frozenset(
            name
            for name, mask in masks.items()
            if mask.any() and self._tracks[name].is_searched(frame)
        )
        return FrameMasks(frame, masks, scores, records, found_again)

    def context(self, frame: FrameIndex, object_id: ObjectId) -> SoftMask | None:
        """Where the objects are that are older than one, as surely as their scores say.

        Returns:
            (H, W) float32 in 0..1: 1 where a human put one of them, at most 0.9 elsewhere. None
            where no mask of theirs on this frame is up to date.
        """
        context: SoftMask | None = None
        for name, track in self._tracks.items():
            if name == object_id:
                break
            stored = track.get(frame)
            if stored is None or not track.is_current(frame):
                continue
            sure = 1.0 if track.is_anchor(frame) else min(stored.score, _SUREST_CONTEXT)
            claim = stored.decode().astype(np.float32) * np.float32(sure)
            context = claim if context is None else np.maximum(context, claim)
        return context

    def _track(self, object_id: ObjectId) -> ObjectTrack:
        shelf = Shelf(object_id, self._size, self._masks, self._numbers)
        return ObjectTrack(self.frame_count, self.cuts, shelf, search=self.search)

    def _load(self) -> None:
        contents = self._masks.load()
        anchors: defaultdict[ObjectId, dict[FrameIndex, StoredMask]] = defaultdict(dict)
        for row in contents.anchors:
            anchors[row.object_id][row.frame] = StoredMask(self._size, row.counts, row.score)
        spans = self._numbers.load(contents.spans)
        places: defaultdict[tuple[ObjectId, bool], dict[FrameIndex, Span | None]]
        places = defaultdict(dict)
        for place in contents.places:
            span = None if place.span_id is None else spans[place.span_id]
            places[place.object_id, place.away][place.frame] = span
        tracks: dict[ObjectId, ObjectTrack] = {}
        for name in contents.objects:
            tracks[name] = self._track(name)
            tracks[name].load(anchors[name], places[name, False], places[name, True])
        self._tracks = tracks


def _union(masks: Sequence[Mask]) -> Mask | None:
    return np.logical_or.reduce(masks) if masks else None
