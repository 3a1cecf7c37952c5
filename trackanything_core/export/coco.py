"""Masks as COCO run lengths: one JSON object for a video and all its objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from trackanything_core.errors import MaskError
from trackanything_core.files import replaced_on_success
from trackanything_core.masks.check import check_mask
from trackanything_core.masks.ops import bounding_box
from trackanything_core.masks.rle import encode_rle
from trackanything_core.types import FrameIndex, Mask, ObjectId


@dataclass(frozen=True, slots=True)
class CocoObject:
    """An object as the file lists it; `color` is RGB, 0..255 each."""

    id: ObjectId
    label: str
    color: tuple[int, int, int]


class CocoWriter:
    """Appends the masks of frame after frame; see `write_coco`."""

    def __init__(
        self, file: TextIO, object_ids: frozenset[ObjectId], size: tuple[int, int]
    ) -> None:
        self._file = file
        self._object_ids = object_ids
        self._size = size
        self._separator = "\n"

    def write(
        self,
        frame: FrameIndex,
        masks: Mapping[ObjectId, Mask],
        scores: Mapping[ObjectId, float] | None = None,
    ) -> None:
        """Append one frame; empty masks are left out.

        Args:
            frame: its index.
            masks: by object, each (H, W) bool.
            scores: by object, 0..1; null in the file where there is none.

        Raises:
            MaskError: an object that was not announced, or a mask of another size or type.
        """
        for object_id, mask in masks.items():
            if object_id not in self._object_ids:
                raise MaskError(
                    f"expected masks of {sorted(self._object_ids)} only, got one of {object_id!r}"
                )
            check_mask(mask, self._size)
            box = bounding_box(mask)
            if box is None:
                continue
            annotation = {
                "frame": frame,
                "object": object_id,
                "segmentation": encode_rle(mask),
                "area": int(np.count_nonzero(mask)),
                "bbox": box,
                "score": (scores or {}).get(object_id),
            }
            self._file.write(self._separator + json.dumps(annotation))
            self._separator = ",\n"


@contextmanager
def write_coco(
    path: Path,
    *,
    video: str,
    size: tuple[int, int],
    frames: int,
    objects: Sequence[CocoObject],
) -> Iterator[CocoWriter]:
    """Open a COCO file for the masks of a video; it appears when the block ends well.

    The file is one object: `video`, `width`, `height`, `frames`, `objects` (id, label, color) and
    `annotations`, a row for each mask: `frame`, `object`, `segmentation` (size, counts), `area`
    and `bbox` ([left, top, width, height]) in pixels, `score` (0..1 or null). Nothing but the
    current row is in memory.

    Args:
        path: the file; its folder must exist.
        video: name of the video.
        size: (height, width) of the frames in pixels.
        frames: number of frames of the video.
        objects: all objects that will come.

    Raises:
        OSError: the file cannot be written.
    """
    head = {
        "video": video,
        "width": size[1],
        "height": size[0],
        "frames": frames,
        "objects": [asdict(object_) for object_ in objects],
    }
    with replaced_on_success(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + ', "annotations": [')
        yield CocoWriter(file, frozenset(object_.id for object_ in objects), size)
        file.write("\n]}\n")
