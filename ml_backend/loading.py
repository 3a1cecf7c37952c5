"""Loading something slow in the background, once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from ml_backend.errors import ModelNotReadyError

logger = logging.getLogger(__name__)

T = TypeVar("T")

State = Literal["loading", "ready", "failed"]


class BackgroundLoader(Generic[T]):
    """Calls `load` in a thread of its own, at once, and hands out the result.

    Args:
        load: makes the thing; what it raises is told to all who wait.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._done = threading.Event()
        self._result: T | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._run, name="loader", daemon=True).start()

    @property
    def state(self) -> State:
        """How far it is; never waits."""
        if not self._done.is_set():
            return "loading"
        return "failed" if self._error else "ready"

    @property
    def ready(self) -> T | None:
        """The result if it is there; never waits."""
        return self._result if self._done.is_set() else None

    @property
    def problem(self) -> str:
        """Why it failed, or ""."""
        return str(self._error) if self._done.is_set() and self._error else ""

    def wait(self, seconds: float) -> T:
        """The result, once it is there.

        Raises:
            ModelNotReadyError: not there in time, or it never will be.
        """
        if not self._done.wait(seconds):
            raise ModelNotReadyError(f"the networks are not loaded after {seconds:g} s: try again")
        if self._error is not None or self._result is None:
            raise ModelNotReadyError(f"the networks cannot be loaded: {self._error}")
        return self._result

    def _run(self) -> None:
        started = time.monotonic()
        try:
            self._result = self._load()
            logger.info("networks loaded in %.1f s", time.monotonic() - started)
        except Exception as error:
            logger.exception("the networks cannot be loaded")
            self._error = error
        finally:
            self._done.set()
