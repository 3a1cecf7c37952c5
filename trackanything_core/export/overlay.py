"""A video with the masks drawn over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from trackanything_core.masks.overlay import draw_masks
from trackanything_core.masks.palette import davis_palette
from trackanything_core.types import Image, Mask, ObjectId
from trackanything_core.video.writer import VideoWriter


class OverlayWriter:
    """Appends frame after frame with its masks; see `write_overlay`."""

    def __init__(self, video: VideoWriter, object_ids: Sequence[ObjectId]) -> None:
        self._video = video
        self._numbers = {object_id: number for number, object_id in enumerate(object_ids, start=1)}

    def write(self, image: Image, masks: Mapping[ObjectId, Mask]) -> None:
        """Append a frame, (H, W, 3) uint8 RGB, under its masks, each (H, W) bool.

        Raises:
            MaskError: a mask is not (H, W) bool.
            VideoError: the frame has another size than those before.
            KeyError: an object that was not announced.
        """
        colors = davis_palette()[[self._numbers[object_id] for object_id in masks]]
        self._video.write(draw_masks(image, list(masks.values()), colors))


@contextmanager
def write_overlay(
    path: Path, fps: Fraction, object_ids: Sequence[ObjectId]
) -> Iterator[OverlayWriter]:
    """Open an overlay video, h264 in mp4; it appears when the block ends well.

    Args:
        path: the mp4 file; its folder must exist.
        fps: frames per second.
        object_ids: all objects that will come, in the order that gives them their colours: the
            same as in the palette of the DAVIS files.

    Raises:
        VideoError: no frame was written, or the rate makes no sense.
        OSError: the file cannot be written.
    """
    with VideoWriter(path, fps) as video:
        yield OverlayWriter(video, object_ids)
