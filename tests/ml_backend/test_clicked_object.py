"""Which object a click means."""

from __future__ import annotations

import numpy as np
import pytest

from ml_backend.clicked_object import choose_object, nearest_object, new_object
from tests.ml_backend.fakes import RADIUS, disc
from trackanything_core.types import Box, Click, Mask, ObjectId

LABELS = {"Cat": "Cat", "Dog": "Dog", "Cat 2": "Cat"}
MASKS = {"Cat": disc(10, 12), "Dog": disc(30, 12), "Cat 2": disc(50, 20)}
FAR = Click(10, 30)


def choose(mark: Click | Box, label: str = "Cat", *, many: bool = True, **more) -> ObjectId:
    return choose_object(mark, label, LABELS, MASKS, many=many, **more)


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize(("x", "y", "name"), [(10, 12, "Cat"), (52, 20, "Cat 2")])
def test_inside_a_mask_of_the_label_is_that_object(many, x, y, name) -> None:
    assert choose(Click(x, y), many=many) == name
    assert choose(Click(x, y, positive=False), many=many) == name


def test_at_the_border_is_that_object_and_beyond_it_is_not() -> None:
    assert choose(Click(50 + RADIUS + 1, 20)) == "Cat 2"
    assert choose(Click(50 + RADIUS + 3, 20)) == "Cat 3"


def test_the_mask_of_another_label_does_not_count() -> None:
    assert choose(Click(30, 12)) == "Cat 3"
    assert choose(Click(10, 12), "Dog") == "Dog 2"


def test_elsewhere_it_is_the_one_object_of_the_label_or_a_new_one() -> None:
    assert choose(FAR, many=False) == "Cat"
    assert choose(FAR) == "Cat 3"
    assert choose(FAR, "Cow", many=False) == "Cow"


def test_a_selected_region_is_meant_from_afar() -> None:
    assert choose(Click(40, 30), selected=True) == "Cat 2"
    assert choose(Click(12, 34), selected=True, many=False) == "Cat"


def test_a_negative_click_begins_no_object_where_there_is_one() -> None:
    assert choose(Click(40, 30, positive=False)) == "Cat 2"
    nothing: dict[str, Mask] = {}
    assert choose_object(Click(1, 1, False), "Cat", LABELS, nothing, many=True) == "Cat 2"
    assert choose_object(Click(1, 1, False), "Cow", LABELS, MASKS, many=True) == "Cow"


def test_a_box_round_a_mask_is_about_that_mask() -> None:
    assert choose(Box(44, 14, 56, 26)) == "Cat 2"
    assert choose(Box(0, 0, 63, 35)) == "Cat 3"
    assert choose(Box(20, 25, 30, 35)) == "Cat 3"


def test_names_are_not_given_twice() -> None:
    assert choose(FAR, taken={"Cat 3"}) == "Cat 4"
    assert new_object("Cat", ()) == "Cat"


def test_empty_masks_are_nowhere() -> None:
    empty = np.zeros((36, 64), np.bool_)
    assert nearest_object(Click(1, 1), {"Cat": empty}) is None
    assert choose_object(Click(1, 1), "Cat", LABELS, {"Cat": empty}, many=True) == "Cat 3"
