"""What is read from a labelling configuration, and what is refused."""

from __future__ import annotations

import pytest

from ml_backend.errors import LabelConfigError
from ml_backend.label_config import (
    Command,
    FramesConfig,
    MaskControl,
    MaskFormat,
    parse_label_config,
)
from tests.ml_backend import configs


def test_reads_the_frames_template() -> None:
    assert configs.bitmask_config() == FramesConfig(
        image_name="frames",
        frames_key="frames",
        mask=MaskControl("mask", MaskFormat.BITMASK, ("Cat", "Dog")),
        prompt_names=frozenset({"kp", "rect"}),
    )


def test_reads_brush_masks() -> None:
    assert configs.brush_config().mask.format is MaskFormat.BRUSH


def test_prefers_bitmasks_where_both_are_there() -> None:
    brush = '<BrushLabels name="b" toName="frames"><Label value="Cat"/></BrushLabels>'
    config = parse_label_config(configs.BITMASK.replace("<BitmaskLabels", brush + "<BitmaskLabels"))
    assert config.mask.name == "mask"


def test_takes_the_tags_of_the_image_that_lists_frames() -> None:
    other = (
        '<Image name="map" value="$map"/>'
        '<BitmaskLabels name="m2" toName="map"><Label value="Sea"/></BitmaskLabels>'
        '<KeyPointLabels name="k2" toName="map" smart="true"><Label value="Sea"/></KeyPointLabels>'
    )
    assert (
        parse_label_config(configs.BITMASK.replace("<View>", "<View>" + other))
        == configs.bitmask_config()
    )


def test_rows_carry_a_label_s_alias() -> None:
    config = parse_label_config(
        configs.BITMASK.replace('<Label value="Cat"/>', '<Label value="Cat" alias="c"/>')
    )
    assert config.mask.labels == ("c", "Dog")


def test_controls_that_are_not_smart_send_nothing() -> None:
    config = parse_label_config(
        configs.BITMASK.replace(
            'name="rect" toName="frames" smart="true"', 'name="rect" toName="frames"'
        )
    )
    assert config.prompt_names == {"kp"}


@pytest.mark.parametrize(
    ("label", "command"), [("Track", Command.TRACK), ("Cat", None), ("track", None), ("", None)]
)
def test_commands(label: str, command: Command | None) -> None:
    assert configs.bitmask_config().command(label) is command


def test_an_object_may_be_called_track() -> None:
    config = parse_label_config(configs.BITMASK.replace("Dog", "Track"))
    assert config.command("Track") is None


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("", "in XML"),
        ("<View>", "in XML"),
        ("<View/>", "found no Image with a valueList"),
        (configs.BITMASK.replace("valueList", "value"), "found no Image with a valueList"),
        (configs.BITMASK.replace("BitmaskLabels", "Labels"), "BitmaskLabels or BrushLabels"),
        (configs.BITMASK.replace('smart="true"', ""), "KeyPointLabels or RectangleLabels"),
        (configs.BITMASK.replace('name="mask"', ""), "every control to have a name"),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><View>&b;</View>',
            "without a document type",
        ),
    ],
)
def test_refuses_configurations_without_frames_masks_or_prompts(xml: str, message: str) -> None:
    with pytest.raises(LabelConfigError, match=message):
        parse_label_config(xml)


def test_comments_are_no_document_type() -> None:
    assert parse_label_config("<!-- <b> -->" + configs.BITMASK) == configs.bitmask_config()
