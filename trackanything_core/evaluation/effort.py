"""What a good result costs: quality of the whole video against frames and clicks of a human."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trackanything_core.evaluation.annotator import Annotator, Effort
from trackanything_core.evaluation.davis import DavisSequence
from trackanything_core.evaluation.jf import boundary_accuracy, region_similarity
from trackanything_core.evaluation.policies import Policy
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, ObjectId

CONVENTION = (
    "J&F over all frames of the video, corrected ones too, means over objects; "
    "area: mean height of the curve over the corrected frames"
)


@dataclass(frozen=True, slots=True)
class Round:
    """One frame corrected, everything brought up to date. The first round is the first frame.

    Attributes:
        frame: the one that was corrected.
        effort: of this round.
        recomputed: masks that were computed again.
        jf: J&F of each object over the video after it, 0..1.
    """

    frame: FrameIndex
    effort: Effort
    recomputed: int
    jf: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality and cost after 0, 1, 2, … corrected frames, means over several runs.

    Attributes:
        jf: J&F over all objects, 0..1.
        clicks: so far, for each sequence.
        painted: masks painted by hand so far, for each sequence.
        recomputed: masks computed again so far, for each sequence.
    """

    jf: tuple[float, ...]
    clicks: tuple[float, ...]
    painted: tuple[float, ...]
    recomputed: tuple[float, ...]

    @property
    def area(self) -> float:
        """The area under J&F by the trapezoidal rule, over frames from 0 to 1; 0..1."""
        heights = np.array(self.jf)
        return float((heights[:-1] + heights[1:]).mean() / 2)


class Scorer:
    """J&F of a session's masks, measuring again only what changed.

    Args:
        sequence: gives the truth.
    """

    def __init__(self, sequence: DavisSequence) -> None:
        self._sequence = sequence
        self._known: dict[tuple[FrameIndex, ObjectId, bytes], float] = {}

    def score(self, session: Session) -> tuple[float, ...]:
        """Mean J&F over all frames for each object, 0..1; a missing mask counts as empty."""
        values: dict[ObjectId, list[float]] = {name: [] for name in self._sequence.objects}
        for frame in range(len(self._sequence)):
            found = session.frame_masks(frame).masks
            truth = None
            for name, scores in values.items():
                mask = found.get(name)
                packed = b"" if mask is None else np.packbits(mask).tobytes()
                key = frame, name, hashlib.blake2b(packed, digest_size=16).digest()
                if key not in self._known:
                    truth = self._sequence.truth(frame) if truth is None else truth
                    true = truth.masks[name]
                    shown = np.zeros_like(true) if mask is None else mask
                    j = region_similarity(true, shown, truth.void)
                    self._known[key] = (j + boundary_accuracy(true, shown, truth.void)) / 2
                scores.append(self._known[key])
        return tuple(float(np.mean(scores)) for scores in values.values())


def correct_in_rounds(
    session: Session,
    sequence: DavisSequence,
    start: Round,
    policy: Policy,
    budget: int,
    annotator: Annotator,
    scorer: Scorer,
    progress: Callable[[], None] = lambda: None,
) -> list[Round]:
    """Let a policy choose frames, the annotator correct them, and the session do the rest.

    Args:
        session: as it was after the first round; it is worked on.
        sequence: gives the truth to the annotator.
        start: the first round.
        policy: chooses the frames.
        budget: how many frames are corrected at most.
        annotator: corrects them.
        scorer: of the same sequence.
        progress: called after each round.

    Returns:
        The first round and up to `budget` more, fewer where the policy stopped.
    """
    rounds = [start]
    for _ in range(budget):
        frame = policy(session, {done.frame for done in rounds})
        if frame is None:
            break
        effort = annotator.correct(session, frame, sequence.truth(frame))
        recomputed = bring_up_to_date(session)
        rounds.append(Round(frame, effort, recomputed, scorer.score(session)))
        progress()
    return rounds


def bring_up_to_date(session: Session) -> int:
    """Compute all that is stale; returns how many masks that were."""
    work = session.propagate()
    for _ in work:
        pass
    return sum(work.recomputed.values())


def mean_curve(runs: Sequence[Sequence[Round]], budget: int) -> Curve:
    """Join runs; each has the rounds of one sequence under one policy.

    Args:
        runs: where one stopped early, its last state holds for the rest.
        budget: how many corrected frames to come to.
    """
    reached = [[min(at, len(rounds) - 1) for at in range(budget + 1)] for rounds in runs]
    so_far = [_so_far(rounds) for rounds in runs]
    costs = np.mean([costs[at] for costs, at in zip(so_far, reached, strict=True)], axis=0)
    objects = np.concatenate(
        [[rounds[i].jf for i in at] for rounds, at in zip(runs, reached, strict=True)], axis=1
    )
    clicks, painted, recomputed = costs.T.tolist()
    return Curve(tuple(objects.mean(axis=1).tolist()), *map(tuple, (clicks, painted, recomputed)))


def _so_far(rounds: Sequence[Round]) -> npt.NDArray[np.int64]:
    """Clicks, painted masks and recomputed masks up to each round, (R, 3)."""
    costs = [(done.effort.clicks, done.effort.painted, done.recomputed) for done in rounds]
    return np.cumsum(costs, axis=0, dtype=np.int64)
