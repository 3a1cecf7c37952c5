"""Which request of an editor is the newest; it uses the answer to that one only."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager


class Arrivals:
    """Counts the requests that are at work, by whom they are for. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Counter[Hashable] = Counter()
        self._present: Counter[Hashable] = Counter()

    @contextmanager
    def arrive(self, editor: Hashable) -> Iterator[Callable[[], bool]]:
        """Count a request while it is at work.

        Args:
            editor: says whose requests supersede each other.

        Yields:
            Whether a newer request of this editor has come.
        """
        with self._lock:
            self._newest[editor] += 1
            self._present[editor] += 1
            number = self._newest[editor]
        try:
            yield lambda: self._newest[editor] != number
        finally:
            with self._lock:
                self._present[editor] -= 1
                if not self._present[editor]:
                    del self._present[editor], self._newest[editor]
