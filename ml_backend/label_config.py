"""What a project's labelling configuration offers: frames, masks, prompts and commands.

In *frames mode* a video is `<Image valueList="$frames">`, with BitmaskLabels, BrushLabels,
PolygonLabels or RectangleLabels for what is answered and smart KeyPointLabels or RectangleLabels
for prompts. Commands are labels of a prompt control that the control of the masks does not have.

In *video mode* it is `<Video value="$video">`, with VideoRectangle and Labels for tracks of boxes
or VideoVectorLabels for outlines.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from ml_backend.errors import LabelConfigError
from ml_backend.frame_clock import DEFAULT_RATE

_MASK_TAGS = ("BitmaskLabels", "BrushLabels", "PolygonLabels", "RectangleLabels")
"""In order of preference: the editor stays fast with many bitmasks, not with many brush masks;
polygons and boxes say less."""

_PROMPT_TAGS = ("KeyPointLabels", "RectangleLabels", "KeyPoint", "Rectangle")


class MaskFormat(str, Enum):
    """How a mask is written in a result row; the value is the row's `type`."""

    BITMASK = "bitmasklabels"
    BRUSH = "brushlabels"
    POLYGON = "polygonlabels"
    RECTANGLE = "rectanglelabels"


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
        objects: how many objects a label may have, as the attribute `objects` of the mask
            control says; None where it says nothing. The editor and the SDK pass it over.
    """

    image_name: str
    frames_key: str
    mask: MaskControl
    prompt_names: frozenset[str]
    objects: Literal["one", "many"] | None = None

    def command(self, label: str) -> Command | None:
        """The command that a click with this label stands for, if it does.

        An object may itself be called "Track": a label of the mask control is never a command.
        """
        if label in self.mask.labels:
            return None
        return next((command for command in Command if command.value == label), None)


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """A configuration in video mode.

    Attributes:
        video_name: name of the Video tag, the `to_name` of every row.
        video_key: key of the task's data that holds the address of the video.
        boxes: name of the VideoRectangle control, if there is one.
        vectors: name of the VideoVectorLabels control, if there is one.
        labels: what an object can be labelled with.
        frame_rate: the attribute `frameRate` as it is written: a number, "$" with a key of the
            task's data, or "" where it is not given.
    """

    video_name: str
    video_key: str
    boxes: str | None
    vectors: str | None
    labels: tuple[str, ...]
    frame_rate: str = ""

    def rate(self, data: Mapping[str, Any]) -> float:
        """The frames per second that the editor reckons with.

        Args:
            data: of the task.

        Raises:
            LabelConfigError: it is not a number.
        """
        text = self.frame_rate
        value = data.get(text[1:]) if text.startswith("$") else text
        if value is None or value == "":
            return DEFAULT_RATE
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise LabelConfigError(
                f"expected the frameRate of {self.video_name!r} to be a number, got {value!r}"
            ) from error


def is_video_config(xml: str) -> bool:
    """Whether a configuration is one for video mode, and not for frames mode.

    Raises:
        LabelConfigError: not well-formed.
    """
    root = _parse(xml)
    has_frames = any(tag.get("valueList") for tag in root.iter("Image"))
    return not has_frames and next(root.iter("Video"), None) is not None


def parse_video_config(xml: str) -> VideoConfig:
    """Read a labelling configuration in video mode.

    Args:
        xml: the project's configuration, as Label Studio sends it.

    Raises:
        LabelConfigError: not well-formed, or without a video, a control for tracks or labels.
    """
    root = _parse(xml)
    video = next(root.iter("Video"), None)
    if video is None:
        raise LabelConfigError(
            'expected <Video name="video" value="$video"/>, found no Video: '
            "use a template from label_config/"
        )
    name = _name(video)
    boxes = _first(root, "VideoRectangle", name)
    vectors = _first(root, "VideoVectorLabels", name)
    if boxes is None and vectors is None:
        raise LabelConfigError(
            f"expected VideoRectangle or VideoVectorLabels with toName={name!r}, found neither: "
            "use a template from label_config/"
        )
    labelled = [tag for tag in (vectors, _first(root, "Labels", name)) if tag is not None]
    labels = tuple(dict.fromkeys(label for tag in labelled for label in _labels(tag)))
    if not labels:
        raise LabelConfigError(
            f"expected Labels with toName={name!r}, found none: use a template from label_config/"
        )
    attributes = {key.lower(): value for key, value in video.attrib.items()}
    return VideoConfig(
        video_name=name,
        video_key=video.get("value", "").removeprefix("$"),
        boxes=None if boxes is None else _name(boxes),
        vectors=None if vectors is None else _name(vectors),
        labels=labels,
        # The editor takes attributes in any case of letters.
        frame_rate=attributes.get("framerate", ""),
    )


def parse_label_config(xml: str) -> FramesConfig:
    """Read a labelling configuration in frames mode.

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
    control = _mask_control(root, image_name)
    return FramesConfig(
        image_name=image_name,
        frames_key=image.get("valueList", "").removeprefix("$"),
        mask=MaskControl(_name(control), MaskFormat(control.tag.lower()), _labels(control)),
        prompt_names=_prompt_names(root, image_name),
        objects=_objects(control),
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


def _mask_control(root: ElementTree.Element, image_name: str) -> ElementTree.Element:
    for tag_name in _MASK_TAGS:
        for tag in root.iter(tag_name):
            # Smart rectangles are prompts.
            is_prompt = tag_name in _PROMPT_TAGS and _is_smart(tag)
            if tag.get("toName") == image_name and not is_prompt:
                return tag
    raise LabelConfigError(
        f"expected BitmaskLabels or BrushLabels with toName={image_name!r} (or PolygonLabels or "
        "RectangleLabels that are not smart), found none: use a template from label_config/"
    )


def _objects(control: ElementTree.Element) -> Literal["one", "many"] | None:
    text = control.get("objects")
    if text is None:
        return None
    if text == "one":
        return "one"
    if text == "many":
        return "many"
    raise LabelConfigError(f'expected objects="one" or objects="many" of masks, got {text!r}')


def _first(root: ElementTree.Element, tag_name: str, to_name: str) -> ElementTree.Element | None:
    return next((tag for tag in root.iter(tag_name) if tag.get("toName") == to_name), None)


def _is_smart(tag: ElementTree.Element) -> bool:
    return tag.get("smart", "").lower() == "true"


def _prompt_names(root: ElementTree.Element, image_name: str) -> frozenset[str]:
    names = frozenset(
        _name(tag)
        for tag_name in _PROMPT_TAGS
        for tag in root.iter(tag_name)
        if tag.get("toName") == image_name and _is_smart(tag)
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
