"""Which frame a human looks at and corrects next: as the session suggests, or by simpler rules."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

import numpy as np

from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex

Policy: TypeAlias = Callable[[Session, Collection[FrameIndex]], FrameIndex | None]
"""Names the frame to correct, given the session and the frames corrected so far (the first frame
of the video is one of them); None to stop. It sees no truth."""


def suggested(session: Session, corrected: Collection[FrameIndex]) -> FrameIndex | None:
    """The frame that the session suggests first."""
    ranked = session.suggest(len(corrected) + 1)
    return next((found.frame for found in ranked if found.frame not in corrected), None)


def evenly(budget: int) -> Policy:
    """Frames spread evenly over the video, in an order that leaves no large gap for long.

    The places are those that keep every frame as near to a corrected one as `budget` frames beside
    the first can: gaps of equal length with one of half that length at the end, which is tracked
    from one side only.

    Args:
        budget: how many frames will be corrected.
    """

    def choose(session: Session, corrected: Collection[FrameIndex]) -> FrameIndex | None:
        count = len(session.source)
        places = np.rint(2 * np.arange(1, budget + 1) / (2 * budget + 1) * count).astype(int)
        left = sorted({min(int(place), count - 1) for place in places} - set(corrected))
        return min(left, key=lambda place: _mean_distance(count, {*corrected, place}), default=None)

    return choose


def at_random(seed: int) -> Policy:
    """Any frame that is not corrected yet, all alike; the same seed gives the same frames."""
    rng = np.random.default_rng(seed)

    def choose(session: Session, corrected: Collection[FrameIndex]) -> FrameIndex | None:
        left = sorted(set(range(len(session.source))) - set(corrected))
        return int(rng.choice(left)) if left else None

    return choose


def _mean_distance(count: int, corrected: Collection[FrameIndex]) -> float:
    """Over all frames, the mean distance to the nearest that is corrected."""
    frames = np.arange(count)
    return float(np.min([np.abs(frames - known) for known in corrected], axis=0).mean())
