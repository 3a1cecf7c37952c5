"""What a job is and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from trackanything_core.types import FrameIndex

JobState: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled", "superseded"]

ACTIVE: tuple[JobState, ...] = ("queued", "running")
"""The states of a job that is still to end."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as the database has it.

    Attributes:
        id: its number.
        session_id: what is tracked.
        user: who asked for it, or "".
        project: for what, or "".
        priority: higher ones go first.
        start: first frame that is wanted; None is the first of all.
        stop: frame to end before; None is the end.
        state: queued, running, or how it ended.
        attempts: how often it was begun since it last came further.
        done: steps done of `total`; a frame between two anchors takes two.
        total: steps to do; 0 before it is known.
        frames_per_second: lately; 0 before it is known.
        error: why it failed, in words for a person; "" otherwise.
        made: seconds since the epoch.
        started: when it first had the device.
        ended: when it came to its end.
    """

    id: int
    session_id: str
    user: str
    project: str
    priority: int
    start: FrameIndex | None
    stop: FrameIndex | None
    state: JobState
    attempts: int
    done: int
    total: int
    frames_per_second: float
    error: str
    made: float
    started: float | None
    ended: float | None

    @property
    def is_active(self) -> bool:
        """Whether it is still to end."""
        return self.state in ACTIVE

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at the present speed; None where that is not known."""
        if not self.frames_per_second or not self.total:
            return None
        return (self.total - self.done) / self.frames_per_second


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """The queue as a whole.

    Attributes:
        queued: jobs that wait.
        running: jobs that are worked on.
        oldest_seconds: how long the oldest that waits has waited; 0 where none does.
        frames_per_second: of all running jobs together.
    """

    queued: int
    running: int
    oldest_seconds: float
    frames_per_second: float
