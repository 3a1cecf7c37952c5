"""Works off the queue on one device, frame by frame, and lets clicks go between."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from uuid import uuid4

from trackanything_core.errors import TrackAnythingError
from trackanything_core.jobs.gate import DeviceGate
from trackanything_core.jobs.live import OpenSession, OpenSessions
from trackanything_core.jobs.queue import MAX_ATTEMPTS, JobQueue
from trackanything_core.jobs.status import JobStatus

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_RENEW_SECONDS = 0.5
_SLICE_SECONDS = 2.0
"""After so long on one job it is the turn of another that is as urgent."""
_SPEED_STEPS = 20


class LocalRunner:
    """A thread that works off the queue.

    Args:
        queue: the jobs.
        sessions: opens the sessions that they are for.
        gate: of the device that the networks are on.
    """

    def __init__(self, queue: JobQueue, sessions: OpenSessions, gate: DeviceGate) -> None:
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._queue = queue
        self._sessions = sessions
        self._gate = gate
        self._stopped = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="runner", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look for work at once."""
        self._awake.set()

    def stop(self) -> None:
        """Stop after the frame at hand; its job goes back into the queue."""
        self._stopped.set()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join()

    def work_off(self) -> bool:
        """Take one job and work on it until it ends or others wait; False where none is free."""
        job = self._queue.take(self.owner, self._sessions.names())
        if job is None:
            return False
        try:
            if self._work(job):
                self._queue.finish(job.id, self.owner)
            else:
                self._queue.give_back(job.id, self.owner)
        except TrackAnythingError as error:
            logger.warning("job %d of session %s failed: %s", job.id, job.session_id, error)
            self._queue.fail(job.id, self.owner, str(error))
        except Exception as error:
            logger.exception("job %d of session %s failed", job.id, job.session_id)
            if job.attempts >= MAX_ATTEMPTS:
                raise
            name = type(error).__name__
            self._queue.fail(job.id, self.owner, f"{name}: {error}: see the server's log")
        return True

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._awake.clear()
            try:
                if self.work_off():
                    continue
            except Exception:  # the database is away; it may come back
                logger.exception("the queue cannot be used; trying again")
            self._awake.wait(_POLL_SECONDS)

    def _work(self, job: JobStatus) -> bool:
        """Go on with a job; whether it has come to its end, or is no longer ours."""
        with self._sessions.use(job.session_id) as opened:
            begun = time.monotonic()
            meter = _Meter(job)
            for _ in self._steps(job, opened, meter):
                if meter.is_due():
                    if not self._renew(job, meter):
                        return True
                    others = time.monotonic() - begun > _SLICE_SECONDS
                    if self._stopped.is_set() or (others and self._queue.others_wait(job)):
                        return False
            self._renew(job, meter)
            return True

    def _steps(self, job: JobStatus, opened: OpenSession, meter: _Meter) -> Iterator[None]:
        """The steps until nothing of the job is stale, planned anew after every edit."""
        while True:
            with self._gate.frame():
                opened.catch_up()
                if not opened.session.objects:
                    return
                edits = opened.edits
                work = opened.session.propagate(
                    start=job.start, stop=job.stop, progress=meter.progress
                )
            moved = False
            while True:
                with self._gate.frame():
                    if opened.edits != edits or opened.masks.is_behind:
                        break
                    if next(work, None) is None:
                        if moved:
                            break
                        return
                moved = True
                yield

    def _renew(self, job: JobStatus, meter: _Meter) -> bool:
        return self._queue.renew(
            job.id,
            self.owner,
            done=meter.done,
            total=meter.total,
            frames_per_second=meter.speed,
        )


class _Meter:
    """How far a job is, and how fast it goes."""

    def __init__(self, job: JobStatus) -> None:
        self.done, self.total = job.done, job.total
        self._reached = job.done
        self._is_further = False
        self._stamps: deque[float] = deque(maxlen=_SPEED_STEPS)
        self._due = 0.0

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._stamps.append(time.monotonic())

    @property
    def speed(self) -> float:
        """Steps per second, of the last few."""
        if len(self._stamps) < 2:
            return 0.0
        seconds = self._stamps[-1] - self._stamps[0]
        return (len(self._stamps) - 1) / seconds if seconds > 0 else 0.0

    def is_due(self) -> bool:
        """Whether it is time to write that down."""
        # The first step beyond those of earlier attempts says at once that they were not in vain.
        is_first = not self._is_further and self.done > self._reached
        now = time.monotonic()
        if now < self._due and not is_first:
            return False
        self._is_further |= is_first
        self._due = now + _RENEW_SECONDS
        return True
