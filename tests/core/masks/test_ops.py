"""Boxes, likeness and pieces of masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from trackanything_core.errors import MaskError
from trackanything_core.masks.ops import (
    bounding_box,
    components_near,
    fill_holes,
    iou,
    largest_components,
)
from trackanything_core.masks.rle import encode_rle
from trackanything_core.types import Mask

_MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=30))


def picture(text: str) -> Mask:
    """'#' is on the object, '.' is off it."""
    return np.array([[character == "#" for character in row] for row in text.split()])


@pytest.mark.property
@given(_MASKS)
def test_bounding_box_agrees_with_pycocotools(mask: Mask):
    box = bounding_box(mask)
    if not mask.any():
        assert box is None
        return
    assert box == tuple(coco.toBbox(encode_rle(mask)))
    assert all(isinstance(side, int) for side in box)


@pytest.mark.property
@given(st.data(), hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))
def test_iou_is_a_likeness(data: st.DataObject, shape: tuple[int, ...]):
    first = data.draw(hnp.arrays(np.bool_, shape))
    second = data.draw(hnp.arrays(np.bool_, shape))
    value = iou(first, second)
    assert 0 <= value <= 1
    assert value == iou(second, first)
    assert iou(first, first) == 1
    assert (value == 1) == np.array_equal(first, second)


def test_iou_by_hand():
    assert iou(picture("##. ..."), picture(".## ...")) == pytest.approx(1 / 3)
    assert iou(picture(".. .."), picture(".. ..")) == 1
    assert iou(picture(".. .."), picture("#. ..")) == 0


_THREE = picture(
    """
    ##....#
    ##.....
    ..#..##
    .....##
    .....##
    """
)


def test_largest_component_holds_together_by_corners():
    expected = np.zeros_like(_THREE)
    expected[2:, 5:] = True
    np.testing.assert_array_equal(largest_components(_THREE), expected)
    expected[:2, :2] = expected[2, 2] = True
    np.testing.assert_array_equal(largest_components(_THREE, 2), expected)
    np.testing.assert_array_equal(largest_components(_THREE, 9), _THREE)


def test_largest_component_of_nothing_is_nothing():
    assert not largest_components(np.zeros((4, 4), np.bool_)).any()


@pytest.mark.property
@given(_MASKS, st.integers(1, 5))
def test_largest_components_only_take_away(mask: Mask, count: int):
    kept = largest_components(mask, count)
    assert not (kept & ~mask).any()
    assert kept.any() == mask.any()
    np.testing.assert_array_equal(largest_components(kept, count), kept)


@pytest.mark.parametrize(("distance", "pieces"), [(0, 1), (1.9, 1), (2, 2), (100, 3)])
def test_components_near_a_reference(distance: float, pieces: int):
    reference = np.zeros_like(_THREE)
    reference[0, 6] = True  # the single pixel; the piece below it is two pixels away
    alone = _THREE & (np.arange(7) == 6) & (np.arange(5) == 0)[:, None]
    below = largest_components(_THREE)
    expected = {1: alone, 2: alone | below, 3: _THREE}[pieces]
    np.testing.assert_array_equal(components_near(_THREE, reference, distance), expected)


def test_nothing_is_near_an_empty_reference():
    assert not components_near(_THREE, np.zeros_like(_THREE), 1000).any()


_RING = picture(
    """
    #######.
    #.###.#.
    #..##.#.
    #######.
    .#..#...
    .#..#...
    """
)


def test_holes_are_filled_and_bays_are_not():
    expected = _RING.copy()
    expected[:4, :7] = True
    np.testing.assert_array_equal(fill_holes(_RING), expected)


def test_only_holes_up_to_the_area_are_filled():
    expected = _RING.copy()
    expected[1:3, 5] = True
    np.testing.assert_array_equal(fill_holes(_RING, max_area=2), expected)


def test_a_hole_does_not_leak_through_a_corner():
    ring = picture(".#. #.# .#.")
    np.testing.assert_array_equal(fill_holes(ring), picture(".#. ### .#."))


@pytest.mark.property
@given(_MASKS)
def test_filling_twice_is_filling_once(mask: Mask):
    filled = fill_holes(mask)
    assert not (mask & ~filled).any()
    np.testing.assert_array_equal(fill_holes(filled), filled)


@pytest.mark.parametrize("function", [bounding_box, largest_components, fill_holes])
@pytest.mark.parametrize("mask", [np.zeros((3, 3), np.uint8), np.zeros(9, np.bool_)])
def test_what_is_no_mask(function, mask):
    with pytest.raises(MaskError, match="expected a mask of"):
        function(mask)


def test_sizes_must_agree():
    small, large = np.zeros((3, 4), np.bool_), np.zeros((5, 6), np.bool_)
    with pytest.raises(MaskError, match="expected a mask of 4x3 pixels, got 6x5"):
        iou(small, large)
    with pytest.raises(MaskError, match="expected a mask of 4x3 pixels, got 6x5"):
        components_near(small, large, 1)
