"""Errands are done in order, and one that fails stops no other."""

from __future__ import annotations

import threading
from functools import partial

from ml_backend.errors import PushError
from ml_backend.inbox import Inbox
from ml_backend.journal import Journal


def test_errands_are_done_in_order_and_nobody_waits() -> None:
    done: list[int] = []
    inbox, go = Inbox(Journal()), threading.Event()

    def first() -> None:
        go.wait()

    inbox.put("first", first)
    for number in range(3):
        inbox.put("more", partial(done.append, number))
    assert done == []
    go.set()
    inbox.join()
    assert done == [0, 1, 2]


def test_what_fails_is_told_without_details_and_stops_nothing() -> None:
    journal, done = Journal(), []
    inbox = Inbox(journal)

    def refused() -> None:
        raise PushError("answered 403")

    def broken() -> None:
        raise KeyError("inner detail")

    inbox.put("task 7", refused)
    inbox.put("task 8", broken)
    inbox.put("task 9", lambda: done.append(9))
    inbox.join()
    assert done == [9]
    (second, first) = journal.newest()
    assert (first["where"], first["message"]) == ("task 7", "answered 403")
    assert second["where"] == "task 8"
    assert "inner detail" not in second["message"]
