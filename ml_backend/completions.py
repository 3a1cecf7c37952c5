"""Sessions whose masks are written back once they are all there; survives a restart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from ml_backend.journal import Journal
from trackanything_core.errors import TrackAnythingError
from trackanything_core.jobs.status import JobStatus
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.types import FrameIndex

logger = logging.getLogger(__name__)

_KEY = "submitted"
_POLL_SECONDS = 0.2


class Submitted(BaseModel):
    """A task that was submitted, kept in the notes of its session until it is dealt with.

    Attributes:
        project: as Label Studio names it in requests.
        task: number of the task.
        first_frame: frame of the session that is frame 0 of the task.
        frames: of the task.
        label_config: the project's labelling configuration, in XML.
    """

    project: str
    task: int
    first_frame: FrameIndex
    frames: int
    label_config: str


WriteBack = Callable[[str, Submitted, JobStatus | None], None]
"""Writes the masks of a session back; given its name, the task, and how the work ended."""


class Completions:
    """Waits for the work on submitted sessions, in a thread of its own.

    Args:
        workspace: the sessions, and the work on them.
        write_back: called once for each submission, when the work has ended.
        journal: told of what fails.
    """

    def __init__(self, workspace: Workspace, write_back: WriteBack, journal: Journal) -> None:
        self._workspace = workspace
        self._write_back = write_back
        self._journal = journal
        self._changed = threading.Condition()
        self._waiting: dict[str, Submitted] = {}
        threading.Thread(target=self._run, name="completions", daemon=True).start()

    def add(self, session_id: str, submitted: Submitted, user: str) -> None:
        """Have what is missing computed, and everything written back then.

        Raises:
            StoreError: the session cannot be used.
        """
        with self._workspace.edit(session_id) as live:
            live.notes[_KEY] = submitted.model_dump(mode="json")
        self._workspace.track(session_id, user=user, project=submitted.project)
        with self._changed:
            self._waiting[session_id] = submitted
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Wait until nothing is left to write back; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _run(self) -> None:
        self._find_left_over()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                waiting = list(self._waiting.items())
            for session_id, submitted in waiting:
                self._look_after(session_id, submitted)
            time.sleep(_POLL_SECONDS)

    def _find_left_over(self) -> None:
        """What another process, or this one before it was restarted, did not come to."""
        try:
            for session_id in self._workspace.store.sessions.names():
                row = self._workspace.store.sessions.find(session_id)
                if row is not None and (submitted := _read(row.notes.get(_KEY))):
                    self._workspace.track(session_id, project=submitted.project)
                    with self._changed:
                        self._waiting.setdefault(session_id, submitted)
        except TrackAnythingError as error:
            self._journal.record("submissions", f"earlier ones are left out: {error}")

    def _look_after(self, session_id: str, submitted: Submitted) -> None:
        where = f"project {submitted.project} task {submitted.task}"
        try:
            job = self._workspace.job(session_id)
            if job is not None and job.is_active:
                return
            self._write_back(session_id, submitted, job)
        except TrackAnythingError as error:
            self._journal.record(where, str(error))
        except Exception as error:
            logger.exception("%s: unforeseen error", where)
            self._journal.record(where, f"internal error ({type(error).__name__}), see the log")
        self._forget(session_id, submitted)

    def _forget(self, session_id: str, submitted: Submitted) -> None:
        try:
            with self._workspace.edit(session_id) as live:
                live.notes.pop(_KEY, None)
        except TrackAnythingError as error:
            self._journal.record(f"session {session_id}", str(error))
        with self._changed:
            # Unless it was submitted again meanwhile.
            if self._waiting.get(session_id) is submitted:
                del self._waiting[session_id]
            self._changed.notify_all()


def _read(note: Any) -> Submitted | None:
    try:
        return Submitted.model_validate(note) if note else None
    except ValidationError:
        return None
