"""COCO run lengths: equal to pycocotools where that is defined, an error where it is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from trackanything_core.errors import MaskError
from trackanything_core.masks.rle import decode_rle, encode_rle
from trackanything_core.types import Mask

_MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=70))


@pytest.mark.property
@given(_MASKS)
def test_decoding_undoes_encoding(mask: Mask):
    rle = encode_rle(mask)
    decoded = decode_rle(rle)
    np.testing.assert_array_equal(decoded, mask)
    assert decoded.dtype == np.bool_
    assert decoded.flags.c_contiguous
    assert json.loads(json.dumps(rle)) == rle


@pytest.mark.property
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools beside NumPy 2
@given(_MASKS)
def test_decoding_agrees_with_pycocotools(mask: Mask):
    rle = encode_rle(mask)
    np.testing.assert_array_equal(decode_rle(rle), coco.decode(rle).astype(np.bool_))


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((720, 1280), np.bool_),
        np.ones((720, 1280), np.bool_),
        np.eye(1000, dtype=np.bool_),
        np.asfortranarray(np.eye(30, 50, dtype=np.bool_)),
        np.eye(60, 100, dtype=np.bool_)[::2, ::3],
    ],
    ids=["empty", "full", "large", "by columns", "a view"],
)
def test_shapes_and_layouts(mask: Mask):
    np.testing.assert_array_equal(decode_rle(encode_rle(mask)), mask)


@pytest.mark.property
@given(
    st.fixed_dictionaries(
        {
            "size": st.lists(st.integers(-5, 40), max_size=3),
            "counts": st.text(st.characters(min_codepoint=45, max_codepoint=115), max_size=30),
        }
    )
)
def test_any_text_is_a_mask_or_an_error(rle):
    try:
        mask = decode_rle(rle)
    except MaskError:
        return
    assert mask.shape == tuple(rle["size"])
    assert mask.dtype == np.bool_


@pytest.mark.parametrize("counts", ["", "0", "5", "\x00", "é6", "o", "oooooooooooooooooooo1", "61"])
def test_runs_that_do_not_fill_the_picture(counts: str):
    with pytest.raises(MaskError):
        decode_rle({"size": [2, 3], "counts": counts})


@pytest.mark.parametrize(
    "rle",
    [
        {},
        {"size": [2, 3]},
        {"counts": "6"},
        {"size": [2, 3], "counts": b"6"},
        {"size": [2, 3], "counts": [6]},
        {"size": [2, 3, 1], "counts": "6"},
        {"size": [2.0, 3.0], "counts": "6"},
        {"size": [-2, -3], "counts": "6"},
        {"size": [0, 0], "counts": "0"},
        {"size": [10**9, 10**9], "counts": "6"},
        {"size": "23", "counts": "6"},
    ],
    ids=str,
)
def test_what_is_no_rle(rle):
    with pytest.raises(MaskError, match="expected"):
        decode_rle(rle)


@pytest.mark.parametrize("mask", [np.zeros((3, 3), np.uint8), np.zeros((3, 3, 1), np.bool_)])
def test_what_is_no_mask(mask):
    with pytest.raises(MaskError, match="expected a mask of"):
        encode_rle(mask)
