"""Where each frame of a video file is: the table that one decoding pass builds.

Declared frame counts and rates are wrong often enough (variable rates, edit lists, cut files)
that nothing but decoding tells which picture is frame k.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from trackanything_core.errors import VideoError
from trackanything_core.types import FrameIndex
from trackanything_core.video.container import decode_pictures, open_video


@dataclass(frozen=True, slots=True)
class FrameTable:
    """The frames of one video file; frame k is the k-th picture that decodes.

    Attributes:
        count: number of frames, at least 1.
        coded_size: (height, width) in pixels as stored, before `turns`.
        turns: quarter turns, counter-clockwise, that bring the stored pictures upright.
        key_frames: frames that decode without the ones before them, rising.
        pts: time stamp of each frame in units of `time_base`, strictly rising; empty where the
            file has none or they are of no use, and frames can only be counted.
        time_base: seconds per unit of `pts`.
        declared_fps: average rate that the file claims; a hint.
    """

    count: int
    coded_size: tuple[int, int]
    turns: int
    key_frames: tuple[FrameIndex, ...]
    pts: tuple[int, ...]
    time_base: Fraction
    declared_fps: Fraction | None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright frames in pixels."""
        height, width = self.coded_size
        return (width, height) if self.turns % 2 else (height, width)

    @property
    def fps(self) -> Fraction | None:
        """Average frames per second.

        The declared rate where the time stamps bear it out to within their rounding, otherwise
        what they say themselves.
        """
        if len(self.pts) < 2:
            return self.declared_fps
        intervals = self.count - 1
        seconds = (self.pts[-1] - self.pts[0]) * self.time_base
        declared = self.declared_fps
        if declared and abs(intervals / declared - seconds) <= self.time_base:
            return declared
        return intervals / seconds

    @property
    def longest_chunk(self) -> int:
        """Frames from a key frame to the next one, where they are farthest apart."""
        return max(later - key for key, later in pairwise((0, *self.key_frames, self.count)))

    def frame_at(self, pts: int | None) -> FrameIndex | None:
        """The frame with exactly this time stamp, if there is one."""
        if pts is None:
            return None
        frame = bisect_left(self.pts, pts)
        return frame if frame < len(self.pts) and self.pts[frame] == pts else None

    def keys_up_to(self, frame: FrameIndex) -> tuple[FrameIndex, ...]:
        """The key frames at or before `frame`, rising."""
        return self.key_frames[: bisect_right(self.key_frames, frame)]


def build_table(path: Path) -> FrameTable:
    """Decode a file once, without converting a picture, and note where its frames are.

    Raises:
        VideoError: the file is no video, no picture decodes, or their size changes.
    """
    container, stream = open_video(path)
    with container:
        # Nobody looks at these pictures; without the last filter they come a quarter faster.
        stream.codec_context.options = {"skip_loop_filter": "all"}
        stamps: list[int | None] = []
        key_frames: list[FrameIndex] = []
        coded_size = (0, 0)
        turns = 0
        for frame, picture in enumerate(decode_pictures(container, stream)):
            size = (picture.height, picture.width)
            if frame == 0:
                coded_size = size
                turns = _quarter_turns(picture.rotation)
            elif size != coded_size:
                raise VideoError(
                    f"{path} changes its picture size at frame {frame}, from "
                    f"{coded_size[1]}x{coded_size[0]} to {size[1]}x{size[0]} pixels: "
                    "split it there or re-encode it at one size"
                )
            stamps.append(picture.pts)
            if picture.key_frame:
                key_frames.append(frame)
        if not stamps:
            raise VideoError(
                f"no picture of {path} can be decoded: the file is empty or damaged, get it again"
            )
        return FrameTable(
            count=len(stamps),
            coded_size=coded_size,
            turns=turns,
            key_frames=tuple(key_frames),
            pts=_usable(stamps),
            time_base=stream.time_base or Fraction(0),
            declared_fps=stream.average_rate,
        )


def _usable(stamps: list[int | None]) -> tuple[int, ...]:
    """The time stamps if all are there and each is later than the one before, else none."""
    known = [stamp for stamp in stamps if stamp is not None]
    rising = all(earlier < later for earlier, later in pairwise(known))
    return tuple(known) if rising and len(known) == len(stamps) else ()


def _quarter_turns(degrees: int) -> int:
    """Counter-clockwise degrees of the display matrix → quarter turns; browsers turn no finer."""
    return degrees // 90 % 4 if degrees % 90 == 0 else 0
