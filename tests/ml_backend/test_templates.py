"""The ready configurations are understood by us and by Label Studio's SDK."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend.label_config import (
    Command,
    MaskFormat,
    is_video_config,
    parse_label_config,
    parse_video_config,
)
from tests.folders import ROOT

TEMPLATES = sorted((ROOT / "label_config").glob("*.xml"))


FRAMES = [path for path in TEMPLATES if path.stem.startswith("frames-")]


@pytest.mark.parametrize("template", FRAMES, ids=lambda path: path.stem)
def test_template_for_frames(template: Path) -> None:
    xml = template.read_text()
    config = parse_label_config(xml)
    assert config.mask.format is (
        MaskFormat.BRUSH if "brush" in template.stem else MaskFormat.BITMASK
    )
    assert config.command("Track") is Command.TRACK
    assert config.prompt_names == {"prompt"}
    interface = LabelInterface(xml)
    interface.validate()
    # Every object can be prompted, and the commands are the only prompts that are no objects.
    prompts = interface.get_control("prompt").labels
    assert prompts == [*config.mask.labels, *(command.value for command in Command)]


def test_template_for_boxes_on_a_video() -> None:
    xml = (ROOT / "label_config" / "video-boxes.xml").read_text()
    assert is_video_config(xml)
    config = parse_video_config(xml)
    assert (config.boxes, config.video_key, config.frame_rate) == ("box", "video", "$fps")
    assert config.labels == ("Object 1", "Object 2")
    LabelInterface(xml).validate()


def test_all_templates_are_described() -> None:
    page = (ROOT / "label_config" / "README.md").read_text()
    assert TEMPLATES
    assert [path.name for path in TEMPLATES if f"]({path.name})" not in page] == []
