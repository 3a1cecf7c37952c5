"""Which frame is worth a human's next look: the one whose correction is likely to mend most.

A mask goes wrong the faster the less sure the propagator is of it and the more it differs in size
from what a human showed; and errors add up on the way from the anchor as the steps of a random
walk do. So the error to expect of a mask is taken to be doubt · √distance, in frames from the
anchor before or after. Between two anchors, where two passes are blended, the walk is tied at both
ends, a Brownian bridge; its variance, in place of the distance, is the product of both distances
over their sum. A correction ties the walk in one more place. What it is worth is how much expected
error that takes away, summed over the frames up to the next anchors or cuts and over the objects.
So neither a poor mask of which nothing follows comes first, nor the middle of a long run that went
well. No truth and no picture is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from trackanything_core.types import FrameIndex, ObjectId

Reason: TypeAlias = Literal[
    "not prompted in this shot",
    "found again in this shot",
    "low score",
    "changed in size",
    "far from an anchor",
]
_Frames: TypeAlias = npt.NDArray[np.float64]

_TYPICAL_DOUBT = 0.1
"""Of a frame without a mask; else it is 1 − score, grown by the change in size."""
_BLENDED = 0.5
"""Between two anchors the score is low also where the two passes disagree, and their blend is
better than either: such a mask errs about half as much as its score says."""
_MOST_DRIFT = 2.0
"""A change in size counts up to this, as the logarithm of the ratio of areas."""
_ERROR_PER_DOUBT = 0.15
"""Of one frame's step. Small enough that few errors come to 1, where all frames look alike."""
_LONGEST_WALK = 50
"""Frames after which errors add up no more: by then they show in the score."""
_UNSEEN = 0.5
"""Expected error of each frame in a shot where the object was never prompted: it may be there."""
_MOST_CANDIDATES = 400
"""In a longer gap every second, third … frame stands for its neighbours."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A frame worth a look.

    Attributes:
        frame: 0-based.
        object_id: the object that gains most there.
        reason: why.
        score: of the object's mask on that frame, 0..1; 0 where there is none.
    """

    frame: FrameIndex
    object_id: ObjectId
    reason: Reason
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class TrackScores:
    """What is known of one object.

    Attributes:
        anchors: the frames whose mask a human gave or confirmed, ascending.
        scores: (T,) float64, of its masks, 0..1; NaN where there is none.
        areas: (T,) float64, of its masks, pixels; 0 where there is none.
    """

    anchors: tuple[FrameIndex, ...]
    scores: _Frames
    areas: _Frames


def suggest_frames(
    scored: Mapping[ObjectId, TrackScores], cuts: Sequence[FrameIndex], count: int
) -> list[Suggestion]:
    """Rank frames by what correcting all objects on them is worth.

    Each suggestion takes for granted that the ones before it are followed, so they are spread.

    Args:
        scored: by object; all have the same number of frames.
        cuts: the first frames of new shots, ascending.
        count: the most frames to name.

    Returns:
        The best frame first; fewer than `count` where no more would mend anything.
    """
    doubts = {name: _doubts(known, cuts) for name, known in scored.items()}
    found: list[Suggestion] = []
    while scored and len(found) < count:
        taken = [suggestion.frame for suggestion in found]
        worth = {
            name: _worth(doubts[name], sorted({*known.anchors, *taken}), cuts)
            for name, known in scored.items()
        }
        total = np.sum(list(worth.values()), axis=0)
        frame = int(np.argmax(total))
        if total[frame] <= 0:
            break
        name = max(worth, key=lambda name: worth[name][frame])
        found.append(_suggestion(frame, name, scored[name], cuts))
    return found


def _doubts(known: TrackScores, cuts: Sequence[FrameIndex]) -> _Frames:
    """How doubtful each mask is by itself, (T,), 0 or more."""
    doubts = np.where(np.isnan(known.scores), _TYPICAL_DOUBT, 1 - known.scores)
    for start, stop in _shots(cuts, len(doubts)):
        inside = [anchor for anchor in known.anchors if start <= anchor < stop]
        if inside:
            doubts[inside[0] : inside[-1] + 1] *= _BLENDED
    return doubts * (1 + _drift(known, cuts))


