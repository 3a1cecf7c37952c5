"""Sessions of one store, worked on by this process and its device: what a server stands on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from trackanything_core.errors import StoreError
from trackanything_core.jobs.gate import DeviceGate
from trackanything_core.jobs.live import FindCuts, OpenSession, OpenSessions, OpenSource
from trackanything_core.jobs.queue import LEASE_SECONDS, JobQueue
from trackanything_core.jobs.runner import LocalRunner
from trackanything_core.jobs.status import JobStatus, QueueOverview
from trackanything_core.jobs.view import SessionView
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.store.store import Store
from trackanything_core.tracking.session import CHECKPOINT_EVERY, Session
from trackanything_core.types import FrameIndex, ObjectId
from trackanything_core.video.base import FrameSource
from trackanything_core.video.open import open_source

_WAIT_POLL_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class LiveSession:
    """A session that is lent for an edit.

    Attributes:
        session: the core's state of the video; what is done to it is written at once.
        notes: what the client wants to remember, JSON; written when the loan ends well.
        labels: of each object; written when the loan ends well.
    """

    session: Session
    notes: dict[str, Any]
    labels: dict[ObjectId, str]
    _opened: OpenSession

    @property
    def mark(self) -> int:
        """Rises with every change of any mask."""
        return self._opened.masks.mark

    def changed_since(self, mark: int) -> list[tuple[ObjectId, FrameIndex]]:
        """Where masks may be others than when the session had that mark."""
        frames = self._opened.masks.changed_since(mark)
        names = dict.fromkeys((*self.labels, *self.session.objects))  # removed ones as well
        return [(name, frame) for frame in frames for name in names]


def open_path(source: Mapping[str, Any]) -> AbstractContextManager[FrameSource]:
    """Open `{"path": …}`: a video file or a folder of images.

    Raises:
        VideoError: it cannot be opened.
        StoreError: the source names no path.
    """
    path = source.get("path")
    if not isinstance(path, str):
        raise StoreError(f"expected a source with a path, got {dict(source)!r:.80}")
    return open_source(path)


def _no_cuts(_: FrameSource) -> tuple[FrameIndex, ...]:
    return ()


class Workspace:
    """Sessions of one store, worked on by this process. Safe for many threads.

    Several processes, on several machines, may share the store: each sees what the others did
    when it next uses a session, and jobs are done by whoever is free.

    Args:
        store: where everything is kept; closed by the caller.
        segmenter: answers prompts on a frame.
        propagators: carries masks over the frames.
        open_source: opens the video that a session's source names.
        find_cuts: looks for shot changes in a new session's video; none by default.
        live_sessions: videos that stay open between uses.
        checkpoint_every: steps of propagation that are lost at most if this program dies.
        lease_seconds: how long this process may be silent before others take its job.
        run_jobs: whether this process works off the queue; a web process beside workers need not.
    """

    def __init__(
        self,
        store: Store,
        segmenter: Segmenter,
        propagators: PropagatorFactory,
        open_source: OpenSource = open_path,
        *,
        find_cuts: FindCuts = _no_cuts,
        live_sessions: int = 4,
        checkpoint_every: int = CHECKPOINT_EVERY,
        lease_seconds: float = LEASE_SECONDS,
        run_jobs: bool = True,
    ) -> None:
        self.store = store
        self.queue = JobQueue(store.database, lease_seconds)
        self._gate = DeviceGate()
        self._sessions = OpenSessions(
            store,
            segmenter,
            propagators,
            open_source,
            find_cuts,
            live_sessions,
            checkpoint_every,
        )
        self._runner = LocalRunner(self.queue, self._sessions, self._gate)
        if run_jobs:
            self._runner.start()

    @contextmanager
    def edit(
        self, session_id: str, source: Mapping[str, Any] | None = None
    ) -> Iterator[LiveSession]:
        """Lend a session, ahead of any propagation on this device, between two of its frames.

        What is done to the session is in the database at once, notes and labels are when the block
        ends without an error. Work under way goes on with what the edit has left to do.

        Args:
            session_id: its name.
            source: JSON, which video it is for; a session that is new is made for it.

        Raises:
            StoreError: there is no such session and no source, or others edit it for long.
            VideoError: its video cannot be opened.
        """
        with (
            self._sessions.use(session_id, source) as opened,
            self.store.sessions.editing(session_id),
            self._gate.click(),
        ):
            opened.catch_up()
            row = self.store.sessions.get(session_id)
            labels = self.store.sessions.labels(session_id)
            live = LiveSession(opened.session, deepcopy(dict(row.notes)), dict(labels), opened)
            mark = opened.masks.mark
            try:
                yield live
            finally:
                opened.edits += opened.masks.mark != mark
            if live.notes != row.notes:
                self.store.sessions.note(session_id, live.notes)
            if live.labels != labels:
                self.store.sessions.label(session_id, live.labels)

    def track(
        self,
        session_id: str,
        *,
        user: str = "",
        project: str = "",
        priority: int = 0,
        start: FrameIndex | None = None,
        stop: FrameIndex | None = None,
    ) -> int:
        """Have what is stale computed in the background; see `JobQueue.put`."""
        job = self.queue.put(
            session_id, user=user, project=project, priority=priority, start=start, stop=stop
        )
        self._runner.wake()
        return job

    def cancel(self, session_id: str) -> None:
        """End the work on a session after the frame at hand; what is done stays."""
        self.queue.cancel(session_id)

    def job(self, session_id: str) -> JobStatus | None:
        """The newest job of a session, whichever process does it."""
        return self.queue.newest(session_id)

    def wait(
        self, session_id: str, seconds: float, until: Callable[[], bool] | None = None
    ) -> JobStatus | None:
        """Wait for the work on a session to end.

        Args:
            session_id: its name.
            seconds: at most.
            until: ends the wait as soon as it is true.
        """
        deadline = time.monotonic() + seconds
        while True:
            job = self.job(session_id)
            left = deadline - time.monotonic()
            if job is None or not job.is_active or left <= 0 or (until and until()):
                return job
            time.sleep(min(_WAIT_POLL_SECONDS, left))

    def view(self, session_id: str) -> SessionView:
        """Look at a session without the device, its video or a turn.

        Raises:
            StoreError: there is no such session.
        """
        return SessionView(self.store, session_id)

    def overview(self) -> QueueOverview:
        """How much there is to do."""
        return self.queue.overview()

    def open_sessions(self) -> list[str]:
        """The sessions in memory, the most recently used last."""
        return self._sessions.names()

    def close(self) -> None:
        """Stop the work after the frame at hand, and close the videos; nothing is lost."""
        self._runner.stop()
        self._sessions.close()
