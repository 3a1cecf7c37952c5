"""The newest request of an editor supersedes the ones before it."""

from __future__ import annotations

from ml_backend.arrivals import Arrivals


def test_a_newer_request_of_the_same_editor_supersedes() -> None:
    arrivals = Arrivals()
    with arrivals.arrive("a") as first:
        assert not first()
        with arrivals.arrive("b"):
            assert not first()
        with arrivals.arrive("a") as second:
            assert first()
            assert not second()
        assert first()


def test_nothing_is_kept_of_those_that_left() -> None:
    arrivals = Arrivals()
    with arrivals.arrive("a"):
        pass
    assert not arrivals._present
    assert not arrivals._newest
