"""What a human said in the editor, done to a session."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ml_backend.clicked_object import choose_object, nearest_object, touches
from ml_backend.editor_notes import EditorNotes, WorkNotes
from ml_backend.hand_work import HandWork, Place, Scene, begin_work, read_hand_work
from ml_backend.mask_rows import MaskRow
from ml_backend.memory import PromptMemory
from ml_backend.prompts import Interaction
from trackanything_core.errors import PromptError, TrackAnythingError
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Mask, ObjectId, Prompt

logger = logging.getLogger(__name__)

_BESIDE = 0.05
"""Share of the picture's diagonal from which an object is meant by a click beside it.

The editor keeps clicks inside an accepted mask to itself.
"""

_NEW = "new"
_NEW_SECONDS = 15.0
"""Work of a moment ago without a draft; later, an editor without a draft is another one."""


class SessionEditor:
    """One request's changes to a session; made, used and dropped while the session is lent.

    Args:
        session: changed.
        notes: what is remembered of the editor; changed, and left alone by what fails.
        many: whether a label may have many objects.
        first_frame: frame of the session that is frame 0 of the task.
    """

    def __init__(
        self, session: Session, notes: EditorNotes, *, many: bool, first_frame: FrameIndex = 0
    ) -> None:
        self._session = session
        self._notes = notes
        self._many = many
        self._first_frame = first_frame
        self.touched: set[Place] = set()
        """Where something changed without any work of the networks."""

    @property
    def labels(self) -> dict[ObjectId, str]:
        """The label of each object, in the order in which they came."""
        names = self._notes.names
        return {name: names.get(name, name) for name in self._session.objects}

    def open_work(
        self, name: str, rows: Sequence[MaskRow], saved: float, now: float | None = None
    ) -> WorkNotes:
        """Take over what a human did by hand in an annotation, and give its notes.

        Args:
            name: of the draft or annotation; "new" where nothing is saved yet.
            rows: its masks.
            saved: when it was saved, in seconds since the epoch.
            now: the time, in seconds since the epoch.
        """
        work = self._find_work(name, rows, time.time() if now is None else now)
        if saved >= work.saved:
            # Else a request that came later was answered before, with a newer draft.
            self._take_over(read_hand_work(rows, work, self._scene()))
            work.compare({row.id for row in rows}, saved)
            work.saved = saved
        return work

    def click(self, asked: Interaction, work: WorkNotes) -> Place:
        """Prompt with the rows of a request.

        Returns:
            The object that the newest row means, and the frame of the session.

        Raises:
            PromptError: the newest row does not fit or finds nothing; it is not remembered.
        """
        asked = self._on_session(asked)
        _check_size(self._session, asked)
        before = self._notes.prompts
        memory = before.with_known(asked)
        new = before.new_rows(asked)
        labels = dict(self.labels)
        for row in new:
            owner = choose_object(
                row.mark,
                asked.label,
                labels,
                self._masks(row.frame),
                many=self._many,
                selected=row.selected,
                taken=self._notes.names.keys() - labels.keys() if self._many else (),
            )
            labels.setdefault(owner, asked.label)
            memory = memory.with_row(owner, row)
            if self._many and row is not new[-1]:
                # Where it leads to says what the next one means.
                memory = self._catch_up(memory, (owner, row.frame))
        meant = memory.object_of(asked.rows[-1].id)
        if meant is None:
            raise PromptError("the click was taken back: click again")
        place = meant, asked.frame
        for other in _changed(before, memory):
            if other != place:
                memory = self._catch_up(memory, other)
        memory = self._prompt(memory, place)
        self._notes.prompts = memory
        self._notes.names.setdefault(meant, asked.label)
        for hand in work.hand.values():
            if (hand.object_id, hand.frame) == place:
                hand.holds = False
        return place

    def forget(self, asked: Interaction) -> ObjectId:
        """Remove the object that the newest row points at, with all its masks.

        Raises:
            PromptError: it points at none.
        """
        asked = self._on_session(asked)
        row = asked.rows[-1]
        masks = self._masks(row.frame)
        near = nearest_object(row.mark, masks)
        if near is None or not (row.selected or touches(row.mark, masks[near], _BESIDE)):
            raise PromptError(
                "there is no object under the click: click on the mask of the object to forget, "
                f"or close beside it; the objects are {', '.join(self.labels) or '(none yet)'}"
            )
        self._remove(near)
        return near

    def _find_work(self, name: str, rows: Sequence[MaskRow], now: float) -> WorkNotes:
        works = self._notes.works
        fresh = works.get(_NEW)
        if fresh is not None and (fresh.last is None or now > fresh.last.time + _NEW_SECONDS):
            if name == _NEW:
                del works[_NEW]
        elif fresh is not None and name not in works:
            # Saved for the first time.
            works[name] = works.pop(_NEW)
        if name not in works:
            works[name] = begin_work(rows, self._scene(), tuple(works.values()))
        return works[name]

    def _take_over(self, found: HandWork) -> None:
        memory = self._notes.prompts
        for place, mask in found.anchors.items():
            try:
                self._session.prompt(Prompt(*place, mask=mask))
            except TrackAnythingError as error:
                logger.warning("the mask of %r on frame %d is left out: %s", *place, error)
                continue
            memory = memory.without(*place)
            owner = place[0]
            self._notes.names.setdefault(owner, found.labels.get(owner, owner))
            self.touched.add(place)
        for place in found.undone:
            memory = self._catch_up(memory, place)
        self._notes.prompts = memory
        for object_id in found.removed:
            self._remove(object_id)

    def _remove(self, object_id: ObjectId) -> None:
        if object_id in self._session.objects:
            self._session.remove(object_id)
        self._notes.prompts = self._notes.prompts.without(object_id)

    def _prompt(self, memory: PromptMemory, place: Place) -> PromptMemory:
        """Prompt with all that is remembered of an object on a frame."""
        object_id, frame = place
        if memory.needs_start(*place):
            known = self._session.mask(frame, object_id)
            if known is not None and known.any():
                memory = memory.with_start(object_id, frame, known)
        self._session.prompt(memory.prompt(object_id, frame))
        self.touched.update((name, frame) for name in self._session.objects)
        return memory

    def _catch_up(self, memory: PromptMemory, place: Place) -> PromptMemory:
        """Bring an anchor in line with what is remembered, for an earlier request.

        That one failed or was superseded, or its prompts were moved or deleted since. Where it
        fails again it must not stand in the way of what is asked for now.
        """
        object_id, frame = place
        try:
            if memory.rows_on(*place):
                return self._prompt(memory, place)
            if frame in self._session.anchors.get(object_id, ()):
                self._session.forget_anchor(frame, object_id)
                self.touched.update((name, frame) for name in (*self._session.objects, object_id))
        except TrackAnythingError as error:
            logger.warning("prompts of %r on frame %d are left out: %s", object_id, frame, error)
        return memory.without(object_id, frame)

    def _masks(self, frame: FrameIndex) -> Mapping[ObjectId, Mask]:
        if not 0 <= frame < len(self._session.source):
            return {}
        return self._session.frame_masks(frame).masks

    def _scene(self) -> Scene:
        return Scene(
            labels=self.labels,
            taken=frozenset(self._notes.names),
            many=self._many,
            first_frame=self._first_frame,
            masks=self._masks,
        )

    def _on_session(self, asked: Interaction) -> Interaction:
        """The same with frames of the session in place of frames of the task."""
        first = self._first_frame
        rows = tuple(replace(row, frame=row.frame + first) for row in asked.rows)
        return replace(asked, frame=asked.frame + first, rows=rows)


def _changed(before: PromptMemory, after: PromptMemory) -> Iterable[Place]:
    """Where other things are said than before, ascending."""
    old, new = before.prompted, after.prompted
    return sorted(place for place in {*old, *new} if old.get(place) != new.get(place))


def _check_size(session: Session, asked: Interaction) -> None:
    """Refuse percent of another picture than ours."""
    height, width = session.source.size
    for row in asked.rows:
        if row.size != (height, width):
            raise PromptError(
                f"expected clicks on pictures of {width}x{height} pixels, the size of the first "
                f"frame, got one of {row.size[1]}x{row.size[0]}: the frames need one size"
            )
