"""What a human did to masks by hand: painted, erased, deleted, undone.

Nothing of that sends a request. It is read from the draft or annotation that comes with the next
one, by comparing it with what it showed before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ml_backend.clicked_object import new_object
from ml_backend.editor_notes import HandMask, WorkNotes
from ml_backend.mask_rows import MaskRow, digest_of
from ml_backend.regions import region_id
from trackanything_core.errors import MaskError
from trackanything_core.types import FrameIndex, Mask, ObjectId

logger = logging.getLogger(__name__)

Place = tuple[ObjectId, FrameIndex]
"""An object on a frame of the session."""

_EMPTY = ""
"""Digest of an empty mask."""

_SAME_THING = 0.5
"""Share of the smaller mask that two masks have in common if they show one object."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of the session, as far as hand work has to be understood.

    Attributes:
        labels: the label of each object, oldest first.
        taken: names that no new object may have.
        many: whether a label may have many objects.
        first_frame: frame of the session that is frame 0 of the task.
        masks: the known masks (H, W) of a frame of the session.
    """

    labels: Mapping[ObjectId, str]
    taken: frozenset[ObjectId]
    many: bool
    first_frame: FrameIndex
    masks: Callable[[FrameIndex], Mapping[ObjectId, Mask]]


@dataclass(slots=True)
class HandWork:
    """What is to be done to the session.

    Attributes:
        anchors: masks (H, W) that a human gave; an empty one says that the object is not there.
        undone: where a human took a change back.
        removed: objects whose regions a human deleted, all of them.
        labels: of objects that are new.
    """

    anchors: dict[Place, Mask] = field(default_factory=dict)
    undone: list[Place] = field(default_factory=list)
    removed: list[ObjectId] = field(default_factory=list)
    labels: dict[ObjectId, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.anchors or self.undone or self.removed)


def begin_work(rows: Sequence[MaskRow], scene: Scene, others: Sequence[WorkNotes]) -> WorkNotes:
    """The notes of an annotation that is new here: it holds what it shows.

    Hand work that another annotation or draft brought before is not news in this one: a draft
    becomes an annotation when it is submitted.
    """
    notes = WorkNotes()
    for row in rows:
        known = (work.hand.get(row.id) for work in others)
        taken_over = next((h for h in known if h is not None and h.written == row.written), None)
        if taken_over is not None:
            notes.hand[row.id] = taken_over.model_copy()
        elif _owner(row, scene.labels) is not None and not row.by_hand:
            notes.regions[row.id] = _digest_or_unknown(row)
    return notes


def read_hand_work(rows: Sequence[MaskRow], notes: WorkNotes, scene: Scene) -> HandWork:
    """Find what a human did since the annotation was last read, and note that it was found.

    Args:
        rows: the masks of the annotation now.
        notes: of the annotation; changed.
        scene: what is known of the session.
    """
    found = HandWork()
    shown = {row.id: row for row in rows}
    touched = _painted(rows, notes, scene, found)
    for region in set(notes.seen) - shown.keys():
        place = _place_of(region, notes, scene)
        notes.hand.pop(region, None)
        # The editor itself drops a region that was answered empty.
        if notes.regions.pop(region, None) != _EMPTY and place is not None:
            touched.add(place)
    for region, hand in list(notes.hand.items()):
        if region in shown and hand.holds and not shown[region].by_hand:
            del notes.hand[region]
            touched.add((hand.object_id, hand.frame))
    places = {row.id: _place(row, notes, scene) for row in rows}
    left = {place[0] for place in places.values() if place is not None}
    found.removed = sorted({object_id for object_id, _ in touched} - left)
    for place in sorted(touched):
        if place[0] not in found.removed:
            _settle(place, [row for row in rows if places[row.id] == place], notes, scene, found)
    notes.seen = sorted(region for region, place in places.items() if place is not None)
    return found


def places_by_hand(
    rows: Sequence[MaskRow], notes: WorkNotes, names: Iterable[ObjectId], first_frame: FrameIndex
) -> dict[Place, list[str]]:
    """The regions that are a human's own now, by place; damaged ones too."""
    names = tuple(names)
    found: dict[Place, list[str]] = {}
    for row in rows:
        hand = notes.hand.get(row.id)
        owner = hand.object_id if hand else _owner(row, names)
        if row.by_hand and owner is not None:
            found.setdefault((owner, row.frame + first_frame), []).append(row.id)
    return found


