"""Who may use the device: one at a time, and people before background work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class DeviceGate:
    """Lets one thread in at a time; those who wait for a click go before those who propagate.

    A click so waits for no more than the frame that is being computed.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._busy = False
        self._clicks_waiting = 0

    @contextmanager
    def click(self) -> Iterator[None]:
        """The device, as soon as whoever has it is done."""
        with self._condition:
            self._clicks_waiting += 1
            self._condition.wait_for(lambda: not self._busy)
            self._clicks_waiting -= 1
            self._busy = True
        try:
            yield
        finally:
            self._free()

    @contextmanager
    def frame(self) -> Iterator[None]:
        """The device for one frame of a propagation, once no click waits for it."""
        with self._condition:
            self._condition.wait_for(lambda: not self._busy and not self._clicks_waiting)
            self._busy = True
        try:
            yield
        finally:
            self._free()

    def _free(self) -> None:
        with self._condition:
            self._busy = False
            self._condition.notify_all()
