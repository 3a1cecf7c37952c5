"""The brush code against Label Studio's own converter, byte for byte, and against hostile input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from label_studio_sdk.converter import brush as sdk

from ml_backend import brush_rle
from trackanything_core.errors import MaskError
from trackanything_core.types import Mask

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=70))


def disc(height: int, width: int) -> Mask:
    rows, columns = np.ogrid[:height, :width]
    return np.asarray(
        (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (min(height, width) / 3) ** 2
    )


def edge_cases() -> list[Mask]:
    # Runs of 65536 bytes are where one block no longer suffices.
    return [
        np.zeros((128, 128), np.bool_),
        np.ones((128, 128), np.bool_),
        np.zeros((128, 129), np.bool_),
        np.ones((300, 500), np.bool_),
        np.arange(64 * 1024).reshape(64, 1024) >= 16384,
        np.arange(64 * 1024).reshape(64, 1024) >= 16385,
        disc(360, 641),
        np.random.default_rng(0).random((120, 160)) < 0.02,
    ]


@pytest.mark.parametrize("mask", edge_cases(), ids=lambda mask: f"{mask.shape}-{mask.sum()}")
def test_writes_the_bytes_of_the_sdk(mask: Mask) -> None:
    assert brush_rle.encode(mask) == sdk.mask2rle(mask.astype(np.uint8) * 255)


@pytest.mark.property
@given(masks)
def test_writes_the_bytes_of_the_sdk_for_any_mask(mask: Mask) -> None:
    assert brush_rle.encode(mask) == sdk.mask2rle(mask.astype(np.uint8) * 255)


@pytest.mark.property
@given(masks)
def test_reads_what_it_writes(mask: Mask) -> None:
    assert np.array_equal(brush_rle.decode(brush_rle.encode(mask), *mask.shape), mask)


def literal_blocks(words: list[int], sizes: tuple[int, int, int, int]) -> list[int]:
    """Brush RLE of single words only, as the editor may write it."""
    bits = f"{len(words):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    bits += "".join(f"000{0:0{sizes[0]}b}{word:08b}" for word in words[:1])
    rest = words[1:]
    bits += f"011{len(rest) - 1:0{sizes[3]}b}" + "".join(f"{word:08b}" for word in rest)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


@pytest.mark.parametrize("sizes", [(3, 4, 8, 16), (1, 2, 5, 9)])
def test_reads_single_words_and_other_size_classes_as_the_sdk_does(
    sizes: tuple[int, int, int, int],
) -> None:
    words = np.random.default_rng(1).integers(0, 3, 4 * 6 * 9).tolist()
    rle = literal_blocks(words, sizes)
    expected = sdk.decode_rle(rle).reshape(6, 9, 4)[..., 3] > 0
    assert np.array_equal(brush_rle.decode(rle, 6, 9), expected)


def test_only_the_alpha_channel_counts() -> None:
    words = [9, 9, 9, 0] * 5 + [0, 0, 0, 7]
    assert brush_rle.decode(literal_blocks(words, (3, 4, 8, 16)), 2, 3).ravel().tolist() == (
        [False] * 5 + [True]
    )


@pytest.mark.parametrize(
    "rle",
    [[], [0] * 6, [0] * 7, [256] * 20, [-1] * 20, ["a"], brush_rle.encode(disc(8, 9))],
)
def test_refuses_what_is_not_the_code_of_this_picture(rle: list[int]) -> None:
    with pytest.raises(MaskError):
        brush_rle.decode(rle, 8, 8)


@pytest.mark.parametrize("kept", range(7, 30))
def test_refuses_a_cut_code(kept: int) -> None:
    rle = brush_rle.encode(disc(20, 20))
    assert len(rle) > 40
    with pytest.raises(MaskError):
        brush_rle.decode(rle[:kept], 20, 20)


@pytest.mark.property
@given(st.lists(st.integers(0, 255), max_size=40))
def test_random_bytes_are_refused_or_give_a_mask_of_the_right_size(tail: list[int]) -> None:
    header = brush_rle.encode(np.zeros((5, 7), np.bool_))[:6]
    try:
        mask = brush_rle.decode(header + tail, 5, 7)
    except MaskError:
        return
    assert mask.shape == (5, 7)


@pytest.mark.parametrize("mask", [np.zeros((3, 3, 4), np.bool_), np.zeros((3, 3), np.uint8)])
def test_encodes_two_dimensional_bool_masks_only(mask: Mask) -> None:
    with pytest.raises(MaskError, match="expected a mask"):
        brush_rle.encode(mask)


def test_an_empty_picture_has_no_code() -> None:
    with pytest.raises(MaskError, match="expected a mask"):
        brush_rle.encode(np.zeros((0, 4), np.bool_))
