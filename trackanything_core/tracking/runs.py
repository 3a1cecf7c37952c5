"""Passes that can be left half-way and gone on with later, by another program too."""

from __future__ import annotations

import logging

from trackanything_core.errors import CheckpointError
from trackanything_core.models.base import PropagatorFactory, ResumablePropagatorFactory
from trackanything_core.store.checkpoint import SessionCheckpoint
from trackanything_core.tracking.group import Group
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.refine import Refiner
from trackanything_core.tracking.run_file import RunFile
from trackanything_core.tracking.run_group import GroupRun, Step
from trackanything_core.video.base import FrameSource

_log = logging.getLogger(__name__)


class Run:
    """The passes of a group, at some step.

    Attributes:
        passes: the work.
        ended: no more steps can be taken: all are, an edit came in between, or one failed.
        saved_at: the step at which it was saved last; None where it never was.
    """

    def __init__(self, passes: GroupRun, saved_at: int | None = None) -> None:
        self.passes = passes
        self.ended = False
        self.saved_at = saved_at
        self._steps = passes.steps()

    @property
    def group(self) -> Group:
        """What is followed."""
        return self.passes.group

    @property
    def done(self) -> int:
        """Steps taken."""
        return self.passes.done

    def advance(self) -> Step | None:
        """Take a step; None where the run has ended."""
        self.ended = True  # stays so if the step fails
        step = next(self._steps, None)
        if step is not None:
            self.ended = self.done == self.group.steps
        return step

    def leads_to(self, group: Group) -> bool:
        """Whether going on comes to every stale frame of a group."""
        is_same = not self.ended and self.group.members == group.members
        return is_same and self.done <= _first_wanted(group)


class Runs:
    """Starts runs; the one that was left half-way last is kept, with its memory.

    Args:
        source: the video.
        propagators: makes one for each pass.
        known: the masks.
        checkpoint: where a run is saved, if its passes can be resumed; None saves none.
        save_every: steps from one saving to the next.
    """

    def __init__(
        self,
        source: FrameSource,
        propagators: PropagatorFactory,
        known: KnownMasks,
        refiner: Refiner | None = None,
        checkpoint: SessionCheckpoint | None = None,
        save_every: int = 50,
    ) -> None:
        self._source = source
        self._propagators = propagators
        self._known = known
        self._refiner = refiner
        self._file: RunFile | None = None
        if checkpoint is not None and isinstance(propagators, ResumablePropagatorFactory):
            self._file = RunFile(checkpoint)
        self._save_every = save_every
        self._left: Run | None = None

    def take(self, group: Group) -> Run:
        """The run that was left on its way to the stale frames of a group, else a new one."""
        left, self._left = self._left, None
        if left is not None and left.leads_to(group):
            return left
        return self._saved(group) or Run(self._passes(group))

    def leave(self, run: Run) -> None:
        """Keep a run for later, unless it has ended; the one kept so far goes.

        Raises:
            StoreError: it was time to save the run, and the database cannot be written.
        """
        self._left = None if run.ended else run
        if run.ended:
            if self._file is not None and run.saved_at is not None:
                self._file.clear()
        elif run.done >= (run.saved_at or 0) + self._save_every:
            self.save()

    def save(self) -> None:
        """Save the run that was left half-way, if there is one and anything is new.

        Raises:
            StoreError: the database cannot be written; what was saved before stays.
        """
        run = self._left
        if self._file is None or run is None or run.done in (0, run.saved_at):
            return
        state = run.passes.state()
        self._file.save(run.group, state, goes_on=run.saved_at is not None)
        run.passes.saved()
        run.saved_at = run.done

    def _passes(self, group: Group) -> GroupRun:
        return GroupRun(self._source, self._propagators, group, self._known, self._refiner)

    def _saved(self, group: Group) -> Run | None:
        """The run of a group as it was saved, if that leads to its stale frames."""
        if self._file is None:
            return None
        try:
            state = self._file.find(group)
            if state is None or state.done > _first_wanted(group):
                return None
            passes = GroupRun(
                self._source, self._propagators, group, self._known, self._refiner, state
            )
        except CheckpointError as error:
            _log.warning("a saved run is left alone, and its passes start anew: %s", error)
            return None
        return Run(passes, saved_at=state.done)


def _first_wanted(group: Group) -> int:
    """How many steps come before the first one that a stale frame of the group needs."""
    return min(group.step_of(frame) for run in group.stale for frame in (run[0], run[-1]))
