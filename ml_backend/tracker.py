"""What a request asks, done: clicks become a mask, the command Track becomes all masks.

An object is what one label means in one task, and is named like the label.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ml_backend.auth import Connection
from ml_backend.label_config import Command, FramesConfig
from ml_backend.media import Media
from ml_backend.memory import PromptMemory
from ml_backend.prompts import Interaction
from ml_backend.regions import Region, build_region, build_regions
from ml_backend.tasks import LiveSession, TaskKey, Tasks, TaskState, Turn
from trackanything_core.errors import PromptError, TrackAnythingError
from trackanything_core.models.base import PropagatorFactory, Segmentation, Segmenter
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex
from trackanything_core.video.images import ImageList

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrackingRequest:
    """One interactive request, understood.

    Attributes:
        task: which task.
        addresses: of its frames, in order.
        connection: where Label Studio is.
        config: the project's labelling configuration.
        interaction: what is asked.
        edited: ids of regions that a human changed by hand.
    """

    task: TaskKey
    addresses: tuple[str, ...]
    connection: Connection
    config: FramesConfig
    interaction: Interaction
    edited: frozenset[str]


class Tracker:
    """Answers interactive requests, one at a time per task. Safe for many threads.

    Args:
        segmenter: answers prompts on a frame.
        propagators: carries masks over the frames.
        media: fetches the frames.
        tasks: the state of each task.
        answer_seconds: after this, *Track* answers with what there is; the next goes on from there.
        clock: seconds, rising.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        propagators: PropagatorFactory,
        media: Media,
        tasks: Tasks,
        *,
        answer_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._segmenter = segmenter
        self._propagators = propagators
        self._media = media
        self._tasks = tasks
        self._answer_seconds = answer_seconds
        self._clock = clock

    def answer(self, request: TrackingRequest) -> list[Region]:
        """The regions that a request asks for.

        A click answers its own frame. *Track* answers all frames on which an object is known.

        Raises:
            TrackAnythingError: the request cannot be answered; nothing that was known is lost.
        """
        deadline = self._clock() + self._answer_seconds
        with self._tasks.turn(request.task) as turn:
            if turn.state.addresses != request.addresses:
                turn.state.restart(request.addresses)
            live = self._live(turn.state, request)
            if request.interaction.command is Command.TRACK:
                self._track(live, turn, deadline)
                regions = _all_regions(live.session, request, turn.state.shown)
            else:
                regions = [self._click(live, turn.state, request)]
            turn.state.shown.update(region["id"] for region in regions)
            return regions

    def _live(self, state: TaskState, request: TrackingRequest) -> LiveSession:
        """The task's session; made again from the remembered prompts where it is not live."""
        if state.live is None:
            lease = self._media.lease(request.addresses, request.connection)
            try:
                session = Session(ImageList(lease.paths), self._segmenter, self._propagators)
            except BaseException:
                lease.release()
                raise
            for prompt in state.memory.prompts():
                session.prompt(prompt)
            state.live = LiveSession(session, lease)
        _check_size(state.live.session, request.interaction)
        return state.live

    def _click(self, live: LiveSession, state: TaskState, request: TrackingRequest) -> Region:
        """The mask on the frame of the newest prompt."""
        asked = request.interaction
        before = state.memory
        memory = before.with_interaction(asked)
        for frame in before.changed_frames(memory, asked.label):
            if frame != asked.frame:
                memory = _catch_up(live.session, memory, asked.label, frame)
        memory, found = _prompt(live.session, memory, asked.label, asked.frame)
        state.memory = memory
        live.tracking = None
        if set(before.frames(asked.label)) - set(memory.frames(asked.label)):
            # All prompts of a frame were deleted; only a new session is without that anchor.
            state.close()
        return build_region(
            request.config, asked.label, asked.label, asked.frame, found.mask, found.score
        )

    def _track(self, live: LiveSession, turn: Turn, deadline: float) -> None:
        """Go on with the tracking, or begin, until done, out of time or superseded."""
        if live.tracking is None:
            live.tracking = live.session.propagate()
        try:
            for _ in live.tracking:
                if self._clock() > deadline or turn.is_superseded():
                    return
        except BaseException:
            live.tracking = None
            raise


def _prompt(
    session: Session, memory: PromptMemory, label: str, frame: FrameIndex
) -> tuple[PromptMemory, Segmentation]:
    """Prompt with all that is remembered of a label on a frame."""
    if memory.needs_start(label, frame):
        tracked = session.mask(frame, label)
        if tracked is not None:
            memory = memory.with_start(label, frame, tracked)
    return memory, session.prompt(memory.prompt(label, frame))


def _catch_up(
    session: Session, memory: PromptMemory, label: str, frame: FrameIndex
) -> PromptMemory:
    """Prompt on a frame whose earlier request failed or was superseded.

    Where it fails again it must not stand in the way of the frame that is asked for now.
    """
    if not memory.rows_on(label, frame):
        return memory
    try:
        return _prompt(session, memory, label, frame)[0]
    except TrackAnythingError as error:
        logger.warning("prompts of %r on frame %d are left out: %s", label, frame, error)
        return memory.without(label, frame)


def _all_regions(session: Session, request: TrackingRequest, shown: set[str]) -> list[Region]:
    """All that is known on all frames, but for what a human changed by hand."""
    frames = (session.frame_masks(frame) for frame in range(len(session.source)))
    labels = {object_id: object_id for object_id in session.objects}
    return list(build_regions(frames, request.config, labels, skip=request.edited, shown=shown))


def _check_size(session: Session, interaction: Interaction) -> None:
    """Refuse percent of another picture than ours."""
    height, width = session.source.size
    for row in interaction.rows:
        if row.size != (height, width):
            raise PromptError(
                f"expected clicks on pictures of {width}x{height} pixels, the size of the first "
                f"frame, got one of {row.size[1]}x{row.size[0]}: the frames need one size"
            )
