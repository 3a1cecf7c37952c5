"""From the options of the command line to prompts.

What follows `--object NAME` belongs to that object, up to the next `--object`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from trackanything_core.errors import PromptError
from trackanything_core.types import Box, Click, FrameIndex, Mask, ObjectId, Prompt

PROMPT_OPTIONS = ("object", "click", "not_click", "box", "mask")
DEFAULT_OBJECT: ObjectId = "object"

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_PLACE = re.compile(rf"(?P<numbers>{_NUMBER}(?:,{_NUMBER})*)(?:@(?P<frame>\d+))?")


@dataclass
class _Draft:
    """What has been said of one object on one frame so far."""

    clicks: list[Click] = field(default_factory=list)
    box: Box | None = None
    mask: Mask | None = None


def parse_prompts(values: Sequence[tuple[str, str]]) -> list[Prompt]:
    """Gather options into one prompt for each object and frame.

    Args:
        values: (option, value) in the order of the command line, options from `PROMPT_OPTIONS`.

    Returns:
        The prompts, in the order in which their object and frame were first named.

    Raises:
        PromptError: a value cannot be read, an object has no prompt, or there is none at all.
    """
    drafts: dict[tuple[ObjectId, FrameIndex], _Draft] = {}
    object_id = DEFAULT_OBJECT
    named: list[ObjectId] = []
    for option, value in values:
        if option == "object":
            object_id = _object_name(value)
            named.append(object_id)
            continue
        if option == "mask":
            path, frame = _file_and_frame(value)
        else:
            numbers, frame = _numbers_and_frame(option, value)
        draft = drafts.setdefault((object_id, frame), _Draft())
        if option == "mask":
            _refuse_second(draft.mask, option, object_id, frame)
            draft.mask = _read_mask(path)
        elif option == "box":
            _refuse_second(draft.box, option, object_id, frame)
            draft.box = Box(*numbers)
        else:
            x, y = numbers
            draft.clicks.append(Click(x, y, positive=option == "click"))
    prompted = {object_id for object_id, _ in drafts}
    for object_id in named:
        if object_id not in prompted:
            raise PromptError(
                f"object {object_id!r} has no prompt: put --click, --box or --mask after its name"
            )
    if not drafts:
        raise PromptError("expected a prompt: give --click X,Y, --box X0,Y0,X1,Y1 or --mask FILE")
    return [
        Prompt(object_id, frame, tuple(draft.clicks), draft.box, draft.mask)
        for (object_id, frame), draft in drafts.items()
    ]


def _object_name(value: str) -> ObjectId:
    name = value.strip()
    if not name or not name.isprintable():
        raise PromptError(f"expected --object NAME, got {value!r}")
    return name


def _numbers_and_frame(option: str, value: str) -> tuple[list[float], FrameIndex]:
    form = "X0,Y0,X1,Y1" if option == "box" else "X,Y"
    match = _PLACE.fullmatch(value.strip())
    numbers = [float(number) for number in match["numbers"].split(",")] if match else []
    if match is None or len(numbers) != form.count(",") + 1:
        flag = option.replace("_", "-")
        raise PromptError(
            f"expected --{flag} {form} or {form}@FRAME, in pixels and frames from 0, got {value!r}"
        )
    return numbers, int(match["frame"] or 0)


def _file_and_frame(value: str) -> tuple[Path, FrameIndex]:
    path, at, frame = value.rpartition("@")
    if at and frame.isdecimal():
        return Path(path), int(frame)
    return Path(value), 0


def _refuse_second(present: object, option: str, object_id: ObjectId, frame: FrameIndex) -> None:
    if present is not None:
        raise PromptError(
            f"expected one --{option} for object {object_id!r} on frame {frame}, got two"
        )


def _read_mask(path: Path) -> Mask:
    """The pixels of a picture that are not black; (H, W) bool."""
    try:
        with PillowImage.open(path) as picture:
            values = np.array(picture if picture.mode in ("P", "1") else picture.convert("L"))
            numbers_objects = picture.mode == "P"
    except OSError as error:
        raise PromptError(f"expected a picture as a mask, cannot read {path}") from error
    count = len(np.unique(values[values > 0]))
    if numbers_objects and count > 1:
        raise PromptError(f"expected the mask of one object, {path} numbers {count} objects")
    return np.asarray(values > 0)
