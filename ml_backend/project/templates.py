"""The labelling configurations that come with the project, with labels of one's own."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from ml_backend.label_config import Command
from trackanything_core.errors import ConfigError
from trackanything_core.masks.palette import davis_palette

_INSTALLED = Path(__file__).parent.parent / "label_configs"
_CHECKED_OUT = Path(__file__).parents[2] / "label_config"

_COMMANDS = frozenset(command.value for command in Command)


def template_names() -> list[str]:
    """What there is, without `.xml`."""
    return sorted(path.stem for path in _folder().glob("*.xml"))


def read_template(name: str, labels: Sequence[str] = ()) -> str:
    """A template, in XML.

    Args:
        name: one of `template_names()`.
        labels: of objects, in place of those of the template; all of its own if there are none.

    Raises:
        ConfigError: there is no such template, or a label is given twice or is a command.
    """
    if name not in template_names():
        raise ConfigError(f"expected one of the templates {template_names()}, got {name!r}")
    xml = (_folder() / f"{name}.xml").read_text(encoding="utf-8")
    return with_labels(xml, labels) if labels else xml


def with_labels(xml: str, labels: Sequence[str]) -> str:
    """Replace the labels of objects, in every control, and keep the commands.

    Raises:
        ConfigError: a label is given twice, or is a command.
    """
    commands = sorted(_COMMANDS & set(labels))
    if commands or len(set(labels)) != len(labels):
        raise ConfigError(
            f"expected different labels that are no commands, got {list(labels)}: "
            f"{sorted(_COMMANDS)} are commands"
        )
    colors = davis_palette()[1:].tolist()
    root = ElementTree.fromstring(xml)
    for control in root.iter():
        old = control.findall("Label")
        if not old:
            continue
        kept = [label for label in old if label.get("value") in _COMMANDS]
        for label in old:
            control.remove(label)
        for value, (red, green, blue) in zip(labels, colors, strict=False):
            background = f"#{red:02x}{green:02x}{blue:02x}"
            ElementTree.SubElement(control, "Label", value=value, background=background)
        control.extend(kept)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _folder() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKED_OUT
