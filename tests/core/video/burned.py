"""Clips whose frames carry their own number, in blocks that outlast compression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from trackanything_core.types import Image

_BLOCK = 16  # pixels; one bit each
_ROWS, _COLUMNS = 3, 4


def burn(number: int, size: tuple[int, int]) -> Image:
    """A moving, noisy picture, (H, W, 3) uint8, with a number up to 4095 at the top left."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    waves = 128 + 90 * np.sin((x + 3 * number) / 9) * np.cos((y - 2 * number) / 7)
    noise = np.random.default_rng(number).normal(0, 6, (height, width, 3))
    image = (waves[:, :, None] + noise).clip(0, 255).astype(np.uint8)
    for bit in range(_ROWS * _COLUMNS):
        image[_block(bit)] = 235 if number >> bit & 1 else 20
    return image


def read_number(image: Image) -> int:
    """The number in an upright picture; fails where a block is neither dark nor bright."""
    number = 0
    for bit in range(_ROWS * _COLUMNS):
        level = image[_block(bit)][4:-4, 4:-4].mean()
        assert not 90 < level < 165, f"bit {bit} is unreadable"
        number |= (level > 128) << bit
    return int(number)


def _block(bit: int) -> tuple[slice, slice]:
    row, column = divmod(bit, _COLUMNS)
    return (
        slice(row * _BLOCK, (row + 1) * _BLOCK),
        slice(column * _BLOCK, (column + 1) * _BLOCK),
    )


@dataclass(frozen=True)
class Recipe:
    """How a clip is encoded; the time stamps are `start` + k in units of `time_base`."""

    name: str
    codec: str = "libx264"
    size: tuple[int, int] = (96, 128)
    frames: int = 60
    time_base: Fraction = Fraction(1, 25)
    start: int = 0
    steps: Sequence[int] = (1,)  # between one time stamp and the next, in turn
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    degrees: int = 0  # counter-clockwise, which the player is to turn it

    @property
    def pts(self) -> list[int]:
        steps = [self.steps[k % len(self.steps)] for k in range(self.frames - 1)]
        return [self.start + sum(steps[:k]) for k in range(self.frames)]

    @property
    def times(self) -> list[Fraction]:
        return [pts * self.time_base for pts in self.pts]

    def encode(self, directory: Path) -> Path:
        path = directory / self.name
        with av.open(str(path), "w", options=self.container_options) as container:
            stream = container.add_stream(self.codec, rate=1 / self.time_base)
            assert isinstance(stream, VideoStream)
            stream.pix_fmt = self.pix_fmt
            stream.codec_context.options = self.options
            stream.codec_context.time_base = self.time_base
            turned = np.rot90(burn(0, self.size), -self.degrees // 90)
            stream.height, stream.width = turned.shape[:2]
            if self.degrees:
                stream.set_display_rotation(self.degrees)
            for number, pts in enumerate(self.pts):
                stored = np.rot90(burn(number, self.size), -self.degrees // 90)
                picture = VideoFrame.from_ndarray(np.ascontiguousarray(stored), format="rgb24")
                picture.pts, picture.time_base = pts, self.time_base
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path


_B_FRAMES = {"g": "12", "bf": "3", "b_strategy": "0"}
_MILLISECOND = Fraction(1, 1000)

RECIPES = [
    Recipe("cfr-23.976.mp4", time_base=Fraction(1001, 24000)),
    Recipe("cfr-25.mp4"),
    Recipe("cfr-29.97.mp4", time_base=Fraction(1001, 30000)),
    Recipe("b-frames.mp4", options=_B_FRAMES),
    Recipe("open-gop.mkv", options=_B_FRAMES | {"x264-params": "open-gop=1"}),
    Recipe("open-gop.mp4", options=_B_FRAMES | {"x264-params": "open-gop=1"}),
    Recipe("intra-refresh.mp4", options={"g": "15", "intra-refresh": "1"}),
    Recipe("one-key-frame.mp4", options={"g": "9999", "sc_threshold": "0"}),
    Recipe("all-key-frames.mp4", options={"g": "1"}),
    Recipe("vfr.mp4", time_base=_MILLISECOND, steps=(33, 7, 120, 40, 40, 1), options=_B_FRAMES),
    Recipe("vfr.webm", "libvpx-vp9", time_base=_MILLISECOND, steps=(33, 7, 120, 41), frames=40,
           options={"g": "10", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    Recipe("offset.mp4", start=90, options=_B_FRAMES),
    Recipe("offset.mkv", time_base=_MILLISECOND, start=5000, steps=(40,), options=_B_FRAMES),
    Recipe("b-frames.ts", options=_B_FRAMES),
    Recipe("offset.ts", start=250, options=_B_FRAMES),
    Recipe("mpeg2.ts", "mpeg2video", options={"g": "12", "bf": "2"}),
    Recipe("fragments.mp4", options=_B_FRAMES,
           container_options={"movflags": "frag_keyframe+empty_moov"}),
    Recipe("b-frames.avi", "mpeg4", options={"g": "12", "bf": "2"}),
    Recipe("no-stamps.h264", options=_B_FRAMES),
    Recipe("hevc.mp4", "libx265", options=_B_FRAMES | {"x265-params": "log-level=none"}),
    Recipe("odd-size.mp4", size=(97, 129), pix_fmt="yuv444p", options=_B_FRAMES),
    Recipe("odd-size.webm", "libvpx-vp9", size=(97, 129), frames=30,
           options={"g": "10", "deadline": "realtime", "cpu-used": "8"}),
    Recipe("lossless.mkv", "ffv1"),
    Recipe("turned-90.mp4", degrees=90, options=_B_FRAMES),
    Recipe("turned-180.mp4", degrees=180, options=_B_FRAMES),
    Recipe("turned-270.mp4", degrees=270, options=_B_FRAMES),
    Recipe("single.mp4", frames=1),
]  # fmt: skip
