"""What a request asks, done: clicks become a mask, commands act on all of a session."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

from ml_backend.answers import News, Window, find_news, places_of
from ml_backend.arrivals import Arrivals
from ml_backend.editor_notes import EditorNotes, WorkNotes
from ml_backend.errors import RequestError, TrackingError
from ml_backend.hand_work import Place, places_by_hand
from ml_backend.label_config import Command, FramesConfig
from ml_backend.mask_rows import MaskRow
from ml_backend.next_frame import mark_frame
from ml_backend.prompts import Interaction
from ml_backend.regions import Region
from ml_backend.session_editor import UNSAVED, SessionEditor
from ml_backend.sources import frames_source
from trackanything_core.errors import PromptError
from trackanything_core.jobs.workspace import LiveSession, Workspace
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex

logger = logging.getLogger(__name__)

Objects = Literal["one", "many"]
"""How many objects one label may have."""


class TaskKey(NamedTuple):
    """A task: `project` as Label Studio names it in requests (number and time of making)."""

    project: str
    task: int

    def __str__(self) -> str:
        return f"project {self.project} task {self.task}"


@dataclass(frozen=True, slots=True)
class TrackingTask:
    """A task, and the session that it stands for.

    Attributes:
        key: which task.
        addresses: of its frames, in order.
        session: name of a session that several tasks share; "" where the task has its own.
        first_frame: frame of the session that is frame 0 of the task.
    """

    key: TaskKey
    addresses: tuple[str, ...]
    session: str = ""
    first_frame: FrameIndex = 0

    @property
    def session_id(self) -> str:
        """Name of the session in the database; other frames are another session."""
        if self.session:
            return self.session
        text = "\n".join(self.addresses).encode()
        return f"ls-{self.key.project}-{self.key.task}-{blake2b(text, digest_size=4).hexdigest()}"


@dataclass(frozen=True, slots=True)
class OpenWork:
    """The draft or annotation that the editor has open, as it was saved last.

    Attributes:
        name: stays the same while it is worked on; "new" where nothing is saved.
        rows: its masks.
        saved: when, in seconds since the epoch.
    """

    name: str = "new"
    rows: tuple[MaskRow, ...] = ()
    saved: float = 0.0


@dataclass(frozen=True, slots=True)
class TrackingRequest:
    """What a request is about: a task, as it is in the editor of who asks.

    Attributes:
        task: which task.
        config: the project's labelling configuration.
        work: what the editor has open.
        objects: how many objects a label may have, where the project says so.
        user: who asks, if it is known.
    """

    task: TrackingTask
    config: FramesConfig
    work: OpenWork = OpenWork()
    objects: Objects | None = None
    user: str = ""


@dataclass(slots=True)
class _Edit:
    """A session that is lent to a request, with the notes on the editor."""

    request: TrackingRequest
    live: LiveSession
    notes: EditorNotes
    editor: SessionEditor
    work: WorkNotes

    @property
    def session(self) -> Session:
        return self.live.session

    @property
    def window(self) -> Window:
        task = self.request.task
        return Window(task.first_frame, len(task.addresses), self.session.source.size)

    def news(self, asked: Place | None = None) -> News:
        """What the annotation does not hold as it is now."""
        changed = set(self.live.changed_since(self.work.mark)) | self.editor.touched
        gone = places_of(self.work, self.session.objects, self.notes.names, self.window)
        for name, frames in self.session.anchors.items():
            self.notes.seeds.setdefault(name, frames[0])
        return find_news(
            changed | gone,
            self.work,
            self.request.config,
            self.window,
            self.notes.names,
            self.session.frame_masks,
            by_hand=places_by_hand(
                self.request.work.rows, self.work, self.notes.names, self.window.first
            ),
            asked=asked,
            seeds=self.notes.seeds,
        )


FindFrames = Callable[[TrackingTask, str], Sequence[str]]


class Tracker:
    """Answers interactive requests. Safe for many threads, and for many processes at a time.

    Args:
        workspace: the sessions, and the work on them.
        answer_seconds: after this, *Track* answers with what there is; the rest comes with later
            answers.
        objects: how many objects a label may have, where the project does not say.
        find_frames: gives the addresses of all frames of the session that a task shares with
            others, from the task and the key of the list of frames in its data.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        answer_seconds: float,
        objects: Objects = "one",
        find_frames: FindFrames | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace = workspace
        self._answer_seconds = answer_seconds
        self._objects: Objects = objects
        self._find_frames = find_frames
        self._clock = clock
        self._arrivals = Arrivals()

    def answer(self, request: TrackingRequest, asked: Interaction) -> list[Region]:
        """The regions that a request asks for.

        A click answers its own frame, *Track* waits for all frames; with both comes whatever else
        is new to the annotation.

        Args:
            request: whose request it is.
            asked: what it asks for.

        Raises:
            TrackAnythingError: the request cannot be answered; nothing that was known is lost.
        """
        deadline = self._clock() + self._answer_seconds
        request = replace(request, task=self.settle(request.task))
        session_id = request.task.session_id
        editor = request.task.key, request.work.name
        with self._arrivals.arrive(editor) as is_superseded:
            if asked.command is Command.STOP:
                self._workspace.cancel(session_id)
            if asked.command is not Command.TRACK:
                with self._edit(request, asked) as edit:
                    news = self._do(edit, asked)
                    self._give(edit, news, is_superseded())
                return news.regions
            with self._edit(request, asked) as edit:
                if not edit.session.objects:
                    raise PromptError(
                        "nothing to track: prompt an object first, with a click or a box"
                    )
                number = edit.work.requests
            self._track(request, deadline, is_superseded)
            with self._edit(request, None) as edit:
                news = edit.news()
                self._give(edit, news, is_superseded() or edit.work.requests != number)
                return news.regions

    def settle(self, task: TrackingTask) -> TrackingTask:
        """The task as it is tracked.

        That is by itself where the session that it names is not there, and nobody can find all
        frames to make it.
        """
        is_there = not task.session or self._workspace.store.sessions.find(task.session)
        if self._find_frames is None and not is_there:
            return replace(task, session="", first_frame=0)
        return task

    def take_over(self, request: TrackingRequest) -> bool:
        """Take over what a human did by hand in an annotation, without anything to answer.

        Returns:
            Whether the task has objects now.

        Raises:
            TrackAnythingError: the session cannot be opened.
        """
        request = replace(request, task=self.settle(request.task))
        known = self._workspace.store.sessions.find(request.task.session_id)
        if known is None and not any(row.by_hand for row in request.work.rows):
            return False
        with self._edit(request, None, read=True) as edit:
            return bool(edit.session.objects)

    def _do(self, edit: _Edit, asked: Interaction) -> News:
        if asked.command is None:
            return edit.news(edit.editor.click(asked, edit.work))
        if asked.command is Command.FORGET:
            edit.editor.forget(asked)
        news = edit.news()
        if asked.command is Command.NEXT:
            return News([*news.regions, _next_region(edit, asked)], news.digests)
        return news

    def _track(
        self, request: TrackingRequest, deadline: float, is_superseded: Callable[[], bool]
    ) -> None:
        """Have everything tracked; wait for it, until time is up or another request has come."""
        session_id = request.task.session_id
        self._workspace.track(session_id, user=request.user, project=request.task.key.project)
        seconds = max(deadline - self._clock(), 0.0)
        status = self._workspace.wait(session_id, seconds, until=is_superseded)
        if status is not None and status.state == "failed":
            raise TrackingError(f"tracking failed: {status.error}")

    @contextmanager
    def _edit(
        self, request: TrackingRequest, asked: Interaction | None, *, read: bool = False
    ) -> Iterator[_Edit]:
        """Lend the session, with what a human did by hand taken over.

        Args:
            request: for whom.
            asked: what is asked, where a request has just come.
            read: whether hand work is read though nothing is asked.
        """
        task, work = request.task, request.work
        source = self._source(request)
        # A session may have several tasks; drafts and annotations have numbers of their own.
        unsaved = f"{UNSAVED} {task.key.task}"
        name = unsaved if work.name == UNSAVED else work.name
        with self._workspace.edit(task.session_id, source) as live:
            notes = EditorNotes.read(live.notes)
            notes.objects = request.objects or notes.objects
            editor = SessionEditor(
                live.session,
                notes,
                many=(notes.objects or self._objects) == "many",
                first_frame=task.first_frame,
            )
            if asked is not None or read:
                open_work = editor.open_work(
                    name, work.rows, work.saved, self._clock(), unsaved=unsaved
                )
            else:
                # A newer request may have found a draft where there was none.
                open_work = notes.works.get(name, WorkNotes())
            if asked is not None:
                open_work.requests += 1
                if notes.prompts.repeats(asked):
                    open_work.take_back()
                if asked.command:
                    notes.prompts = notes.prompts.with_known(asked)
            try:
                yield _Edit(request, live, notes, editor, open_work)
            finally:
                notes.write(live.notes)
                live.labels.update(notes.names)

    def _source(self, request: TrackingRequest) -> dict[str, Any]:
        """Which video the session of a task is for; a new session is made for it."""
        task = request.task
        if not task.session:
            return frames_source(task.key.project, task.addresses)
        known = self._workspace.store.sessions.find(task.session)
        if known is None:
            assert self._find_frames is not None  # else `settle` has left the session out
            addresses = self._find_frames(task, request.config.frames_key)
            return frames_source(task.key.project, addresses)
        if known.source.get("project") != task.key.project:
            # Task data is written by whoever may import: it opens no other project's session.
            raise RequestError(
                f"session {task.session} belongs to another project: import the video here too"
            )
        return dict(known.source)

    def _give(self, edit: _Edit, news: News, superseded: bool) -> None:
        """Note what the editor has now; nothing where it waits for a newer answer already."""
        if not superseded:
            edit.work.give(news.digests, edit.live.mark, self._clock())


def _next_region(edit: _Edit, asked: Interaction) -> Region:
    """A mark on the frame of the task that is most worth a look.

    Raises:
        PromptError: there is nothing to look at.
    """
    window = edit.window
    found = edit.session.suggest(len(edit.session.source))
    suggestion = next((s for s in found if s.frame in window), None)
    if suggestion is None:
        raise PromptError("no frame needs a look: track first, or go on with another task")
    mask = edit.session.mask(suggestion.frame, suggestion.object_id)
    if mask is None:
        raise PromptError(f"frame {suggestion.frame} has no mask yet: track first")
    reason = f"please check {suggestion.object_id}: {suggestion.reason}"
    return mark_frame(
        edit.request.config,
        asked.label,
        asked.rows[-1].control,
        suggestion.frame - window.first,
        mask,
        reason,
    )
