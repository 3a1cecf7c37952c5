"""How far a run has come, and what follows from it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """The length of a run: so many steps, or so many minutes, whichever is given.

    Minutes make good use of a machine whose speed is not known; steps make runs repeatable.

    Attributes:
        steps: optimiser steps in all, or None.
        minutes: wall time in all, or None.
        spent: seconds used before this process took over (a resumed run).
    """

    steps: int | None = None
    minutes: float | None = None
    spent: float = 0.0
    _started: float = field(default_factory=time.monotonic, repr=False)

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("give a budget either in steps or in minutes")

    @property
    def elapsed(self) -> float:
        """Seconds of work so far, those of earlier processes included."""
        return self.spent + time.monotonic() - self._started

    def progress(self, step: int) -> float:
        """Share of the run that is done, 0..1."""
        if self.steps is not None:
            return min(step / self.steps, 1.0)
        assert self.minutes is not None
        return min(self.elapsed / (60 * self.minutes), 1.0)

    def seconds_left(self, step: int) -> float:
        """Estimate of what remains, in seconds; infinite before the first step."""
        done = self.progress(step)
        return self.elapsed * (1 - done) / done if done > 0 else math.inf


def cosine(progress: float, *, floor: float = 0.01) -> float:
    """Factor on the learning rate: 1 at the start, `floor` at the end."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def warm_up(step: int, steps: int) -> float:
    """Factor on the learning rate that grows to 1 over the first `steps` steps."""
    return min((step + 1) / steps, 1.0)


def ramp(progress: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, straight between them."""
    return min(max((progress - start) / (end - start), 0.0), 1.0)
