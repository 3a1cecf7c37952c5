"""Masks as DAVIS has them: a folder of palette PNGs, one for each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from trackanything_core.errors import MaskError
from trackanything_core.masks.index_map import MAX_OBJECTS, merge_masks
from trackanything_core.masks.palette import write_indexed_png
from trackanything_core.types import FrameIndex, Mask, ObjectId


class DavisWriter:
    """Writes `00000.png`, `00001.png`, …, each of them whole or not at all, in any order.

    Objects are numbered from 1 in the order given. Where masks overlap, the later object is on
    top.
    """

    def __init__(
        self, directory: str | Path, object_ids: Sequence[ObjectId], size: tuple[int, int]
    ) -> None:
        """Make the folder where it does not exist.

        Args:
            directory: where the files go.
            object_ids: all objects that will come; at most `MAX_OBJECTS`.
            size: (height, width) of the frames in pixels.

        Raises:
            MaskError: more objects than a PNG can number, or one twice.
            OSError: the folder cannot be made.
        """
        if len(object_ids) > MAX_OBJECTS or len(set(object_ids)) != len(object_ids):
            raise MaskError(
                f"expected at most {MAX_OBJECTS} different objects for DAVIS files, "
                f"got {len(object_ids)} of which {len(set(object_ids))} differ"
            )
        self._directory = Path(directory)
        self._object_ids = tuple(object_ids)
        self._size = size
        self._directory.mkdir(parents=True, exist_ok=True)

    def write(self, frame: FrameIndex, masks: Mapping[ObjectId, Mask]) -> Path:
        """Write the masks of one frame, each (H, W) bool; objects without one are not there.

        Returns:
            The file.

        Raises:
            MaskError: an object that was not announced, or a mask of another size or type.
            OSError: the file cannot be written.
        """
        unknown = sorted(masks.keys() - set(self._object_ids))
        if unknown:
            raise MaskError(f"expected masks of {list(self._object_ids)} only, got {unknown}")
        absent = np.zeros(self._size, np.bool_)
        layers = [masks.get(object_id, absent) for object_id in self._object_ids]
        path = self._directory / f"{frame:05d}.png"
        write_indexed_png(path, merge_masks(layers, self._size))
        return path
