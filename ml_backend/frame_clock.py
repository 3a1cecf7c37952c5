"""How the editor counts the frames of a `<Video>`, and which frames of the file they show.

Label Studio 1.23 never reads how fast a file is: frame f, counted from 1, is what the browser
shows at (f - 1) / frameRate, where `frameRate` comes from the labelling configuration and is 24
where it says nothing. With another rate than the file's, frames are skipped or shown twice. The
`time` in results is f / frameRate, one frame late; it is written so and never read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from ml_backend.errors import LabelConfigError
from trackanything_core.types import FrameIndex
from trackanything_core.video.base import FrameSource

DEFAULT_RATE = 24.0
"""What the editor takes where the labelling configuration has no `frameRate`."""

_SEEK_SECONDS = 0.002
"""How far past a frame's time the editor seeks."""

_WRONG_RATE = 0.001
"""Rates that differ less than this part are the same: 29.97 stands for 30000/1001."""


@dataclass(frozen=True, slots=True)
class FrameClock:
    """The editor's frames of one video against the frames of its file.

    Attributes:
        rate: the editor's frames per second.
        times: seconds of each frame of the file, rising, the first at 0.
        true_rate: the file's frames per second; None where it is unknown or not constant.
        editor_frames: how many frames the editor counts.

    Raises:
        LabelConfigError: the rate is not a positive number.
    """

    rate: float
    times: Sequence[float]
    true_rate: float | None
    editor_frames: int = field(default=0)

    def __post_init__(self) -> None:
        if not 0 < self.rate < float("inf"):
            raise LabelConfigError(
                f"expected a positive frameRate of the video, got {self.rate}: "
                'give the file\'s frames per second, frameRate="25"'
            )
        if not self.editor_frames:
            count = len(self.times) if self.fits else max(round(self.duration * self.rate), 1)
            object.__setattr__(self, "editor_frames", count)

    @property
    def duration(self) -> float:
        """Seconds of the video, the time of the last frame included."""
        if self.true_rate:
            return len(self.times) / self.true_rate
        return self.times[-1] + (self.times[-1] / (len(self.times) - 1) if self.times[1:] else 0.0)

    @property
    def fits(self) -> bool:
        """Whether the editor's frames are the file's, one for one."""
        return (
            self.true_rate is not None
            and abs(self.rate / self.true_rate - 1) <= _WRONG_RATE
            # A small difference adds up in a long video.
            and abs(self.rate / self.true_rate - 1) * len(self.times) < 1
        )

    @property
    def problem(self) -> str:
        """What is wrong with the editor's rate and what to do, for a person; "" if nothing is."""
        if self.fits:
            return ""
        if self.true_rate is None:
            return (
                "the video has no constant frame rate: some of its frames never show in the "
                "editor, others longer; re-encode it with a constant rate"
            )
        return (
            f"the video has {self.true_rate:.6g} frames per second, the labelling configuration "
            f"says {self.rate:.6g}: the editor shows {self.editor_frames} frames of "
            f'{len(self.times)}; write frameRate="{self.true_rate:.6g}" into the Video tag'
        )

    def index_of(self, editor_frame: int) -> FrameIndex:
        """The frame of the file that the editor shows as its frame f = 1, 2, …

        Beyond the ends it is the first or the last.
        """
        last = len(self.times) - 1
        if self.fits:
            return min(max(editor_frame - 1, 0), last)
        shown = (editor_frame - 1) / self.rate + _SEEK_SECONDS
        return min(max(bisect_right(self.times, shown) - 1, 0), last)

    def editor_frame(self, index: FrameIndex) -> int:
        """The editor's frame that shows frame `index` of the file, or the next one after it.

        The last where nothing shows it any more.
        """
        if self.fits:
            found = index + 1
        else:
            found = 1 + bisect_left(range(self.editor_frames), index, key=self._index_after)
        return min(max(found, 1), self.editor_frames)

    def time_of(self, editor_frame: int) -> float:
        """What the editor writes as the `time` of its frame."""
        return editor_frame / self.rate

    def _index_after(self, frames: int) -> FrameIndex:
        return self.index_of(frames + 1)


def open_clock(source: FrameSource, rate: float, editor_frames: int = 0) -> FrameClock:
    """The clock of a video in the editor.

    Args:
        source: the file.
        rate: `frameRate` of the labelling configuration, frames per second.
        editor_frames: `framesCount` of a result, if there is one; else it follows from the rate.
    """
    count, fps = len(source), float(source.fps or 0) or None
    if source.times is None:
        steady = fps or rate
        return FrameClock(rate, [k / steady for k in range(count)], fps, editor_frames)
    first = source.times[0]
    times = [float(time - first) for time in source.times]
    return FrameClock(rate, times, _constant_rate(times, fps), editor_frames)


def _constant_rate(times: Sequence[float], fps: float | None) -> float | None:
    """Frames per second, if no frame is more than half a frame off its place."""
    if len(times) < 2 or times[-1] <= 0:
        return fps
    rate = (len(times) - 1) / times[-1]
    if max(abs(time * rate - k) for k, time in enumerate(times)) > 0.5:
        return None
    return rate
