"""Loading goes on in the background and is told about honestly."""

from __future__ import annotations

import threading

import pytest

from ml_backend.errors import ModelNotReadyError
from ml_backend.loading import BackgroundLoader


def test_waiting_ends_when_it_is_loaded() -> None:
    go = threading.Event()

    def load() -> str:
        go.wait()
        return "networks"

    loader = BackgroundLoader(load)
    assert loader.state == "loading"
    with pytest.raises(ModelNotReadyError, match=r"not loaded after 0\.01 s"):
        loader.wait(0.01)
    go.set()
    assert loader.wait(5) == "networks"
    assert (loader.state, loader.problem) == ("ready", "")


def test_a_failure_is_told_to_all_who_wait() -> None:
    def load() -> str:
        raise ValueError("no such weights")

    loader = BackgroundLoader(load)
    for _ in range(2):
        with pytest.raises(ModelNotReadyError, match="cannot be loaded: no such weights"):
            loader.wait(5)
    assert (loader.state, loader.problem) == ("failed", "no such weights")
