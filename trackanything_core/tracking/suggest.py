"""Which frame is worth a human's next look: the one whose correction is likely to mend most.

A mask goes wrong the faster the less sure the propagator is of it, and errors add up on the way
from the anchor as the steps of a random walk do: so the error to expect of a mask is taken to be
(1 − score) · √distance, the distance in frames from the nearest anchor of its shot. A correction
brings an anchor nearer to the frames around it, up to the next anchors or cuts, and their errors
shrink with the root of that. What it is worth is how much expected error it takes away, summed
over these frames and over the objects. So neither a poor mask of which nothing follows comes
first, nor the middle of a long run that went well. No truth and no picture is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from trackanything_core.types import FrameIndex, ObjectId

Reason: TypeAlias = Literal["not prompted in this shot", "low score", "far from an anchor"]
_Frames: TypeAlias = npt.NDArray[np.float64]

_TYPICAL_DOUBT = 0.1
"""1 − score where there is no mask yet."""
_LONGEST_WALK = 50
"""Frames after which errors add up no more: by then a drift shows in the score."""
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
class Evidence:
    """What is known of one object.

    Attributes:
        anchors: the frames whose mask a human gave or confirmed, ascending.
        scores: (T,) float64, of its masks, 0..1; NaN where there is none.
    """

    anchors: tuple[FrameIndex, ...]
    scores: _Frames


def suggest_frames(
    evidence: Mapping[ObjectId, Evidence], cuts: Sequence[FrameIndex], count: int
) -> list[Suggestion]:
    """Rank frames by what correcting all objects on them is worth.

    Each suggestion takes for granted that the ones before it are followed, so they are spread.

    Args:
        evidence: by object; all have the same number of frames.
        cuts: the first frames of new shots, ascending.
        count: the most frames to name.

    Returns:
        The best frame first; fewer than `count` where no more would mend anything.
    """
    found: list[Suggestion] = []
    while evidence and len(found) < count:
        taken = [suggestion.frame for suggestion in found]
        worth = {
            name: _worth(known, sorted({*known.anchors, *taken}), cuts)
            for name, known in evidence.items()
        }
        total = np.sum(list(worth.values()), axis=0)
        frame = int(np.argmax(total))
        if total[frame] <= 0:
            break
        name = max(worth, key=lambda name: worth[name][frame])
        found.append(_suggestion(frame, name, evidence[name], cuts))
    return found


def _worth(known: Evidence, anchors: Sequence[FrameIndex], cuts: Sequence[FrameIndex]) -> _Frames:
    """Expected error that an anchor on each frame would take away, (T,); 0 on anchors."""
    worth = np.zeros(len(known.scores))
    doubts = np.where(np.isnan(known.scores), _TYPICAL_DOUBT, 1 - known.scores)
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
    ends = [end for end in (before, after) if end is not None]
    between = np.abs(frames[:, None] - frames)
    if not ends:
        unseen: _Frames = np.maximum(_UNSEEN - _expected(doubts, between), 0).sum(axis=1)
        return unseen
    now = np.min([np.abs(frames - end) for end in ends], axis=0)
    left = np.sqrt(np.minimum(now, between) / now)
    worth: _Frames = (_expected(doubts, now) * (1 - left)).sum(axis=1)
    return worth


def _expected(doubts: _Frames, distances: npt.NDArray[np.int64]) -> _Frames:
    """Errors to expect, 0..1, of frames (T,) whose nearest anchor is so far away, (…, T)."""
    errors: _Frames = np.minimum(1, doubts * np.sqrt(np.minimum(distances, _LONGEST_WALK)))
    return errors


def _suggestion(
    frame: FrameIndex, name: ObjectId, known: Evidence, cuts: Sequence[FrameIndex]
) -> Suggestion:
    score = float(np.nan_to_num(known.scores[frame]))
    ((start, stop),) = [shot for shot in _shots(cuts, len(known.scores)) if frame in range(*shot)]
    reason: Reason
    if not any(start <= anchor < stop for anchor in known.anchors):
        reason = "not prompted in this shot"
    elif known.scores[frame] < np.nanmedian(known.scores[start:stop]):
        reason = "low score"
    else:
        reason = "far from an anchor"
    return Suggestion(frame, name, reason, score)


def _shots(cuts: Sequence[FrameIndex], count: int) -> Iterator[tuple[FrameIndex, FrameIndex]]:
    return pairwise((0, *cuts, count))
