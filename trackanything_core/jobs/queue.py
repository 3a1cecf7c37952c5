"""The queue: a table that any number of runners on any number of machines take jobs from.

A runner that takes a job gets a lease and renews it while it works. A job whose lease has ended is
free for others, so that work goes on when its runner dies. All times are by the database's clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, and_, case, func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from trackanything_core.errors import StoreError
from trackanything_core.jobs.status import ACTIVE, JobStatus, QueueOverview
from trackanything_core.store.database import Database
from trackanything_core.store.schema import jobs
from trackanything_core.types import FrameIndex

LEASE_SECONDS = 30.0
MAX_ATTEMPTS = 5
"""A job that was begun so often and came no further would take its runner down again."""
_HEAD_START_SECONDS = 2.0
"""Opening a session costs about that: pictures are fetched and decoded anew."""

_STATUS = [jobs.c[name] for name in JobStatus.__dataclass_fields__]


class JobQueue:
    """Jobs of one database. Safe for many threads and processes.

    Args:
        database: where they are.
        lease_seconds: how long a runner may be silent before others take its job.
    """

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._lease_seconds = lease_seconds

    def put(
        self,
        session_id: str,
        *,
        user: str = "",
        project: str = "",
        priority: int = 0,
        start: FrameIndex | None = None,
        stop: FrameIndex | None = None,
    ) -> int:
        """Ask for a session to be tracked.

        A session has one job at a time. Where one is under way that wants the same frames, it is
        the answer, and is more urgent from now on if it was less so; one that wants others is
        superseded.

        Returns:
            The number of the job.

        Raises:
            StoreError: there is no such session.
        """
        with self._database.write() as connection:
            mine = and_(jobs.c.session_id == session_id, jobs.c.state.in_(ACTIVE))
            for job in connection.execute(select(jobs).where(mine)).mappings().all():
                if (job["start"], job["stop"]) == (start, stop):
                    if priority > job["priority"]:
                        self._set(connection, job["id"], priority=priority)
                    return int(job["id"])
                self._end(connection, job["id"], "superseded")
            made = insert(jobs).values(
                session_id=session_id,
                user=user,
                project=project,
                priority=priority,
                start=start,
                stop=stop,
                state="queued",
                attempts=0,
                done=0,
                total=0,
                frames_per_second=0.0,
                error="",
                made=self._database.now(connection),
            )
            return int(connection.execute(made.returning(jobs.c.id)).scalar_one())

    def take(self, owner: str, sessions: Iterable[str] = ()) -> JobStatus | None:
        """Take the job that is next, with a lease; None where none is free.

        The most urgent come first. Among equals it is the turn of the user, then of the project,
        then of the job that had the device least recently.

        Args:
            owner: of the lease; a name that no other runner has.
            sessions: those that the runner has in memory; their jobs have a head start of two
                seconds over other jobs of the same user and project.
        """
        with self._database.write() as connection:
            now = self._database.now(connection)
            others = jobs.alias()

            def last_served(column: str) -> ColumnElement[float]:
                same = others.c[column] == jobs.c[column]
                newest = select(func.max(others.c.served)).where(same).correlate(jobs)
                return func.coalesce(newest.scalar_subquery(), 0.0)

            waiting_since = func.coalesce(jobs.c.served, jobs.c.made) + case(
                (jobs.c.session_id.in_(list(sessions)), -_HEAD_START_SECONDS), else_=0.0
            )
            query = (
                select(jobs.c.id, jobs.c.state, jobs.c.attempts)
                .where(jobs.c.state.in_(ACTIVE), self._is_free(now))
                .order_by(
                    jobs.c.priority.desc(),
                    last_served("user"),
                    last_served("project"),
                    waiting_since,
                    jobs.c.id,
                )
                .limit(1)
            )
            if not self._database.is_sqlite:
                query = query.with_for_update(skip_locked=True, of=jobs)
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            job_id, state, attempts = row
            # A job that is running and free was left by a runner that died.
            attempts += state == "running" or attempts == 0
            if attempts > MAX_ATTEMPTS:
                self._end(
                    connection,
                    job_id,
                    "failed",
                    f"its runner stopped {MAX_ATTEMPTS} times without a word: see the server's log",
                )
                return None
            self._set(
                connection,
                job_id,
                state="running",
                owner=owner,
                lease_until=now + self._lease_seconds,
                attempts=attempts,
                served=now,
                started=func.coalesce(jobs.c.started, now),
            )
            return _status(connection, job_id)

    def renew(
        self, job_id: int, owner: str, *, done: int, total: int, frames_per_second: float
    ) -> bool:
        """Write down how far a job is, and renew its lease.

        Returns:
            Whether to go on; not where the job was cancelled or superseded, or another runner has
            taken it.
        """
        is_further = or_(jobs.c.total != total, jobs.c.done < done)
        with self._database.write() as connection:
            now = self._database.now(connection)
            renewed = connection.execute(
                update(jobs)
                .where(
                    jobs.c.id == job_id,
                    jobs.c.owner == owner,
                    jobs.c.state == "running",
                )
                .values(
                    lease_until=now + self._lease_seconds,
                    served=now,
                    # What is computed again after an interruption is no progress.
                    attempts=case((is_further, 1), else_=jobs.c.attempts),
                    done=case((is_further, done), else_=jobs.c.done),
                    total=total,
                    frames_per_second=frames_per_second,
                )
            )
            return bool(renewed.rowcount)

    def give_back(self, job_id: int, owner: str) -> None:
        """End a lease early: others may go on with the job."""
        with self._database.write() as connection:
            connection.execute(
                update(jobs)
                .where(jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.state == "running")
                .values(state="queued", owner=None, lease_until=None)
            )

    def finish(self, job_id: int, owner: str) -> None:
        """Write down that a job is done."""
        self._finish(job_id, owner, "done", "")

    def fail(self, job_id: int, owner: str, error: str) -> None:
        """Write down that a job cannot be done, and why, in words for a person."""
        self._finish(job_id, owner, "failed", error)

    def cancel(self, session_id: str) -> None:
        """End the job of a session; what it has done stays. Its runner notices within a frame."""
        self._cancel(jobs.c.session_id == session_id)

    def cancel_job(self, job_id: int) -> None:
        """End a job by number.

        Raises:
            StoreError: there is none.
        """
        with self._database.read() as connection:
            if _status(connection, job_id) is None:
                raise StoreError(f"expected the number of a job, got {job_id}: there is none")
        self._cancel(jobs.c.id == job_id)

    def newest(self, session_id: str) -> JobStatus | None:
        """The newest job of a session."""
        query = (
            select(*_STATUS)
            .where(jobs.c.session_id == session_id)
            .order_by(jobs.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else JobStatus(*row)

    def get(self, job_id: int) -> JobStatus | None:
        """A job by number."""
        with self._database.read() as connection:
            return _status(connection, job_id)

    def all(self, *, active: bool = False, limit: int = 200) -> list[JobStatus]:
        """The newest jobs, newest first; `active` leaves out those that have ended."""
        query = select(*_STATUS).order_by(jobs.c.id.desc()).limit(limit)
        if active:
            query = query.where(jobs.c.state.in_(ACTIVE))
        with self._database.read() as connection:
            return [JobStatus(*row) for row in connection.execute(query)]

    def overview(self) -> QueueOverview:
        """How much there is to do."""
        with self._database.read() as connection:
            now = self._database.now(connection)
            queued, oldest = connection.execute(
                select(func.count(), func.min(jobs.c.made)).where(jobs.c.state == "queued")
            ).one()
            running, speed = connection.execute(
                select(func.count(), func.sum(jobs.c.frames_per_second)).where(
                    jobs.c.state == "running"
                )
            ).one()
        waited = max(now - oldest, 0.0) if oldest is not None else 0.0
        return QueueOverview(queued, running, waited, float(speed or 0.0))

    def others_wait(self, job: JobStatus) -> bool:
        """Whether a job that is as urgent as this one, or more so, waits for a runner."""
        waiting = select(func.count()).where(
            jobs.c.state == "queued", jobs.c.priority >= job.priority, jobs.c.id != job.id
        )
        with self._database.read() as connection:
            return bool(connection.execute(waiting).scalar_one())

    def _is_free(self, now: float) -> ColumnElement[bool]:
        until = jobs.c.lease_until
        # A lease that ends later than one can was given before the clock was set back.
        return or_(until.is_(None), until < now, until > now + self._lease_seconds + 1)

    def _cancel(self, which: ColumnElement[bool]) -> None:
        with self._database.write() as connection:
            active = select(jobs.c.id).where(which, jobs.c.state.in_(ACTIVE))
            for job_id in connection.execute(active).scalars().all():
                self._end(connection, job_id, "cancelled")

    def _finish(self, job_id: int, owner: str, state: str, error: str) -> None:
        with self._database.write() as connection:
            mine = select(jobs.c.id).where(
                jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.state == "running"
            )
            if connection.execute(mine).one_or_none() is not None:
                self._end(connection, job_id, state, error)

    def _end(self, connection: Connection, job_id: int, state: str, error: str = "") -> None:
        now = self._database.now(connection)
        self._set(
            connection,
            job_id,
            state=state,
            error=error,
            ended=now,
            owner=None,
            lease_until=None,
            frames_per_second=0.0,
        )

    def _set(self, connection: Connection, job_id: int, **values: Any) -> None:
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def _status(connection: Connection, job_id: int) -> JobStatus | None:
    row = connection.execute(select(*_STATUS).where(jobs.c.id == job_id)).one_or_none()
    return None if row is None else JobStatus(*row)
