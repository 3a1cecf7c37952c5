"""The newest problems, for people: the editor shows none of them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import datetime, timezone
from typing import TypedDict

logger = logging.getLogger(__name__)

_KEPT = 50


class Problem(TypedDict):
    """Something that went wrong, when and where."""

    time: str
    where: str
    message: str


class Journal:
    """Logs problems and keeps the newest. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problems: deque[Problem] = deque(maxlen=_KEPT)

    def record(self, where: str, message: str) -> None:
        """Log and keep a problem.

        Args:
            where: request or task, such as "/predict" or "project 1 task 7".
            message: one line for a person, without secrets.
        """
        logger.warning("%s: %s", where, message)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._lock:
            self._problems.append(Problem(time=now, where=where, message=message))

    def newest(self) -> list[Problem]:
        """The kept problems, newest first."""
        with self._lock:
            return list(reversed(self._problems))
