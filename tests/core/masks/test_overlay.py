"""Masks over a picture."""

from __future__ import annotations

import numpy as np
import pytest

from trackanything_core.errors import MaskError
from trackanything_core.masks.overlay import draw_masks

_GREY = np.full((240, 320, 3), 100, np.uint8)


def _square(top: int, left: int) -> np.ndarray:
    mask = np.zeros((240, 320), np.bool_)
    mask[top : top + 60, left : left + 60] = True
    return mask


def test_inside_is_tinted_outside_is_untouched():
    drawn = draw_masks(_GREY, [_square(50, 50), _square(150, 200)])
    red, green = drawn[80, 80].astype(int), drawn[180, 230].astype(int)
    assert red[0] > 120 > 60 > red[1] == red[2]
    assert green[1] > 120 > 60 > green[0] == green[2]
    outside = ~(_square(50, 50) | _square(150, 200))
    outside[47:113, 47:113] = outside[147:213, 197:263] = False
    np.testing.assert_array_equal(drawn[outside], _GREY[outside])
    assert (_GREY == 100).all()


def test_contour_is_brighter_than_the_fill():
    drawn = draw_masks(_GREY, [_square(50, 50)]).astype(int)
    assert drawn[80, 50].sum() > drawn[80, 80].sum() + 100


def test_nothing_to_draw():
    np.testing.assert_array_equal(draw_masks(_GREY, []), _GREY)
    np.testing.assert_array_equal(draw_masks(_GREY, [np.zeros((240, 320), np.bool_)]), _GREY)


def test_colours_are_the_callers():
    drawn = draw_masks(_GREY, [_square(0, 0)], np.array([[0, 0, 255]], np.uint8))
    assert drawn[30, 30, 2] > 150


def test_a_single_pixel_at_the_edge():
    mask = np.zeros((240, 320), np.bool_)
    mask[239, 319] = True
    assert (draw_masks(_GREY, [mask])[239, 319] != 100).any()


def test_mask_of_another_size():
    with pytest.raises(MaskError, match="expected a mask of 320x240 pixels, got 20x10"):
        draw_masks(_GREY, [np.zeros((10, 20), np.bool_)])
