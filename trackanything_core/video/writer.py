"""Frames into an mp4 that browsers play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from trackanything_core.errors import VideoError
from trackanything_core.files import replaced_on_success
from trackanything_core.types import Image

if TYPE_CHECKING:
    from typing_extensions import Self

_BT709 = 1  # the same number for matrix, primaries and transfer (ITU-T H.273)


class VideoWriter:
    """Writes h264 (yuv420p) in mp4 at a constant rate; a context manager.

    The file appears when the block ends well; when it raises, nothing is left behind and an
    older file stays. Odd sizes grow by one column or row, a copy of the last.
    """

    def __init__(self, path: str | Path, fps: Fraction, *, quality: int = 20) -> None:
        """Prepare to write; nothing is touched before the `with` block.

        Args:
            path: the mp4 file; its folder must exist.
            fps: frames per second.
            quality: x264's constant rate factor, 0 (lossless) to 51; 18 to 23 looks good.
        """
        if fps <= 0:
            raise VideoError(f"expected a frame rate above 0, got {fps}")
        self._path = Path(path)
        self._fps = fps
        self._quality = quality
        self._frames = 0
        self._size: tuple[int, int] | None = None
        self._reformatter = VideoReformatter()
        self._container: OutputContainer
        self._stream: VideoStream
        self._file = self._open()

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def write(self, image: Image) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 RGB, of one size throughout.

        Raises:
            VideoError: another shape or type than expected.
            OSError: the disk is full or gone.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise VideoError(
                f"expected a frame of shape (height, width, 3) and uint8, "
                f"got {image.shape} and {image.dtype}"
            )
        height, width = image.shape[:2]
        if self._size is None:
            self._size = height, width
            self._stream = self._add_stream(width + width % 2, height + height % 2)
        elif self._size != (height, width):
            raise VideoError(
                f"expected a frame of {self._size[1]}x{self._size[0]} pixels like those before, "
                f"got {width}x{height}"
            )
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = self._reformatter.reformat(
            VideoFrame.from_ndarray(even, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        picture.pts = self._frames
        self._container.mux(self._stream.encode(picture))
        self._frames += 1

    @contextmanager
    def _open(self) -> Iterator[None]:
        with (
            replaced_on_success(self._path) as temporary,
            # The index goes first, so that browsers can play before they have it all.
            av.open(
                f"file:{temporary}", "w", format="mp4", options={"movflags": "faststart"}
            ) as self._container,
        ):
            yield
            if self._size is None:
                raise VideoError(
                    f"no frame was written to {self._path}: a video needs at least one"
                )
            self._container.mux(self._stream.encode(None))

    def _add_stream(self, width: int, height: int) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=self._fps)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / self._fps
        stream.options = {"crf": str(self._quality)}
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        return stream
