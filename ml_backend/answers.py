"""The regions of an answer: what is new or changed for one annotation, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml_backend.editor_notes import WorkNotes
from ml_backend.hand_work import Place
from ml_backend.label_config import FramesConfig
from ml_backend.mask_rows import digest_of
from ml_backend.regions import Region, build_region, region_id
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.types import FrameIndex, ObjectId


@dataclass(frozen=True, slots=True)
class Window:
    """The frames of a task within its session.

    Attributes:
        first: frame of the session that is frame 0 of the task.
        count: frames of the task.
        size: (height, width) of the pictures in pixels.
    """

    first: FrameIndex
    count: int
    size: tuple[int, int]

    def __contains__(self, frame: FrameIndex) -> bool:
        return self.first <= frame < self.first + self.count

    @property
    def frames(self) -> range:
        """The frames of the session that the task shows."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, slots=True)
class News:
    """What an answer carries.

    Attributes:
        regions: the rows, in the order of frames.
        digests: of their masks, by region id.
    """

    regions: list[Region]
    digests: dict[str, str]


def find_news(
    places: Iterable[Place],
    work: WorkNotes,
    config: FramesConfig,
    window: Window,
    names: Mapping[ObjectId, str],
    masks: Callable[[FrameIndex], FrameMasks],
    *,
    by_hand: Mapping[Place, Sequence[str]] | None = None,
    asked: Place | None = None,
    seeds: Mapping[ObjectId, FrameIndex] | None = None,
) -> News:
    """The regions that an annotation does not hold as they are now.

    No answer can remove a region from the editor, so that one whose mask is gone becomes empty.
    What a human made by hand is left alone, but for the very place that was clicked.

    Args:
        places: where something may have changed.
        work: what the annotation holds.
        config: of the project.
        window: the frames of the task.
        names: the label of each object that ever was.
        masks: what is known of a frame of the session.
        by_hand: ids of the regions that a human made or changed, by place.
        asked: what was clicked; it is answered in any case.
        seeds: the frame of the session whose region stands for each object in the editor's list;
            the others are listed under it.
    """
    held = by_hand or {}
    by_frame: dict[FrameIndex, set[ObjectId]] = {}
    for object_id, frame in {*places, *({asked} if asked else ())}:
        if frame in window and object_id in names:
            by_frame.setdefault(frame, set()).add(object_id)
    regions, digests = [], {}
    order = list(names).index
    for frame in sorted(by_frame):
        found = masks(frame)
        for object_id in sorted(by_frame[frame], key=order):
            place, on_task = (object_id, frame), frame - window.first
            mask = found.masks.get(object_id, np.zeros(window.size, np.bool_))
            name, digest = region_id(object_id, on_task), digest_of(mask)
            if place != asked and (place in held or not work.is_new(name, digest)):
                continue
            score = found.scores.get(object_id, 0.0)
            region = build_region(
                config,
                object_id,
                names[object_id],
                on_task,
                mask,
                score,
                parent=_parent(object_id, frame, seeds or {}, window),
                found_again=object_id in found.found_again,
            )
            regions.append(region)
            for other in set(held.get(place, ())) - {name}:
                # What was painted beside it, or in its place, has gone into the mask.
                emptied = build_region(
                    config, object_id, names[object_id], on_task, np.zeros_like(mask), 0.0
                )
                regions.append({**emptied, "id": other})
                digests[other] = ""
            digests[name] = digest
    return News(regions, digests)


def _parent(
    object_id: ObjectId, frame: FrameIndex, seeds: Mapping[ObjectId, FrameIndex], window: Window
) -> str | None:
    seed = seeds.get(object_id, frame)
    return (
        None if seed == frame or seed not in window else region_id(object_id, seed - window.first)
    )


def places_of(
    work: WorkNotes, objects: Collection[ObjectId], names: Mapping[ObjectId, str], window: Window
) -> set[Place]:
    """Where an annotation still shows objects that are gone."""
    gone = [name for name in names if name not in objects]
    return {
        (name, frame)
        for name in gone
        for frame in window.frames
        if work.regions.get(region_id(name, frame - window.first))
    }


def all_regions(
    config: FramesConfig,
    window: Window,
    labels: Mapping[ObjectId, str],
    masks: Callable[[FrameIndex], FrameMasks],
) -> list[Region]:
    """All that is known on a task's frames; objects out of sight have no region there."""
    regions = []
    for frame in window.frames:
        found = masks(frame)
        for object_id, mask in found.masks.items():
            if mask.any():
                label, score = labels.get(object_id, object_id), found.scores[object_id]
                regions.append(
                    build_region(
                        config,
                        object_id,
                        label,
                        frame - window.first,
                        mask,
                        score,
                        found_again=object_id in found.found_again,
                    )
                )
    return regions
