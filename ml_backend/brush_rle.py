"""The run-length code of BrushLabels, byte for byte as Label Studio's own converter writes it.

A bit stream over the picture's RGBA bytes in row-major order:

    32 bits  number of bytes (4 · H · W)
     5 bits  word size - 1 (8-bit words)
    4 × 4    four size classes s0..s3, each - 1, in bits
    then, until all bytes are told, one block after another:
     1 bit   1: a run of one word, 0: that many single words
     2 bits  which size class
    s bits   length - 1
    8 bits   the word, once for a run, `length` times otherwise

A mask is written as 255 in all four channels; the alpha channel is what counts in reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import MaskError
from trackanything_core.types import Mask

_CHANNELS = 4
_WORD_BITS = 8
_SIZE_BITS = (3, 4, 8, 16)
_HEADER_BITS = 32 + 5 + 4 * len(_SIZE_BITS)
_LONGEST_RUN = 1 << _SIZE_BITS[-1]


def encode(mask: Mask) -> list[int]:
    """Write a mask as BrushLabels' `rle`.

    Args:
        mask: (H, W) bool.

    Returns:
        Bytes, 0..255.

    Raises:
        MaskError: not a two-dimensional bool array, or an empty picture.
    """
    if mask.ndim != 2 or mask.dtype != np.bool_ or mask.size == 0:
        raise MaskError(f"expected a mask (H, W) of bool, got {mask.shape} of {mask.dtype}")
    lengths, values = _runs(mask.ravel())
    size_class = np.searchsorted([1 << bits for bits in _SIZE_BITS[:-1]], lengths)
    # The converter writes what is left of a run beyond 65536 in the widest class too.
    size_class[_continues_long_run(values)] = len(_SIZE_BITS) - 1
    size_bits = np.asarray(_SIZE_BITS)[size_class]

    widths = 1 + 2 + size_bits + _WORD_BITS
    blocks = (4 | size_class) << size_bits | (lengths - 1)
    blocks = blocks << _WORD_BITS | values * 255
    total = _HEADER_BITS + int(widths.sum())
    # The converter pads with 8 bits where none are missing.
    bits = np.zeros(total + 8 - total % 8, dtype=np.uint8)
    bits[:_HEADER_BITS] = _header(mask.size * _CHANNELS)
    starts = _HEADER_BITS + np.cumsum(widths) - widths
    for width in np.unique(widths):
        chosen = widths == width
        places = np.arange(width)
        bits[starts[chosen, None] + places] = blocks[chosen, None] >> (width - 1 - places) & 1
    rle: list[int] = np.packbits(bits).tolist()
    return rle


def _runs(flat: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Lengths in bytes, at most 65536 each, and values 0 or 1 of the runs of a flat mask."""
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]), flat.size - 1)
    lengths = np.diff(ends, prepend=-1) * _CHANNELS
    pieces = -(-lengths // _LONGEST_RUN)
    last = np.cumsum(pieces) - 1
    split = np.full(int(pieces.sum()), _LONGEST_RUN, dtype=np.int64)
    split[last] = lengths - (pieces - 1) * _LONGEST_RUN
    return split, np.repeat(flat[ends].astype(np.int64), pieces)


def _continues_long_run(values: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Where a piece has the value of the one before: only pieces of one split run do."""
    return np.concatenate([[False], values[1:] == values[:-1]])


def _header(count: int) -> npt.NDArray[np.uint8]:
    text = f"{count:032b}{_WORD_BITS - 1:05b}" + "".join(f"{bits - 1:04b}" for bits in _SIZE_BITS)
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8) - ord("0")


def decode(rle: Sequence[int], height: int, width: int) -> Mask:
    """Read BrushLabels' `rle`, whoever wrote it: any size classes, runs and single words.

    Args:
        rle: bytes, 0..255.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        (height, width) bool: where the alpha channel is not zero.

    Raises:
        MaskError: truncated, of another size of picture, or not such a code at all.
    """
    try:
        data = bytes(rle)
    except (TypeError, ValueError) as error:
        raise MaskError(f"expected brush RLE as bytes 0..255: {error}") from error
    if len(data) * 8 < _HEADER_BITS:
        raise MaskError(f"expected brush RLE, got {len(data)} bytes: not even its header")
    header = int.from_bytes(data[:7], "big") >> 56 - _HEADER_BITS
    count, word_bits = header >> 21, (header >> 16 & 31) + 1
    if count != height * width * _CHANNELS or word_bits != _WORD_BITS:
        raise MaskError(
            f"expected brush RLE of {height * width * _CHANNELS} words of {_WORD_BITS} bits "
            f"({height}x{width} pixels), got {count} of {word_bits} bits"
        )
    starts, words, repeats = _blocks(data, count, [(header >> s & 15) + 1 for s in (12, 8, 4, 0)])
    within = np.arange(words.sum()) - np.repeat(np.cumsum(words) - words, words)
    values = _words_at(data, np.repeat(starts, words) + _WORD_BITS * within)
    channels = np.repeat(values, np.repeat(repeats, words)).reshape(height, width, _CHANNELS)
    mask: Mask = channels[..., -1] != 0
    return mask


def _blocks(
    data: bytes, count: int, size_bits: Sequence[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each block: the bit where its words start, how many they are, how often each counts."""
    # A block's head is 19 bits at most, so that 32 bits from its first byte hold all of it.
    octets = np.frombuffer(data + bytes(3), dtype=np.uint8).astype(np.int64)
    windows = (octets[:-3] << 24 | octets[1:-2] << 16 | octets[2:-1] << 8 | octets[3:]).tolist()
    blocks: list[tuple[int, int, int]] = []
    at, end, told = _HEADER_BITS, len(data) * 8, 0
    while told < count and at < end:
        window = windows[at >> 3] << (at & 7)
        size = size_bits[window >> 29 & 3]
        length = (window >> 29 - size & (1 << size) - 1) + 1
        block = (at + 3 + size, 1, length) if window >> 31 & 1 else (at + 3 + size, length, 1)
        blocks.append(block)
        at = block[0] + _WORD_BITS * block[1]
        told += length
    if told != count or at > end:
        raise MaskError(f"expected brush RLE that tells {count} words, it tells {told} or is cut")
    starts, words, repeats = np.array(blocks, dtype=np.int64).reshape(-1, 3).T
    return starts, words, repeats


def _words_at(data: bytes, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The 8-bit words at the given bits."""
    octets = np.frombuffer(data + bytes(1), dtype=np.uint8).astype(np.uint16)
    pairs = (octets[:-1] << 8 | octets[1:])[positions >> 3]
    words: npt.NDArray[np.uint16] = pairs >> (8 - (positions & 7)).astype(np.uint16)
    return words.astype(np.uint8)
