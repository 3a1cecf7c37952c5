"""Frames of a video file by index, exactly, in any order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import av.error
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from cachetools import LRUCache

from trackanything_core.errors import VideoError
from trackanything_core.types import FrameIndex, Image
from trackanything_core.video.base import FrameSource, check_frame
from trackanything_core.video.container import decode_pictures, open_video
from trackanything_core.video.table import FrameTable, build_table

_Numbered: TypeAlias = Iterator[tuple[FrameIndex, VideoFrame]]

_DEEPEST_PIXEL = 16  # bytes; no stored picture has more


class VideoReader(FrameSource):
    """A video file whose frame k is the k-th picture that decodes.

    Opening decodes the whole file once to build the frame table. After that a read goes on
    from where the decoder stands, or seeks and checks by time stamp where it came out.

    Decoded pictures are kept as the decoder stored them and turned into RGB when they are read.
    A backward pass therefore decodes chunk by chunk: the picture that is missing brings with it
    those on the way to it. Two chunks are kept, as far as `cache_bytes` reach; more would help
    nobody, and small pictures would pile up by the ten thousand. Pixels are those in the file;
    a pixel aspect ratio is not applied.

    One reader serves one thread. Further readers of the same file can share its `table`.
    """

    def __init__(
        self, path: str | Path, *, table: FrameTable | None = None, cache_bytes: int = 128 << 20
    ) -> None:
        """Open a file.

        Args:
            path: the video file.
            table: the table of another reader of the same file, which saves the decoding pass.
            cache_bytes: memory for decoded pictures; always enough for one.

        Raises:
            VideoError: the file is missing, no video, without pictures, or of changing size.
        """
        self._path = Path(path)
        self.table = build_table(self._path) if table is None else table
        height, width = self.table.coded_size
        self._cache: LRUCache[FrameIndex, VideoFrame] = LRUCache(
            max(cache_bytes, height * width * _DEEPEST_PIXEL), getsizeof=_nbytes
        )
        # Where frames can only be counted, every step back starts from the first: keep all we can.
        self._most_pictures = 2 * self.table.longest_chunk if self.table.pts else len(self)
        self._to_rgb = VideoReformatter()
        self._container, self._stream = open_video(self._path)
        self._pictures: _Numbered = enumerate(decode_pictures(self._container, self._stream))
        self._next = 0  # the frame that the decoder gives next
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        return self.table.size

    @cached_property
    def times(self) -> Sequence[Fraction] | None:
        return tuple(pts * self.table.time_base for pts in self.table.pts) or None

    @property
    def fps(self) -> Fraction | None:
        return self.table.fps

    def __len__(self) -> int:
        return self.table.count

    def read(self, frame: FrameIndex) -> Image:
        check_frame(frame, len(self))
        if self._closed:
            raise VideoError(f"the reader of {self._path} is closed: open the video again")
        picture = self._cache.get(frame) or self._decode(frame)
        rgb = self._to_rgb.reformat(picture, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, self.table.turns))

    def close(self) -> None:
        self._closed = True
        self._cache.clear()
        self._container.close()

    def _decode(self, frame: FrameIndex) -> VideoFrame:
        for pictures in self._approaches(frame):
            for number, picture in pictures:
                self._cache[number] = picture
                if len(self._cache) > self._most_pictures:
                    self._cache.popitem()  # the least recently used
                self._next = number + 1
                if number == frame:
                    return picture
                if number > frame:  # came out too late
                    break
        raise VideoError(
            f"frame {frame} of {self._path} decoded once but not again: "
            "open the video anew if the file has changed"
        )

    def _approaches(self, frame: FrameIndex) -> Iterator[_Numbered]:
        """Ways to come to a frame, cheapest first; each gives numbered pictures, rising."""
        keys = self.table.keys_up_to(frame) if self.table.pts else ()
        if self._next <= frame and not (keys and keys[-1] > self._next):
            yield self._pictures
        back = 1
        while back <= len(keys):
            self._seek(keys[-back])
            yield self._pictures
            back *= 2
        self._restart()
        yield self._pictures

    def _seek(self, key: FrameIndex) -> None:
        """Go to a key frame, or near it: containers seek by decoding time, guess or bisection."""
        try:
            self._container.seek(self.table.pts[key], stream=self._stream)
        except av.error.FFmpegError:
            self._pictures = iter(())
        else:
            self._pictures = _number_by_stamp(
                decode_pictures(self._container, self._stream), self.table
            )

    def _restart(self) -> None:
        """Open the file again and count; a seek to the start is no surer than other seeks."""
        self._container.close()
        self._container, self._stream = open_video(self._path)
        self._pictures = enumerate(decode_pictures(self._container, self._stream))


def _number_by_stamp(pictures: Iterator[VideoFrame], table: FrameTable) -> _Numbered:
    """Number the pictures that follow a seek.

    What the decoder shows before its first key frame may lean on pictures that it never saw, so
    it does not count.
    """
    sound = False
    for picture in pictures:
        sound = sound or picture.key_frame
        frame = table.frame_at(picture.pts)
        if sound and frame is not None:
            yield frame, picture


def _nbytes(picture: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in picture.planes)
