"""Boxes on a `<Video>`: a box that is relabelled becomes a track of few key frames.

Every box of the editor is an object. Its key frames are prompts, unless they are the ones that
were answered before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from ml_backend.errors import RequestError, TrackingError
from ml_backend.frame_clock import FrameClock, open_clock
from ml_backend.label_config import VideoConfig
from ml_backend.polygons import Points
from ml_backend.regions import Region
from ml_backend.sources import video_source
from ml_backend.tracker import TaskKey
from ml_backend.video_boxes import Edges, read_sequence, write_sequence
from ml_backend.video_rows import build_video_row
from ml_backend.video_vectors import sample_ring, write_vector_sequence
from trackanything_core.errors import PromptError
from trackanything_core.jobs.view import SessionView
from trackanything_core.jobs.workspace import LiveSession, Workspace
from trackanything_core.masks.ops import bounding_box
from trackanything_core.types import Box, FrameIndex, Mask, ObjectId, Prompt

logger = logging.getLogger(__name__)

_KEY = "video"
_SAME_PIXELS = 0.5
"""A key frame that lies so near to the one that was answered is that one."""


class _Value(BaseModel):
    sequence: list[dict[str, Any]] = Field(min_length=1)
    labels: list[str] = []


class BoxRow(BaseModel):
    """A box of the editor.

    Attributes:
        id: the editor's name of the region, and ours of the object.
    """

    id: str
    value: _Value


class _Given(BaseModel):
    """What is known of one box: by frame of the file, what a human drew and what was answered."""

    drawn: dict[FrameIndex, Edges] = {}
    answered: dict[FrameIndex, Edges] = {}


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """One interactive request on a video, understood.

    Attributes:
        key: which task.
        address: of the video.
        config: the project's labelling configuration.
        rate: the frames per second that the editor reckons with.
        rows: the boxes of one label, the newest last.
        user: who asks, if it is known.
    """

    key: TaskKey
    address: str
    config: VideoConfig
    rate: float
    rows: tuple[BoxRow, ...]
    user: str = ""

    @property
    def session_id(self) -> str:
        """Name of the session in the database."""
        return f"ls-{self.key.project}-{self.key.task}-video"


def read_boxes(rows: Sequence[Mapping[str, Any]], config: VideoConfig) -> tuple[BoxRow, ...]:
    """The boxes of a request.

    Raises:
        RequestError: a row is not formed as the editor forms it, or none is a box.
    """
    try:
        boxes = tuple(
            BoxRow.model_validate(row) for row in rows if row.get("from_name") == config.boxes
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RequestError(
            f"expected a box on a video, got one with {where}: {first['msg']}"
        ) from None
    if not boxes:
        raise RequestError(f"expected a box of {config.boxes!r}, got {len(rows)} rows without one")
    return boxes


class VideoTracker:
    """Answers interactive requests on videos. Safe for many threads and processes.

    Args:
        workspace: the sessions, and the work on them.
        answer_seconds: after this, the answer has the track as far as it goes; the next has more.
        warn: told where something is not as it should be, and about what.
        clock: seconds, rising.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        answer_seconds: float,
        warn: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._answer_seconds = answer_seconds
        self._warn = warn
        self._clock = clock

    def answer(self, request: VideoRequest) -> list[Region]:
        """The tracks of the boxes of a request; each replaces the box with its id.

        Where the configuration has a control for outlines, an outline of each follows.

        Raises:
            TrackAnythingError: the request cannot be answered; nothing that was known is lost.
        """
        deadline = self._clock() + self._answer_seconds
        labels = {row.id: _label(row) for row in request.rows}
        source = video_source(request.key.project, request.address)
        with self._workspace.edit(request.session_id, source) as live:
            clock = open_clock(live.session.source, request.rate)
            known = _read_notes(live)
            for row in request.rows:
                given = known.setdefault(row.id, _Given())
                known[row.id] = self._prompt(live, row, given, clock)
            live.labels.update(labels)
            _write_notes(live, known)
        if clock.problem:
            self._warn(str(request.key), clock.problem)
        self._track(request, deadline)
        view = self._workspace.view(request.session_id)
        answer = [_box_row(row, known[row.id], request.config, view, clock) for row in request.rows]
        with self._workspace.edit(request.session_id) as live:
            notes = _read_notes(live)
            for row, region in zip(request.rows, answer, strict=True):
                keys = _key_boxes(region["value"]["sequence"], live.session.source.size, clock)
                notes[row.id] = notes.get(row.id, _Given()).model_copy(update={"answered": keys})
            _write_notes(live, notes)
        if request.config.vectors:
            answer += [_outline_row(row, request.config, view, clock) for row in request.rows]
        return answer

    def _prompt(self, live: LiveSession, row: BoxRow, given: _Given, clock: FrameClock) -> _Given:
        """Prompt where a human has drawn or moved the box, and forget where it was deleted."""
        session, drawn = live.session, dict(given.drawn)
        shown = _key_boxes(row.value.sequence, session.source.size, clock)
        for frame in drawn.keys() - shown.keys():
            if frame in session.anchors.get(row.id, ()):
                session.forget_anchor(frame, row.id)
            del drawn[frame]
        for frame, edges in shown.items():
            if _is_near(edges, drawn.get(frame)):
                continue
            if frame not in drawn and _is_near(edges, given.answered.get(frame)):
                continue
            session.prompt(Prompt(row.id, frame, box=_box(edges, session.source.size)))
            drawn[frame] = edges
        return given.model_copy(update={"drawn": drawn})

    def _track(self, request: VideoRequest, deadline: float) -> None:
        self._workspace.track(request.session_id, user=request.user, project=request.key.project)
        seconds = max(deadline - self._clock(), 0.0)
        status = self._workspace.wait(request.session_id, seconds)
        if status is not None and status.state == "failed":
            raise TrackingError(f"tracking failed: {status.error}")


