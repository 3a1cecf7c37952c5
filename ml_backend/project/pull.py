"""Annotations out of a project: the masks of each session, in the formats of the core."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ml_backend.errors import LabelStudioError
from ml_backend.label_config import FramesConfig
from ml_backend.label_studio import LabelStudio
from ml_backend.mask_rows import MaskRow, read_mask_rows
from ml_backend.shared_sessions import TaskWindow, window_of
from trackanything_core.export.coco import CocoObject, write_coco
from trackanything_core.export.davis import DavisWriter
from trackanything_core.masks.palette import davis_palette
from trackanything_core.tracking.object_track import TrackContents
from trackanything_core.tracking.session_file import write_session
from trackanything_core.tracking.session_schema import SavedSession
from trackanything_core.tracking.stored_mask import StoredMask
from trackanything_core.types import FrameIndex, Mask, ObjectId

_REGION = re.compile(r"(?P<object>.+)-f(?P<frame>\d+)")
"""How this backend names the region of an object on a frame of its task."""

_SURE = 1.0


@dataclass(slots=True)
class AnnotatedSession:
    """The submitted annotations of all tasks of a session.

    Attributes:
        name: of the session.
        video: name of the file that it comes from.
        frames: of the session.
        tasks: that the session has in the project.
        annotated: of them, with an annotation.
        masks: rows by frame of the session.
        labels: of each object, in the order met.
    """

    name: str
    video: str
    frames: int
    tasks: int = 0
    annotated: int = 0
    masks: dict[FrameIndex, list[tuple[ObjectId, MaskRow]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    labels: dict[ObjectId, str] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames in pixels.

        Raises:
            LabelStudioError: there are no masks, or masks of two sizes.
        """
        sizes = {row.size for rows in self.masks.values() for _, row in rows}
        if len(sizes) != 1:
            raise LabelStudioError(
                f"expected masks of one size in session {self.name}, got {sorted(sizes) or 'none'}"
            )
        return sizes.pop()

    def add(self, window: TaskWindow, rows: Iterable[MaskRow]) -> None:
        """Take in the masks of one task."""
        self.annotated += 1
        for row in rows:
            object_id = object_of(row)
            self.labels.setdefault(object_id, row.label)
            self.masks[window.first_frame + row.frame].append((object_id, row))

    def masks_of(self, frame: FrameIndex) -> dict[ObjectId, Mask]:
        """The masks of a frame, (H, W) bool; several regions of one object are one mask.

        Raises:
            MaskError: one is damaged.
        """
        found: dict[ObjectId, Mask] = {}
        for object_id, row in self.masks.get(frame, ()):
            mask = row.decode()
            found[object_id] = found[object_id] | mask if object_id in found else mask
        return found


def object_of(row: MaskRow) -> ObjectId:
    """The object that a mask belongs to: as its region is named, or else as it is labelled."""
    named = _REGION.fullmatch(row.id)
    if named and int(named["frame"]) == row.frame:
        return unquote(named["object"])
    return row.label


def read_sessions(
    label_studio: LabelStudio, project: int, config: FramesConfig
) -> list[AnnotatedSession]:
    """The sessions of a project with the newest annotation of each of their tasks.

    A task that was not imported by `trackanything project import` is a session of its own.
    """
    sessions: dict[str, AnnotatedSession] = {}
    for task in label_studio.tasks(project):
        window = window_of(task["data"]) or _alone(task, config)
        session = sessions.setdefault(
            window.session, AnnotatedSession(window.session, window.video, window.frames)
        )
        session.tasks += 1
        result = _newest(label_studio.annotations(task["id"]))
        if result is not None:
            session.add(window, read_mask_rows(result, config.prompt_names))
    return list(sessions.values())


def write_masks(session: AnnotatedSession, folder: Path) -> None:
    """Write masks/ (DAVIS index maps), masks.json (COCO RLE) and session.json.gz.

    In the session, which `Session.load` opens, every mask is an anchor: a human has submitted it.

    Args:
        session: with masks.
        folder: where to write; it exists.

    Raises:
        LabelStudioError: there are no masks, or masks of two sizes.
        MaskError: one is damaged, or there are too many objects.
    """
    size, objects = session.size, sorted(session.labels)
    davis = DavisWriter(folder / "masks", objects, size)
    anchors: dict[ObjectId, dict[FrameIndex, StoredMask]] = {name: {} for name in objects}
    with write_coco(
        folder / "masks.json",
        video=session.video,
        size=size,
        frames=session.frames,
        objects=list(_listed(session, objects)),
    ) as coco:
        for frame in range(session.frames):
            masks = session.masks_of(frame)
            davis.write(frame, masks)
            coco.write(frame, masks)
            for name, mask in masks.items():
                anchors[name][frame] = StoredMask.encode(mask, _SURE)
    tracks = {name: TrackContents(anchors[name], {}, {}) for name in objects}
    write_session(folder / "session.json.gz", SavedSession(session.frames, size, (), tracks))


def _listed(session: AnnotatedSession, objects: Sequence[ObjectId]) -> Iterator[CocoObject]:
    colors = davis_palette()[1 : len(objects) + 1].tolist()
    for name, (red, green, blue) in zip(objects, colors, strict=True):
        yield CocoObject(name, session.labels[name], (red, green, blue))


def _alone(task: Mapping[str, Any], config: FramesConfig) -> TaskWindow:
    frames = task["data"].get(config.frames_key)
    name = f"task-{task['id']}"
    count = max(len(frames), 1) if isinstance(frames, list) else 1
    return TaskWindow(session=name, first_frame=0, frames=count, video=name)


def _newest(annotations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    submitted = [found for found in annotations if not found.get("was_cancelled")]
    if not submitted:
        return None
    result: list[dict[str, Any]] = max(submitted, key=lambda found: found["updated_at"])["result"]
    return result
