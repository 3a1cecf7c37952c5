"""What the rest of the project asks of a video, whatever it is stored as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from trackanything_core.errors import VideoError
from trackanything_core.types import FrameIndex, Image

if TYPE_CHECKING:
    from typing_extensions import Self


class FrameSource(Protocol):
    """The frames of one video, by index.

    Implementations derive from this class and get `iterate` and the `with` statement from it.
    A source belongs to one thread; let each thread open its own.
    """

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every frame in pixels, upright as a browser shows it."""

    @property
    def times(self) -> Sequence[Fraction] | None:
        """Seconds of each frame on the file's own clock, rising; frame 0 need not be at 0.

        None where the source has no usable time stamps.
        """

    @property
    def fps(self) -> Fraction | None:
        """Average frames per second, or None where nobody knows."""

    def __len__(self) -> int:
        """Number of frames that can be read; at least 1."""

    def read(self, frame: FrameIndex) -> Image:
        """Return one frame as (H, W, 3) uint8 RGB, an array that the caller may write to.

        Raises:
            VideoError: the frame is out of range or cannot be decoded.
        """

    def close(self) -> None:
        """Let go of files and memory; nothing can be read afterwards. Safe to repeat."""

    def iterate(
        self, start: FrameIndex = 0, stop: FrameIndex | None = None, step: int = 1
    ) -> Iterator[tuple[FrameIndex, Image]]:
        """Yield (frame, image) over `range(start, stop, step)`, in bounded memory.

        Args:
            start: first frame.
            stop: frame to end before; None goes to the last frame, or down to frame 0 where
                `step` is negative.
            step: 1 forward, -1 backward; larger strides skip frames.

        Raises:
            VideoError: at once, if a frame is out of range; later, if one cannot be decoded.
        """
        if stop is None:
            stop = len(self) if step > 0 else -1
        frames = range(start, stop, step)
        if frames:
            check_frame(frames[0], len(self))
            check_frame(frames[-1], len(self))
        return ((frame, self.read(frame)) for frame in frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_frame(frame: FrameIndex, count: int) -> None:
    """Raise VideoError unless 0 <= `frame` < `count`."""
    if not 0 <= frame < count:
        raise VideoError(f"frame {frame} of a video with {count} frames (0..{count - 1})")
