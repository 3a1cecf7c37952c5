"""Work on what is stale: group by group, step by step, with progress and a way to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.plan import Leg
from trackanything_core.tracking.runs import Runs
from trackanything_core.types import ObjectId


class Propagation(Iterator[FrameMasks]):
    """Masks frame by frame as they come, and an account of the work.

    Iterating does the work. It may stop between any two frames: what is done stays done and the
    rest stays stale. Prompts may change then, too; what they put out of date is left stale.

    Args:
        legs: the work, in order.
        runs: starts the passes.
        known: where the masks are written.
        progress: called after each step with the steps done and the steps to do.
        cancelled: asked before each step; True ends the work there.
    """

    def __init__(
        self,
        legs: Sequence[Leg],
        runs: Runs,
        known: KnownMasks,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._runs = runs
        self._known = known
        self._progress = progress
        self._cancelled = cancelled
        self._recomputed: Counter[ObjectId] = Counter()
        self._answers = self._work(legs)

    @property
    def recomputed(self) -> Mapping[ObjectId, int]:
        """For each object, how many frames have got a new mask so far."""
        return dict(self._recomputed)

    def __next__(self) -> FrameMasks:
        return next(self._answers)

    def _work(self, legs: Sequence[Leg]) -> Iterator[FrameMasks]:
        done, total = 0, sum(leg.steps for leg in legs)
        for leg in legs:
            run = self._runs.take(leg.group)
            done += run.done
            while run.done < leg.steps:
                if self._cancelled and self._cancelled():
                    self._runs.leave(run)
                    return
                step = run.advance()
                if step is None:
                    break
                # The caller may stop at the yield below, also by never coming back.
                self._runs.leave(run)
                self._recomputed.update(step.finished)
                done += 1
                if self._progress:
                    self._progress(done, total)
                for frame in step.frames:
                    yield self._known.at(frame)
