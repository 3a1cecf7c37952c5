"""The probabilities of one pass on disk, so that memory does not grow with the length of a span."""

from __future__ import annotations

import tempfile
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trackanything_core.types import FrameIndex

_FASTEST = 1
_LEVELS = 255
_MOST_IN_MEMORY = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    length: int
    shape: tuple[int, ...]


class SoftMaskFile:
    """Probabilities of many frames, in 255 steps, compressed.

    Args:
        most_in_memory: bytes from which on a file is used.
    """

    def __init__(self, most_in_memory: int = _MOST_IN_MEMORY) -> None:
        self._file = tempfile.SpooledTemporaryFile(most_in_memory)  # noqa: SIM115 - see close
        self._places: dict[FrameIndex, _Place] = {}

    def put(self, frame: FrameIndex, probabilities: npt.NDArray[np.float32]) -> None:
        """Write the probabilities of a frame, any shape, float32 in 0..1."""
        levels = np.rint(probabilities * _LEVELS).astype(np.uint8)
        packed = zlib.compress(levels.tobytes(), _FASTEST)
        offset = self._file.seek(0, 2)
        self._file.write(packed)
        self._places[frame] = _Place(offset, len(packed), levels.shape)

    def get(self, frame: FrameIndex) -> npt.NDArray[np.float32]:
        """Read them back, to the nearest step; KeyError for a frame that was not put."""
        place = self._places[frame]
        self._file.seek(place.offset)
        levels = np.frombuffer(zlib.decompress(self._file.read(place.length)), np.uint8)
        return levels.reshape(place.shape).astype(np.float32) / np.float32(_LEVELS)

    def close(self) -> None:
        """Let go of the file; safe to repeat."""
        self._file.close()
