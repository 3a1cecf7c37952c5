"""What a project's labelling configuration offers: frames, masks, prompts and commands.

Understood is the *frames mode*: `<Image valueList="$frames">` with BitmaskLabels or BrushLabels for
masks and smart KeyPointLabels or RectangleLabels for prompts. Commands are labels of a prompt
control that the mask control does not have.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from enum import Enum

from ml_backend.errors import LabelConfigError

_MASK_TAGS = ("BitmaskLabels", "BrushLabels")
"""In order of preference: the editor stays fast with many bitmasks, not with many brush masks."""

_PROMPT_TAGS = ("KeyPointLabels", "RectangleLabels", "KeyPoint", "Rectangle")


class MaskFormat(str, Enum):
    """How a mask is written in a result row; the value is the row's `type`."""

    BITMASK = "bitmasklabels"
    BRUSH = "brushlabels"


class Command(str, Enum):
    """What a click can ask for instead of a mask; the value is the label.

    Attributes:
        TRACK: the masks of all objects on all frames.
        STOP: no further tracking.
        FORGET: the object under the click, with all its masks.
        NEXT: the frame that is most worth a look.
    """

    TRACK = "Track"
    STOP = "Stop"
    FORGET = "Forget"
    NEXT = "Next"


@dataclass(frozen=True, slots=True)
class MaskControl:
    """The control that masks are answered for."""

    name: str
    format: MaskFormat
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FramesConfig:
    """A configuration in frames mode.

    Attributes:
        image_name: name of the Image tag, the `to_name` of every row.
        frames_key: key of the task's data that lists the addresses of the frames.
        mask: where masks go.
        prompt_names: names of the smart controls whose rows are prompts.
    """

    image_name: str
    frames_key: str
    mask: MaskControl
    prompt_names: frozenset[str]

    def command(self, label: str) -> Command | None:
        """The command that a click with this label stands for, if it does.

        An object may itself be called "Track": a label of the mask control is never a command.
        """
        if label in self.mask.labels:
            return None
        return next((command for command in Command if command.value == label), None)


def parse_label_config(xml: str) -> FramesConfig:
    """Read a labelling configuration.

    Args:
        xml: the project's configuration, as Label Studio sends it.

    Raises:
        LabelConfigError: not well-formed, or without frames, a mask control or a prompt control.
    """
    root = _parse(xml)
    image = next((tag for tag in root.iter("Image") if tag.get("valueList")), None)
    if image is None:
        raise LabelConfigError(
            'expected <Image name="frames" valueList="$frames"/>, found no Image with a valueList: '
            "use a template from label_config/"
        )
    image_name = _name(image)
    return FramesConfig(
        image_name=image_name,
        frames_key=image.get("valueList", "").removeprefix("$"),
        mask=_mask_control(root, image_name),
        prompt_names=_prompt_names(root, image_name),
    )


def _parse(xml: str) -> ElementTree.Element:
    # Entities are the only part of XML that can swell or reach outside, and no template has them.
    if "<!" in xml.replace("<!--", ""):
        raise LabelConfigError("expected a labelling configuration without a document type")
    try:
        return ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise LabelConfigError(
            f"expected a labelling configuration in XML, got text that is not: {error}"
        ) from error


def _mask_control(root: ElementTree.Element, image_name: str) -> MaskControl:
    for tag_name in _MASK_TAGS:
        for tag in root.iter(tag_name):
            if tag.get("toName") == image_name:
                return MaskControl(_name(tag), MaskFormat(tag_name.lower()), _labels(tag))
    raise LabelConfigError(
        f"expected BitmaskLabels or BrushLabels with toName={image_name!r}, found neither: "
        "use a template from label_config/"
    )


def _prompt_names(root: ElementTree.Element, image_name: str) -> frozenset[str]:
    names = frozenset(
        _name(tag)
        for tag_name in _PROMPT_TAGS
        for tag in root.iter(tag_name)
        if tag.get("toName") == image_name and tag.get("smart", "").lower() == "true"
    )
    if not names:
        raise LabelConfigError(
            f'expected KeyPointLabels or RectangleLabels with toName={image_name!r} smart="true", '
            "found none: use a template from label_config/"
        )
    return names


def _labels(tag: ElementTree.Element) -> tuple[str, ...]:
    # Rows carry a label's alias where it has one.
    labels = (label.get("alias") or label.get("value") or "" for label in tag.iter("Label"))
    return tuple(label for label in labels if label)


def _name(tag: ElementTree.Element) -> str:
    name = tag.get("name")
    if not name:
        raise LabelConfigError(f"expected every control to have a name, <{tag.tag}> has none")
    return name
