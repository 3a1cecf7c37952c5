"""The one place that tells videos from image lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trackanything_core.video.base import FrameSource
from trackanything_core.video.images import IMAGE_SUFFIXES, ImageList
from trackanything_core.video.reader import VideoReader


def open_source(path: str | Path | Sequence[str | Path]) -> FrameSource:
    """Open a video file, a folder of images, one image, or a list of images.

    Raises:
        VideoError: nothing there, nothing in it, or nothing that can be decoded.
    """
    if not isinstance(path, (str, Path)):
        return ImageList(path)
    path = Path(path)
    if path.is_dir():
        return ImageList.from_directory(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageList([path])
    return VideoReader(path)
