"""A simulated human who corrects frames through the very session that a real one would use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trackanything_core.errors import PromptError
from trackanything_core.evaluation.clicks import next_click
from trackanything_core.evaluation.davis import Truth
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.tracking.session import Session
from trackanything_core.types import Click, FrameIndex, Mask, ObjectId, Prompt


@dataclass(frozen=True, slots=True)
class Effort:
    """What a human did.

    Attributes:
        clicks: clicks given, those in vain too.
        painted: masks painted by hand.
    """

    clicks: int = 0
    painted: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.clicks + other.clicks, self.painted + other.painted)


@dataclass(frozen=True, slots=True)
class Annotator:
    """Patient and exact: leaves a frame only when every mask on it is good.

    What is good already is confirmed, without a click. Else the mask that is shown is improved
    click by click, each click in the middle of the largest error. Where the clicks allowed do not
    lead to the goal, the true mask is painted. A mask of an object that is out of sight is deleted
    with one click.

    Attributes:
        clicks: the most clicks for one object on one frame.
        goal: the IoU from which a mask is good, 0..1.
    """

    clicks: int = 5
    goal: float = 0.9

    def correct(self, session: Session, frame: FrameIndex, truth: Truth) -> Effort:
        """Make anchors of all objects of the truth on a frame.

        Returns:
            What that took.
        """
        efforts = (
            self._correct(session, name, frame, true & ~truth.void, truth.void)
            for name, true in truth.masks.items()
        )
        return sum(efforts, Effort())

    def _correct(
        self, session: Session, object_id: ObjectId, frame: FrameIndex, true: Mask, void: Mask
    ) -> Effort:
        known = session.mask(frame, object_id)
        start = known if known is not None and known.any() else None
        if not true.any():
            session.prompt(Prompt(object_id, frame, mask=true))
            return Effort(clicks=int(start is not None))
        shown = np.zeros_like(true) if start is None else start
        clicks: tuple[Click, ...] = ()
        while not self._is_good(shown, true, void) and len(clicks) < self.clicks:
            click = next_click(shown & ~void, true)
            assert click is not None, "a mask without an error is good"
            clicks = (*clicks, click)
            try:
                shown = session.prompt(Prompt(object_id, frame, clicks, mask=start)).mask
            except PromptError:  # nothing found so far; the next click may help
                shown = np.zeros_like(true)
        if not self._is_good(shown, true, void):
            session.prompt(Prompt(object_id, frame, mask=true))
            return Effort(len(clicks), painted=1)
        if not clicks:
            session.prompt(Prompt(object_id, frame, mask=shown))
        return Effort(len(clicks))

    def _is_good(self, shown: Mask, true: Mask, void: Mask) -> bool:
        return region_similarity(true, shown, void) >= self.goal
