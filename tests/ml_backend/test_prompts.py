"""Editor rows in percent become prompts in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.errors import RequestError
from ml_backend.label_config import Command, parse_label_config
from ml_backend.prompts import PromptRow, build_prompt, read_interaction
from tests.ml_backend import configs
from trackanything_core.errors import PromptError
from trackanything_core.types import Box, Click

CONFIG = configs.bitmask_config()


def point(x: float, y: float, *, id: str = "a", label: str = "Cat", **row: Any) -> dict[str, Any]:
    return {
        "id": id,
        "from_name": "kp",
        "to_name": "frames",
        "type": "keypointlabels",
        "origin": "manual",
        "item_index": 4,
        "original_width": 640,
        "original_height": 360,
        "image_rotation": 0,
        "is_positive": True,
        "value": {"x": x, "y": y, "width": 0.2, "labels": [label], "keypointlabels": [label]},
        **row,
    }


def rectangle(
    x: float, y: float, width: float, height: float, rotation: float = 0
) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": rotation}
    return point(0, 0, from_name="rect", value={**value, "rectanglelabels": ["Cat"]})


def mark(row: dict[str, Any]) -> Click | Box:
    return read_interaction([row], CONFIG).rows[0].mark


@pytest.mark.parametrize(
    ("x", "y", "click"),
    [(50, 50, (319.5, 179.5)), (0, 0, (0, 0)), (100, 100, (639, 359)), (0.078125, 100, (0, 359))],
)
def test_percent_become_pixels(x: float, y: float, click: tuple[float, float]) -> None:
    assert mark(point(x, y)) == Click(*click)


@pytest.mark.property
@given(st.floats(0, 100), st.floats(0, 100))
def test_any_click_inside_the_editor_s_picture_is_inside_ours(x: float, y: float) -> None:
    click = mark(point(x, y))
    assert isinstance(click, Click)
    assert 0 <= click.x <= 639
    assert 0 <= click.y <= 359


def test_alt_click_is_negative() -> None:
    assert mark(point(50, 50, is_positive=False)) == Click(319.5, 179.5, positive=False)


def test_a_rectangle_covers_its_pixels() -> None:
    # Pixels 64..127 across and 36..107 down.
    assert mark(rectangle(10, 10, 10, 20)) == Box(64, 36, 127, 107)


def test_a_rectangle_beyond_the_border_is_cut() -> None:
    assert mark(rectangle(-10, 90, 200, 50)) == Box(0, 324, 639, 359)


def test_a_turned_rectangle_gives_the_box_round_it() -> None:
    # A quarter turn about its top left corner at (320, 180) puts 64 x 36 pixels to the lower left.
    box = mark(rectangle(50, 50, 10, 10, rotation=90))
    assert isinstance(box, Box)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((284, 180, 319, 243))


def test_the_newest_row_says_which_frame() -> None:
    interaction = read_interaction([point(1, 1, id="a"), point(2, 2, id="b", item_index=7)], CONFIG)
    assert interaction.frame == 7
    assert [row.frame for row in interaction.rows] == [4, 7]
    assert interaction.command is None
    assert interaction.label == "Cat"


def test_a_click_on_a_selected_region_counts_once() -> None:
    twin = point(1, 1, from_name="mask", type="bitmasklabels")
    assert len(read_interaction([point(1, 1), twin], CONFIG).rows) == 1


def test_a_row_sent_twice_counts_once() -> None:
    assert len(read_interaction([point(1, 1), point(1, 1)], CONFIG).rows) == 1


def test_a_command() -> None:
    interaction = read_interaction([point(1, 1, label="Track")], CONFIG)
    assert interaction.command is Command.TRACK


def test_clicks_without_labels_suit_one_class() -> None:
    xml = configs.BITMASK.replace('<Label value="Dog"/>', "")
    row = point(1, 1, value={"x": 1, "y": 1, "labels": []}, type="keypoint")
    assert read_interaction([row], parse_label_config(xml)).label == "Cat"
    with pytest.raises(PromptError, match="has no label"):
        read_interaction([row], CONFIG)


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        (point(101, 5), PromptError, "inside the picture"),
        (point(5, -0.1), PromptError, "inside the picture"),
        (point(float("nan"), 5), RequestError, "value.x"),
        (point(1, 1, item_index=-1), RequestError, "item_index"),
        (point(1, 1, item_index=None), RequestError, "item_index"),
        (point(1, 1, original_width=0), RequestError, "original_width"),
        (point(1, 1, value={"points": []}), RequestError, "value.x"),
        (point(1, 1, value=None), RequestError, "value"),
        (point(1, 1, from_name="mask"), RequestError, "kp or rect"),
        (point(1, 1, label="Bird"), PromptError, "'Bird'"),
        (point(1, 1, image_rotation=90), PromptError, "turned by 90 degrees"),
        (rectangle(10, 10, 0.1, 0.1), PromptError, "expected a box"),
    ],
)
def test_refusals(row: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_interaction([row], CONFIG)


def test_no_rows_are_no_interaction() -> None:
    with pytest.raises(RequestError, match="got 0 rows"):
        read_interaction([], CONFIG)


def rows(*marks: Click | Box) -> list[PromptRow]:
    return [PromptRow(str(i), "kp", 4, (360, 640), mark) for i, mark in enumerate(marks)]


def test_a_prompt_joins_rows_and_takes_the_newest_box() -> None:
    newest = Box(2, 2, 6, 6)
    prompt = build_prompt("Cat", 4, rows(Click(1, 2), Box(1, 1, 5, 5), newest, Click(3, 4, False)))
    assert (prompt.object_id, prompt.frame) == ("Cat", 4)
    assert prompt.clicks == (Click(1, 2), Click(3, 4, positive=False))
    assert prompt.box == newest


def test_negative_clicks_alone_say_nothing_but_improve_a_mask() -> None:
    negative = rows(Click(1, 2, positive=False))
    with pytest.raises(PromptError, match="negative clicks only"):
        build_prompt("Cat", 4, negative)
    start = np.ones((360, 640), np.bool_)
    assert build_prompt("Cat", 4, negative, start).mask is start
