"""The state of the tasks that people work on: remembered prompts, and a few live sessions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from ml_backend.file_cache import Lease
from ml_backend.memory import PromptMemory
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.session import Session

_MAX_TASKS = 1000
"""Remembered prompts take little; this only stops a flood of invented task numbers."""


class TaskKey(NamedTuple):
    """A task: `project` as Label Studio names it in requests (number and time of making)."""

    project: str
    task: int

    def __str__(self) -> str:
        return f"project {self.project} task {self.task}"


@dataclass(slots=True, eq=False)
class LiveSession:
    """A session with what it stands on.

    Attributes:
        session: the core's state of the video.
        lease: keeps its pictures on disk.
        tracking: the work of the last *Track*, where it was left; None when there is none or all
            is done.
    """

    session: Session
    lease: Lease
    tracking: Iterator[FrameMasks] | None = None


@dataclass(slots=True, eq=False)
class TaskState:
    """All that is kept of one task. Read and changed by whoever has the turn.

    Attributes:
        addresses: of the frames; what is known is known of these.
        memory: the remembered prompts; a live session can be made again from them.
        shown: ids of the regions that were answered.
        live: the session, while it is one of the few that are kept.
    """

    addresses: tuple[str, ...] = ()
    memory: PromptMemory = field(default_factory=PromptMemory)
    shown: set[str] = field(default_factory=set)
    live: LiveSession | None = None

    def close(self) -> None:
        """Let the live session go; prompts stay."""
        if self.live is not None:
            self.live.lease.release()
            self.live = None

    def restart(self, addresses: tuple[str, ...]) -> None:
        """Forget everything: the frames are others."""
        self.close()
        self.addresses = addresses
        self.memory = PromptMemory()
        self.shown = set()


@dataclass(slots=True, eq=False)
class _Entry:
    state: TaskState = field(default_factory=TaskState)
    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: int = 0  # that ever came
    present: int = 0  # that work or wait


@dataclass(frozen=True, slots=True)
class Turn:
    """One request's turn with a task.

    Attributes:
        state: the task's state, for this request alone until the turn ends.
        is_superseded: whether a newer request waits; the editor uses the answer to the newest
            one only.
    """

    state: TaskState
    is_superseded: Callable[[], bool]


class Tasks:
    """The states of all tasks, the least recently used dropped first. Safe for many threads.

    Args:
        live_sessions: sessions that may stay in memory between requests.
    """

    def __init__(self, live_sessions: int) -> None:
        self._live_sessions = live_sessions
        self._lock = threading.Lock()
        self._entries: OrderedDict[TaskKey, _Entry] = OrderedDict()

    @contextmanager
    def turn(self, key: TaskKey) -> Iterator[Turn]:
        """Wait for the task to be free and lend it; whoever has it is told that another waits."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            entry.requests += 1
            entry.present += 1
            number = entry.requests
        try:
            with entry.lock:
                yield Turn(entry.state, lambda: entry.requests != number)
        finally:
            with self._lock:
                entry.present -= 1
                self._drop_oldest()

    def states(self) -> list[tuple[TaskKey, TaskState]]:
        """All states, to look at without a turn; the most recently used last."""
        with self._lock:
            return [(key, entry.state) for key, entry in self._entries.items()]

    def _drop_oldest(self) -> None:
        """Keep within the bounds, passing over tasks at work. Call with the lock held."""
        idle = [(key, entry) for key, entry in self._entries.items() if not entry.present]
        live = sum(entry.state.live is not None for entry in self._entries.values())
        for _, entry in idle:
            if live > self._live_sessions and entry.state.live is not None:
                entry.state.close()
                live -= 1
        for key, entry in idle[: max(len(self._entries) - _MAX_TASKS, 0)]:
            entry.state.close()
            del self._entries[key]
