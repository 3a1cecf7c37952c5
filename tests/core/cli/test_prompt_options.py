from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from trackanything_core.cli.ordered import OrderedCommand, ordered_values
from trackanything_core.cli.prompt_options import DEFAULT_OBJECT, parse_prompts
from trackanything_core.errors import PromptError
from trackanything_core.types import Box, Click


def test_options_keep_their_order_among_each_other() -> None:
    app, seen = typer.Typer(), []

    @app.command(cls=OrderedCommand)
    def command(
        context: typer.Context,
        file: str,
        click: list[str] | None = None,
        name: list[str] | None = None,
        flag: bool = False,
        other: str = "",
    ) -> None:
        seen.extend(ordered_values(context, ("click", "name")))

    line = ["--click", "-1,2", "film", "--name=a", "--click=3,4", "--flag", "--name", "b"]
    result = CliRunner().invoke(app, [*line, "--other", "--click", "--click", "5,6"])
    assert result.exit_code == 0, result.output
    assert seen == [
        ("click", "-1,2"),
        ("name", "a"),
        ("click", "3,4"),
        ("name", "b"),
        ("click", "5,6"),
    ]


def test_prompts_belong_to_the_object_named_before_them() -> None:
    cat, dog, cat_later = parse_prompts(
        [
            ("object", "cat"),
            ("click", "1,2"),
            ("not_click", "3.5,4@0"),
            ("object", "black dog"),
            ("box", "1,2,30,40@7"),
            ("object", "cat"),
            ("click", "5,6"),
            ("click", "7,8@9"),
        ]
    )
    assert (cat.object_id, cat.frame) == ("cat", 0)
    assert cat.clicks == (Click(1, 2), Click(3.5, 4, positive=False), Click(5, 6))
    assert (dog.object_id, dog.frame, dog.box) == ("black dog", 7, Box(1, 2, 30, 40))
    assert (cat_later.object_id, cat_later.frame) == ("cat", 9)


def test_without_a_name_there_is_one_object(tmp_path: Path) -> None:
    path = tmp_path / "mask@home.png"
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:4] = True
    Image.fromarray(mask).save(path)
    first, later = parse_prompts([("mask", str(path)), ("mask", f"{path}@12")])
    assert (first.object_id, first.frame, later.frame) == (DEFAULT_OBJECT, 0, 12)
    for prompt in (first, later):
        assert prompt.mask is not None
        np.testing.assert_array_equal(prompt.mask, mask)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "expected a prompt"),
        ([("object", "cat")], "object 'cat' has no prompt"),
        ([("click", "1,1"), ("object", "cat")], "object 'cat' has no prompt"),
        ([("object", " ")], "expected --object NAME"),
        ([("click", "1")], r"expected --click X,Y or X,Y@FRAME.*got '1'"),
        ([("click", "1,2,3")], "expected --click"),
        ([("not_click", "a,b")], "expected --not-click"),
        ([("click", "nan,1")], "expected --click"),
        ([("click", "1,2@-1")], "expected --click"),
        ([("click", "1,2@1.5")], "expected --click"),
        ([("box", "1,2")], "expected --box X0,Y0,X1,Y1"),
        ([("box", "9,9,1,1")], "right > left"),
        ([("box", "1,1,9,9"), ("box", "2,2,9,9")], "expected one --box.*got two"),
        ([("not_click", "1,1")], "negative clicks only"),
        ([("mask", "missing.png")], r"cannot read missing\.png"),
    ],
)
def test_what_cannot_be_read_is_said(values: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(PromptError, match=message):
        parse_prompts(values)


def test_a_mask_of_several_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "00000.png"
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    picture.putpalette(list(range(256)) * 3)
    picture.save(path)
    with pytest.raises(PromptError, match=r"one object, .* numbers 2 objects"):
        parse_prompts([("mask", str(path))])
