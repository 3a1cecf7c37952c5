from __future__ import annotations

import pytest
from sqlalchemy import update

from trackanything_core.errors import StoreError
from trackanything_core.jobs.queue import MAX_ATTEMPTS, JobQueue
from trackanything_core.store.schema import jobs
from trackanything_core.store.store import Store


@pytest.fixture
def queue(store: Store) -> JobQueue:
    for name in ("a", "b", "c", "d"):
        store.sessions.make(name, {}, 5, (4, 6))
    return JobQueue(store.database)


def set_clock(store: Store, job: int, **values: float) -> None:
    with store.database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job).values(**values))


def taken(queue: JobQueue, owner: str) -> str:
    job = queue.take(owner)
    return job.session_id if job else ""


def test_a_job_is_taken_once_and_ends(queue: JobQueue) -> None:
    job = queue.put("a")
    assert taken(queue, "one") == "a"
    assert taken(queue, "two") == ""
    assert queue.renew(job, "one", done=3, total=12, frames_per_second=3.0)
    status = queue.newest("a")
    assert status is not None
    assert (status.state, status.done, status.seconds_left) == ("running", 3, 3.0)
    queue.finish(job, "one")
    status = queue.get(job)
    assert status is not None
    assert (status.state, status.is_active) == ("done", False)


def test_a_session_has_one_job(queue: JobQueue) -> None:
    first = queue.put("a")
    assert queue.put("a") == first
    other = queue.put("a", start=2)
    assert other != first
    before = queue.get(first)
    assert before is not None
    assert before.state == "superseded"


def test_there_is_no_job_without_a_session(queue: JobQueue) -> None:
    with pytest.raises(StoreError):
        queue.put("nobody")


def test_urgent_jobs_go_first_then_whose_turn_it_is(queue: JobQueue) -> None:
    first = queue.put("a", user="ann")
    queue.put("b", user="ann")
    queue.put("c", user="bob")
    queue.put("d", user="ann", priority=1)
    assert taken(queue, "one") == "d"
    assert taken(queue, "two") == "c"  # ann has just had the device
    assert taken(queue, "three") == "a"
    queue.give_back(first, "three")
    assert taken(queue, "four") == "b"  # which has waited for longer than "a" by now
    assert taken(queue, "five") == "a"


def test_a_session_at_hand_has_a_head_start_of_two_seconds(store: Store, queue: JobQueue) -> None:
    jobs = {name: queue.put(name) for name in "abc"}
    for name, made in (("a", 100.0), ("b", 101.0), ("c", 103.0)):
        set_clock(store, jobs[name], made=made)
    for expected in "bac":
        job = queue.take(expected, sessions=["b", "c"])
        assert job is not None
        assert job.session_id == expected


def test_a_lease_that_ended_is_free_for_others(store: Store, queue: JobQueue) -> None:
    job = queue.put("a")
    assert taken(queue, "one") == "a"
    set_clock(store, job, lease_until=1.0)
    assert taken(queue, "two") == "a"
    assert not queue.renew(job, "one", done=1, total=2, frames_per_second=1.0)
    queue.finish(job, "one")
    queue.fail(job, "one", "late")
    status = queue.get(job)
    assert status is not None
    assert (status.state, status.attempts) == ("running", 2)


def test_a_clock_that_was_set_back_locks_nobody_out(store: Store, queue: JobQueue) -> None:
    job = queue.put("a")
    assert taken(queue, "one") == "a"
    with store.database.read() as connection:
        now = store.database.now(connection)
    set_clock(store, job, lease_until=now + 86_400)
    assert taken(queue, "two") == "a"


def test_a_job_that_kills_its_runners_is_given_up(store: Store, queue: JobQueue) -> None:
    job = queue.put("a")
    for attempt in range(MAX_ATTEMPTS):
        assert taken(queue, f"runner {attempt}") == "a"
        set_clock(store, job, lease_until=1.0)
    assert taken(queue, "last") == ""
    status = queue.get(job)
    assert status is not None
    assert status.state == "failed"
    assert "see the server's log" in status.error


def test_cancelling_stops_queued_and_running_jobs(queue: JobQueue) -> None:
    running, _ = queue.put("a"), queue.put("b")
    assert taken(queue, "one") == "a"
    queue.cancel("a")
    queue.cancel("b")
    assert not queue.renew(running, "one", done=1, total=2, frames_per_second=1.0)
    assert taken(queue, "two") == ""
    assert {job.state for job in queue.all()} == {"cancelled"}
    with pytest.raises(StoreError, match="99"):
        queue.cancel_job(99)


def test_the_overview_counts(queue: JobQueue) -> None:
    queue.put("a")
    queue.put("b")
    job = queue.take("one")
    assert job is not None
    queue.renew(job.id, "one", done=1, total=2, frames_per_second=7.0)
    overview = queue.overview()
    assert (overview.queued, overview.running, overview.frames_per_second) == (1, 1, 7.0)
    assert overview.oldest_seconds >= 0
    assert queue.others_wait(job)
