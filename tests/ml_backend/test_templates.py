"""The ready configurations are understood by us and by Label Studio's SDK."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend.label_config import Command, MaskFormat, parse_label_config, parse_video_config
from ml_backend.project.templates import read_template, template_names, with_labels
from ml_backend.settings import Settings
from tests.folders import ROOT
from trackanything_core.errors import ConfigError

TEMPLATES = sorted((ROOT / "label_config").glob("*.xml"))
FRAMES = [path for path in TEMPLATES if path.stem.startswith("frames-")]
VIDEOS = [path for path in TEMPLATES if path.stem.startswith("video-")]


@pytest.mark.parametrize("template", FRAMES, ids=lambda path: path.stem)
def test_frames_template(template: Path) -> None:
    xml = template.read_text()
    config = parse_label_config(xml)
    assert config.mask.format is (
        MaskFormat.BRUSH if "brush" in template.stem else MaskFormat.BITMASK
    )
    assert config.prompt_names == {"prompt"}
    interface = LabelInterface(xml)
    interface.validate()
    # Every object can be prompted, and the commands are the only prompts that are no objects.
    prompts = interface.get_control("prompt").labels
    commands = [command.value for command in Command]
    assert prompts == [*config.mask.labels, *commands]
    assert [config.command(command) for command in commands] == list(Command)


@pytest.mark.parametrize("template", VIDEOS, ids=lambda path: path.stem)
def test_video_template(template: Path) -> None:
    xml = template.read_text()
    config = parse_video_config(xml)
    assert (config.boxes, config.vectors) == (
        "box",
        None if "boxes" in template.stem else "outline",
    )
    assert config.labels == ("Object 1", "Object 2")
    assert config.rate({"fps": 29.97}) == 29.97
    LabelInterface(xml).validate()


def test_all_templates_are_described_with_a_picture() -> None:
    page = (ROOT / "label_config" / "README.md").read_text()
    assert len(TEMPLATES) == len(FRAMES) + len(VIDEOS) == 5
    assert [path.name for path in TEMPLATES if f"]({path.name})" not in page] == []
    assert [path.stem for path in TEMPLATES if f"screenshots/{path.stem}.jpg)" not in page] == []


@pytest.mark.parametrize("page", ["label_config/README.md", "docs/annotator.md", "docs/admin.md"])
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_admins_page_has_every_setting() -> None:
    page = (ROOT / "docs" / "admin.md").read_text()
    names = [name.upper() for name in Settings.model_fields]
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", template_names())
def test_labels_of_ones_own_keep_the_commands(name: str) -> None:
    xml = read_template(name, ["Cat & dog", "Cup"])
    LabelInterface(xml).validate()
    if name.startswith("video-"):
        assert parse_video_config(xml).labels == ("Cat & dog", "Cup")
        return
    config = parse_label_config(xml)
    assert config.mask.labels == ("Cat & dog", "Cup")
    assert [config.command(command.value) for command in Command] == list(Command)
    prompts = LabelInterface(xml).get_control("prompt").labels
    assert prompts == ["Cat & dog", "Cup", *(command.value for command in Command)]


@pytest.mark.parametrize("labels", [["Cat", "Cat"], ["Track"]])
def test_labels_are_different_and_no_commands(labels: list[str]) -> None:
    with pytest.raises(ConfigError, match="different labels that are no commands"):
        with_labels("<View/>", labels)


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="frames-bitmask"):
        read_template("no-such")
