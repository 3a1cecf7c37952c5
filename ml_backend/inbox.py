"""Work that a request starts and does not wait for."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ml_backend.journal import Journal
from trackanything_core.errors import TrackAnythingError

logger = logging.getLogger(__name__)

_WAITING = 1000


@dataclass(frozen=True, slots=True)
class _Errand:
    where: str
    do: Callable[[], None]


class Inbox:
    """Does errands one after the other, in a thread of its own. Safe for many threads.

    Args:
        journal: told of what fails.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._errands: queue.Queue[_Errand] = queue.Queue(_WAITING)
        threading.Thread(target=self._run, name="inbox", daemon=True).start()

    def put(self, where: str, do: Callable[[], None]) -> None:
        """Have something done later.

        Args:
            where: what it is about, for the journal.
            do: does it.
        """
        try:
            self._errands.put_nowait(_Errand(where, do))
        except queue.Full:
            self._journal.record(where, f"left out: {_WAITING} events wait already")

    def join(self) -> None:
        """Wait until all is done."""
        self._errands.join()

    def _run(self) -> None:
        while True:
            errand = self._errands.get()
            try:
                errand.do()
            except TrackAnythingError as error:
                self._journal.record(errand.where, str(error))
            except Exception as error:
                logger.exception("%s: unforeseen error", errand.where)
                self._journal.record(
                    errand.where,
                    f"internal error ({type(error).__name__}), details are in the log",
                )
            finally:
                self._errands.task_done()
