"""Passes that can be left half-way and gone on with later."""

from __future__ import annotations

from collections.abc import Iterator

from trackanything_core.models.base import PropagatorFactory
from trackanything_core.tracking.group import Group
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.refine import Refiner
from trackanything_core.tracking.run_group import Step, run_group
from trackanything_core.video.base import FrameSource


class Run:
    """The passes of a group, at some step.

    Attributes:
        group: what is followed.
        done: steps taken.
        ended: no more steps can be taken: all are, an edit came in between, or one failed.
    """

    def __init__(self, group: Group, steps: Iterator[Step]) -> None:
        self.group = group
        self.done = 0
        self.ended = False
        self._steps = steps

    def advance(self) -> Step | None:
        """Take a step; None where the run has ended."""
        self.ended = True  # stays so if the step fails
        step = next(self._steps, None)
        if step is not None:
            self.done += 1
            self.ended = self.done == self.group.steps
        return step

    def leads_to(self, group: Group) -> bool:
        """Whether going on comes to every stale frame of a group."""
        first = min(group.step_of(frame) for run in group.stale for frame in (run[0], run[-1]))
        return not self.ended and self.group.members == group.members and self.done <= first


class Runs:
    """Starts runs; the one that was left half-way last is kept, with its memory."""

    def __init__(
        self,
        source: FrameSource,
        propagators: PropagatorFactory,
        known: KnownMasks,
        refiner: Refiner | None = None,
    ) -> None:
        self._source = source
        self._propagators = propagators
        self._known = known
        self._refiner = refiner
        self._left: Run | None = None

    def take(self, group: Group) -> Run:
        """The run that was left on its way to the stale frames of a group, else a new one."""
        left, self._left = self._left, None
        if left is not None and left.leads_to(group):
            return left
        steps = run_group(self._source, self._propagators, group, self._known, self._refiner)
        return Run(group, steps)

    def leave(self, run: Run) -> None:
        """Keep a run for later, unless it has ended; the one kept so far goes."""
        self._left = None if run.ended else run
