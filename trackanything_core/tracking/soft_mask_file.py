"""The probabilities of one pass on disk, so that memory does not grow with the length of a span."""

from __future__ import annotations

import struct
import tempfile
import zlib

import numpy as np
import numpy.typing as npt

from trackanything_core.types import FrameIndex

_FASTEST = 1
_LEVELS = 255
_MOST_IN_MEMORY = 16 << 20  # bytes
_SHAPE = struct.Struct("<3I")


class SoftMaskFile:
    """Probabilities of many frames, in 255 steps, compressed.

    Args:
        most_in_memory: bytes from which on a file is used.
    """

    def __init__(self, most_in_memory: int = _MOST_IN_MEMORY) -> None:
        self._most_in_memory = most_in_memory
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None  # opened when needed
        self._places: dict[FrameIndex, tuple[int, int]] = {}  # offset and length

    @property
    def frames(self) -> tuple[FrameIndex, ...]:
        """The frames that were put, in that order."""
        return tuple(self._places)

    def put(self, frame: FrameIndex, probabilities: npt.NDArray[np.float32]) -> None:
        """Write the probabilities of a frame, (N + 1, H, W) float32 in 0..1."""
        levels = np.rint(probabilities * _LEVELS).astype(np.uint8)
        shape = _SHAPE.pack(*levels.shape)
        self.put_packed(frame, shape + zlib.compress(levels.tobytes(), _FASTEST))

    def get(self, frame: FrameIndex) -> npt.NDArray[np.float32]:
        """Read them back, to the nearest step; KeyError for a frame that was not put."""
        packed = self.packed(frame)
        shape = _SHAPE.unpack_from(packed)
        levels = np.frombuffer(zlib.decompress(packed[_SHAPE.size :]), np.uint8)
        return levels.reshape(shape).astype(np.float32) / np.float32(_LEVELS)

    def packed(self, frame: FrameIndex) -> bytes:
        """The bytes that are kept for a frame; KeyError for one that was not put."""
        offset, length = self._places[frame]
        assert self._file is not None
        self._file.seek(offset)
        return self._file.read(length)

    def put_packed(self, frame: FrameIndex, packed: bytes) -> None:
        """Write what `packed` gave."""
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - see close
                self._most_in_memory
            )
        offset = self._file.seek(0, 2)
        self._file.write(packed)
        self._places[frame] = (offset, len(packed))

    def close(self) -> None:
        """Let go of the file; safe to repeat."""
        if self._file is not None:
            self._file.close()