def _drift(known: TrackScores, cuts: Sequence[FrameIndex]) -> _Frames:
    """How far sizes are from those that a human showed in the same shot, (T,), 0 or more."""
    drift = np.zeros(len(known.areas))
    for start, stop in _shots(cuts, len(drift)):
        shown = [at for at in known.anchors if start <= at < stop and known.areas[at]]
        seen = start + np.flatnonzero(known.areas[start:stop])
        if shown:
            expected = np.interp(seen, shown, np.log(known.areas[shown]))
            drift[seen] = np.abs(np.log(known.areas[seen]) - expected)
    return np.minimum(drift, _MOST_DRIFT)


def _worth(doubts: _Frames, anchors: Sequence[FrameIndex], cuts: Sequence[FrameIndex]) -> _Frames:
    """Expected error that an anchor on each frame would take away, (T,); 0 on anchors."""
    worth = np.zeros(len(doubts))
    for start, stop in _shots(cuts, len(worth)):
        inside = [anchor for anchor in anchors if start <= anchor < stop]
        for before, after in pairwise((None, *inside, None)):
            gap = range(start if before is None else before + 1, stop if after is None else after)
            if gap:
                stride = -(-len(gap) // _MOST_CANDIDATES)
                frames = np.arange(gap.start, gap.stop, stride)
                worth[frames] = stride * _worth_in_gap(frames, doubts[frames], before, after)
    return worth


def _worth_in_gap(
    frames: npt.NDArray[np.int64],
    doubts: _Frames,
    before: FrameIndex | None,
    after: FrameIndex | None,
) -> _Frames:
    """The same for the frames of a gap, (G,), between these anchors."""
    places = frames.astype(np.float64)
    to_before = places - (-np.inf if before is None else before)
    to_after = (np.inf if after is None else after) - places
    # Row: where the new anchor is. Column: of which frame.
    beyond = places - places[:, None]
    then = _variance(
        np.where(beyond >= 0, beyond, to_before), np.where(beyond < 0, -beyond, to_after)
    )
    if before is None and after is None:
        worth: _Frames = np.maximum(_UNSEEN - _expected(doubts, then), 0)
    else:
        now = _variance(to_before, to_after)
        worth = _expected(doubts, now) * (1 - np.sqrt(then / now))
    summed: _Frames = worth.sum(axis=1)
    return summed


def _variance(to_before: _Frames, to_after: _Frames) -> _Frames:
    """Of a random walk that is tied so many frames before and after; inf where it is not.

    One of both is finite.
    """
    nearer, farther = np.minimum(to_before, to_after), np.maximum(to_before, to_after)
    variance: _Frames = nearer / (1 + nearer / farther)
    return variance


def _expected(doubts: _Frames, variances: _Frames) -> _Frames:
    """Errors to expect, 0..1, of frames (G,) where the walk has these variances, (…, G)."""
    steps = np.sqrt(np.minimum(variances, _LONGEST_WALK))
    errors: _Frames = np.minimum(1, _ERROR_PER_DOUBT * doubts * steps)
    return errors


def _suggestion(
    frame: FrameIndex, name: ObjectId, known: TrackScores, cuts: Sequence[FrameIndex]
) -> Suggestion:
    score = float(np.nan_to_num(known.scores[frame]))
    ((start, stop),) = [shot for shot in _shots(cuts, len(known.scores)) if frame in range(*shot)]
    reason: Reason
    if not any(start <= anchor < stop for anchor in known.anchors):
        is_found = known.areas[frame] > 0
        reason = "found again in this shot" if is_found else "not prompted in this shot"
    elif known.scores[frame] < np.nanmedian(known.scores[start:stop]):
        reason = "low score"
    elif _drift(known, cuts)[frame] > np.log(1.5):
        reason = "changed in size"
    else:
        reason = "far from an anchor"
    return Suggestion(frame, name, reason, score)


def _shots(cuts: Sequence[FrameIndex], count: int) -> Iterator[tuple[FrameIndex, FrameIndex]]:
    return pairwise((0, *cuts, count))
