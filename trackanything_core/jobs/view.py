"""A session as it is in the database at one moment, to look at."""

from __future__ import annotations

from collections.abc import Mapping

from trackanything_core.store.store import Store
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.types import FrameIndex, ObjectId


class SessionView:
    """The masks of a session; needs neither its video nor the networks. One thread at a time.

    Attributes:
        frames: of the video.
        size: (height, width) of the video in pixels.
        labels: of each object, oldest first.

    Raises:
        StoreError: there is no such session.
    """

    def __init__(self, store: Store, session_id: str) -> None:
        row = store.sessions.get(session_id)
        self.frames, self.size = row.frames, row.size
        self._masks = store.masks(session_id)
        self._known = KnownMasks(row.frames, row.size, row.cuts, self._masks)
        labels = store.sessions.labels(session_id)
        self.labels: Mapping[ObjectId, str] = {name: labels[name] for name in self._known.objects}

    @property
    def mark(self) -> int:
        """Rises with every change of any mask."""
        return self._masks.mark

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """The objects, oldest first."""
        return self._known.objects

    @property
    def anchors(self) -> dict[ObjectId, tuple[FrameIndex, ...]]:
        """Per object the frames whose mask a human gave or confirmed, ascending."""
        return {name: self._known[name].anchors for name in self.objects}

    @property
    def is_stale(self) -> bool:
        """Whether there are masks that are still to be computed."""
        return any(track.stale() for _, track in self._known.tracks())

    def frame_masks(self, frame: FrameIndex) -> FrameMasks:
        """All masks known on a frame, stale ones too."""
        return self._known.at(frame)

    def changed_since(self, mark: int) -> list[tuple[ObjectId, FrameIndex]]:
        """Where masks may be others than when the session had that mark."""
        frames = self._masks.changed_since(mark)
        return [(name, frame) for frame in frames for name in self.objects]