def _box_row(
    row: BoxRow, given: _Given, config: VideoConfig, view: SessionView, clock: FrameClock
) -> Region:
    boxes: dict[FrameIndex, Edges | None] = {}
    scores = []
    for frame, mask, score in _seen(view, row.id):
        if bounds := bounding_box(mask):
            left, top, width, height = bounds
            boxes[frame] = (left, top, left + width, top + height)
            scores.append(score)
    boxes |= given.drawn  # a human's box stays as it was drawn
    return build_video_row(
        "videorectangle",
        row.id,
        config.boxes or "",
        config.video_name,
        _label(row),
        write_sequence(boxes, view.size, clock, keep=given.drawn.keys()),
        clock,
        _mean(scores),
    )


def _outline_row(row: BoxRow, config: VideoConfig, view: SessionView, clock: FrameClock) -> Region:
    rings: dict[FrameIndex, Points] = {}
    scores = []
    for frame, mask, score in _seen(view, row.id):
        rings[frame] = sample_ring(mask)
        scores.append(score)
    return build_video_row(
        "videovectorlabels",
        f"{row.id}-outline",
        config.vectors or "",
        config.video_name,
        _label(row),
        write_vector_sequence(rings, view.size, clock),
        clock,
        _mean(scores),
    )


def _seen(view: SessionView, object_id: ObjectId) -> Iterator[tuple[FrameIndex, Mask, float]]:
    """The masks of an object and their scores, where it is in sight."""
    for frame in range(view.frames):
        found = view.frame_masks(frame)
        if object_id in found.masks and found.masks[object_id].any():
            yield frame, found.masks[object_id], found.scores[object_id]


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores) if scores else 0.0


def _key_boxes(
    sequence: Sequence[Mapping[str, Any]], size: tuple[int, int], clock: FrameClock
) -> dict[FrameIndex, Edges]:
    """The boxes on key frames, by frame of the file."""
    shown = read_sequence(sequence, size)
    return {clock.index_of(int(key["frame"])): shown[int(key["frame"])] for key in sequence}


def _is_near(edges: Edges, other: Edges | None) -> bool:
    return other is not None and all(
        abs(a - b) <= _SAME_PIXELS for a, b in zip(edges, other, strict=True)
    )


def _box(edges: Edges, size: tuple[int, int]) -> Box:
    """The pixels that a box covers; the right edge of pixel x lies at x + 1."""
    height, width = size
    left, top, right, bottom = edges
    return Box(
        min(max(left, 0.0), width - 1),
        min(max(top, 0.0), height - 1),
        min(max(right - 1, 0.0), width - 1),
        min(max(bottom - 1, 0.0), height - 1),
    )


def _label(row: BoxRow) -> str:
    if not row.value.labels:
        raise PromptError("the box has no label: choose one for it")
    return row.value.labels[0]


def _read_notes(live: LiveSession) -> dict[ObjectId, _Given]:
    try:
        return {k: _Given.model_validate(v) for k, v in live.notes.get(_KEY, {}).items()}
    except ValidationError:
        return {}


def _write_notes(live: LiveSession, known: Mapping[ObjectId, _Given]) -> None:
    live.notes[_KEY] = {k: v.model_dump(mode="json") for k, v in known.items()}