def _painted(
    rows: Sequence[MaskRow], notes: WorkNotes, scene: Scene, found: HandWork
) -> set[Place]:
    """The places of masks that are not as they were last read; notes what they are now."""
    touched: set[Place] = set()
    for row in rows:
        known = notes.hand.get(row.id)
        written = row.written
        if not row.by_hand or (known is not None and known.written == written):
            continue
        try:
            mask = row.decode()
        except MaskError as error:
            logger.warning("region %s on frame %d is left out: %s", row.id, row.frame, error)
            continue
        frame = row.frame + scene.first_frame
        owner = known.object_id if known else _owner(row, scene.labels)
        if owner is None:
            owner = _meant(mask, row.label, frame, scene, found)
        # As it was answered: something else was changed, such as its label.
        holds = notes.regions.get(row.id) != digest_of(mask)
        notes.hand[row.id] = HandMask(object_id=owner, frame=frame, written=written, holds=holds)
        if holds:
            touched.add((owner, frame))
    return touched


def _settle(
    place: Place, rows: Sequence[MaskRow], notes: WorkNotes, scene: Scene, found: HandWork
) -> None:
    """What the rows of one object on one frame amount to."""
    held = [row for row in rows if row.id in notes.hand and notes.hand[row.id].holds]
    if rows and not held:
        found.undone.append(place)
        return
    pieces = []
    for row in rows:
        try:
            pieces.append(row.decode())
        except MaskError as error:
            logger.warning("region %s on frame %d is left out: %s", row.id, row.frame, error)
    if pieces:
        found.anchors[place] = np.logical_or.reduce(pieces)
    elif not rows:
        masks = scene.masks(place[1])
        size = next((mask.shape for mask in masks.values()), None)
        if size is not None:
            found.anchors[place] = np.zeros(size, np.bool_)


def _owner(row: MaskRow, names: Iterable[ObjectId]) -> ObjectId | None:
    """The object whose region, as answered, a row is."""
    return next((name for name in names if region_id(name, row.frame) == row.id), None)


def _place(row: MaskRow, notes: WorkNotes, scene: Scene) -> Place | None:
    hand = notes.hand.get(row.id)
    owner = hand.object_id if hand else _owner(row, scene.labels)
    return None if owner is None else (owner, row.frame + scene.first_frame)


def _place_of(region: str, notes: WorkNotes, scene: Scene) -> Place | None:
    """The place of a region that is no longer shown."""
    if region in notes.hand:
        return notes.hand[region].object_id, notes.hand[region].frame
    frame = region.rpartition("-f")[2]
    if not frame.isdecimal():
        return None
    owner = next((name for name in scene.labels if region_id(name, int(frame)) == region), None)
    return None if owner is None else (owner, int(frame) + scene.first_frame)


def _meant(mask: Mask, label: str, frame: FrameIndex, scene: Scene, found: HandWork) -> ObjectId:
    """The object that a painted mask belongs to; a new one where it belongs to none."""
    labels = {**scene.labels, **found.labels}
    same = [name for name, of in labels.items() if of == label]
    if same and not scene.many:
        return same[0]
    known = scene.masks(frame)
    shares = {name: _share(mask, known[name]) for name in same if name in known}
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is not None and shares[best] >= _SAME_THING:
        return best
    name = new_object(label, {*labels, *scene.taken})
    found.labels[name] = label
    return name


def _share(first: Mask, second: Mask) -> float:
    smaller = min(np.count_nonzero(first), np.count_nonzero(second))
    return np.count_nonzero(first & second) / smaller if smaller else 0.0


def _digest_or_unknown(row: MaskRow) -> str:
    try:
        return digest_of(row.decode())
    except MaskError:
        return "?"
