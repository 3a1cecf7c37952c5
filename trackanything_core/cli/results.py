"""What `track` and `demo` leave behind: masks in two formats, an overlay, a summary."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TypedDict

from trackanything_core.export.coco import CocoObject, write_coco
from trackanything_core.export.davis import DavisWriter
from trackanything_core.export.overlay import write_overlay
from trackanything_core.masks.palette import davis_palette
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, ObjectId

_FPS_WHERE_UNKNOWN = Fraction(25)


class ObjectSummary(TypedDict):
    """One tracked object; the score is the mean over the frames where it is in sight, 0..1."""

    id: ObjectId
    anchors: list[FrameIndex]
    frames_in_sight: int
    mean_score: float | None


class Summary(TypedDict):
    """One tracked video; its cuts are the first frames of new shots."""

    video: str
    frames: int
    width: int
    height: int
    fps: float | None
    cuts: list[FrameIndex]
    objects: list[ObjectSummary]
    out: str
    seconds: float


def write_results(
    session: Session, folder: Path, video: str, progress: Callable[[int, int], None]
) -> list[ObjectSummary]:
    """Write masks/, masks.json and overlay.mp4, reading the video once more.

    Args:
        session: with its objects tracked.
        folder: where to write; it exists.
        video: the name to give in masks.json.
        progress: called after each frame with the frames done and the frames to do.

    Returns:
        What was found of each object.
    """
    source, objects = session.source, session.objects
    colors = davis_palette()[1 : len(objects) + 1].tolist()
    listed = [
        CocoObject(name, name, (red, green, blue))
        for name, (red, green, blue) in zip(objects, colors, strict=True)
    ]
    scores: dict[ObjectId, list[float]] = {name: [] for name in objects}
    with ExitStack() as stack:
        davis = DavisWriter(folder / "masks", objects, source.size)
        coco = stack.enter_context(
            write_coco(
                folder / "masks.json",
                video=video,
                size=source.size,
                frames=len(source),
                objects=listed,
            )
        )
        overlay = stack.enter_context(
            write_overlay(folder / "overlay.mp4", source.fps or _FPS_WHERE_UNKNOWN, objects)
        )
        for frame, image in source.iterate():
            found = session.frame_masks(frame)
            davis.write(frame, found.masks)
            coco.write(frame, found.masks, found.scores)
            overlay.write(image, found.masks)
            for name, mask in found.masks.items():
                if mask.any():
                    scores[name].append(found.scores[name])
            progress(frame + 1, len(source))
    return [
        ObjectSummary(
            id=name,
            anchors=list(session.anchors[name]),
            frames_in_sight=len(seen),
            mean_score=sum(seen) / len(seen) if seen else None,
        )
        for name, seen in scores.items()
    ]


def summarise(
    session: Session, objects: list[ObjectSummary], video: str, out: Path, seconds: float
) -> Summary:
    """Gather what a person or a machine wants to know of a finished run."""
    source = session.source
    height, width = source.size
    return Summary(
        video=video,
        frames=len(source),
        width=width,
        height=height,
        fps=float(source.fps) if source.fps else None,
        cuts=list(session.cuts),
        objects=objects,
        out=str(out),
        seconds=round(seconds, 3),
    )
