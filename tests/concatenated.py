"""Several videos as one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np

from trackanything_core.types import FrameIndex, Image
from trackanything_core.video.base import FrameSource, check_frame


class ConcatenatedSource(FrameSource):
    """Parts of videos, one after the other, brought to the size of the first.

    Args:
        parts: each a video and the frames of it to show, in that order.
    """

    def __init__(self, *parts: tuple[FrameSource, Sequence[FrameIndex]]) -> None:
        self._shown = [(source, frame) for source, frames in parts for frame in frames]

    @property
    def size(self) -> tuple[int, int]:
        return self._shown[0][0].size

    @property
    def times(self) -> Sequence[Fraction] | None:
        return None

    @property
    def fps(self) -> Fraction | None:
        return None

    def __len__(self) -> int:
        return len(self._shown)

    def read(self, frame: FrameIndex) -> Image:
        check_frame(frame, len(self))
        source, number = self._shown[frame]
        image = source.read(number)
        if source.size != self.size:
            image = np.asarray(cv2.resize(image, self.size[::-1]), np.uint8)
        return image

    def close(self) -> None:
        pass
