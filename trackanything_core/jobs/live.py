"""The few sessions that a process has in memory, with their videos open."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from trackanything_core.errors import StoreError
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.store.session_masks import SessionMasks
from trackanything_core.store.store import Store
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex
from trackanything_core.video.base import FrameSource

logger = logging.getLogger(__name__)

OpenSource: TypeAlias = Callable[[Mapping[str, Any]], AbstractContextManager[FrameSource]]
"""Opens the video that a session's `source` in the database names."""

FindCuts: TypeAlias = Callable[[FrameSource], Sequence[FrameIndex]]
"""The first frames of new shots."""


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session in memory. Whoever uses `session` or `masks` has the device's gate.

    Attributes:
        session: the core's state of the video.
        masks: its rows in the database.
        edits: how many edits were made through this process.
    """

    session: Session
    masks: SessionMasks
    edits: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)
    _users: int = 0

    def close(self) -> None:
        """Let go of the video; work that was left half-way can be gone on with."""
        try:
            self.session.save_checkpoint()
        except StoreError as error:
            logger.warning("work on session %s was not saved: %s", self.masks.session_id, error)
        finally:
            self._stack.close()

    def catch_up(self) -> bool:
        """Read again what other programs have written, if they have; says whether."""
        if not self.masks.look_out():
            return False
        self.session.refresh()
        return True


class OpenSessions:
    """Opens sessions, and closes those that were not used for longest. Safe for many threads.

    Args:
        store: where they are.
        segmenter: answers prompts on a frame.
        propagators: carries masks over the frames.
        open_source: opens the videos.
        find_cuts: looks for shot changes in a new session's video.
        limit: sessions that stay open while nobody uses them.
        checkpoint_every: steps of propagation that are lost at most if this program dies.
    """

    def __init__(
        self,
        store: Store,
        segmenter: Segmenter,
        propagators: PropagatorFactory,
        open_source: OpenSource,
        find_cuts: FindCuts,
        limit: int,
        checkpoint_every: int,
    ) -> None:
        self._store = store
        self._segmenter = segmenter
        self._propagators = propagators
        self._open_source = open_source
        self._find_cuts = find_cuts
        self._limit = limit
        self._checkpoint_every = checkpoint_every
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._open: OrderedDict[str, OpenSession] = OrderedDict()

    @contextmanager
    def use(
        self, session_id: str, source: Mapping[str, Any] | None = None
    ) -> Iterator[OpenSession]:
        """Keep a session open for a while, made if it is new and a source is given.

        Raises:
            StoreError: there is no such session.
            VideoError: its video cannot be opened.
        """
        opened = self._acquire(session_id, source)
        try:
            yield opened
        finally:
            with self._lock:
                opened._users -= 1
                self._close_idle(self._limit)

    def names(self) -> list[str]:
        """The sessions in memory, the most recently used last."""
        with self._lock:
            return list(self._open)

    def close(self) -> None:
        """Close all that nobody uses."""
        with self._lock:
            self._close_idle(0)

    def _acquire(self, session_id: str, source: Mapping[str, Any] | None) -> OpenSession:
        with self._lock:
            if (opened := self._at_hand(session_id)) is not None:
                return opened
            opening = self._opening.setdefault(session_id, threading.Lock())
        # Pictures may have to be fetched, which takes long; others go on meanwhile.
        with opening:
            with self._lock:
                if (opened := self._at_hand(session_id)) is not None:
                    return opened
            made = self._make(session_id, source)
            with self._lock:
                made._users += 1
                self._open[session_id] = made
                self._opening.pop(session_id, None)
            return made

    def _at_hand(self, session_id: str) -> OpenSession | None:
        opened = self._open.get(session_id)
        if opened is not None:
            opened._users += 1
            self._open.move_to_end(session_id)
        return opened

    def _make(self, session_id: str, source: Mapping[str, Any] | None) -> OpenSession:
        row = self._store.sessions.find(session_id)
        known = row.source if row else source
        if known is None:
            raise StoreError(
                f"expected the name of a session, got {session_id!r}: there is none, and nothing "
                "says which video it is for"
            )
        with ExitStack() as stack:
            video = stack.enter_context(self._open_source(known))
            if row is None:
                cuts = self._find_cuts(video)
                row = self._store.sessions.make(session_id, known, len(video), video.size, cuts)
            elif (row.frames, row.size) != (len(video), video.size):
                raise StoreError(
                    f"expected a video of {row.frames} frames of {row.size[1]}x{row.size[0]} "
                    f"pixels for session {session_id!r}, got {len(video)} of "
                    f"{video.size[1]}x{video.size[0]}: it is not the one that it was made for"
                )
            masks = self._store.masks(session_id)
            session = Session(
                video,
                self._segmenter,
                self._propagators,
                cuts=row.cuts,
                masks=masks,
                checkpoint=self._store.checkpoint(session_id),
                checkpoint_every=self._checkpoint_every,
            )
            return OpenSession(session, masks, _stack=stack.pop_all())

    def _close_idle(self, limit: int) -> None:
        """Close what is over the limit and in nobody's use, the oldest first."""
        idle = [name for name, opened in self._open.items() if not opened._users]
        for name in idle[: max(len(self._open) - limit, 0)]:
            self._open.pop(name).close()
