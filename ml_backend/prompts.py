"""From the editor's rows, in percent, to prompts, in pixels.

A request carries the smart regions of one label and one control that the editor has not yet
accepted, on all frames, newest last. Its newest row says which frame and which label is meant.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

from ml_backend.errors import RequestError
from ml_backend.label_config import Command, FramesConfig
from trackanything_core.errors import PromptError
from trackanything_core.types import Box, Click, FrameIndex, Mask, ObjectId, Prompt


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One smart region: a click or a box on one frame.

    Attributes:
        id: the editor's name of the region; it stays when the region is moved.
        control: name of the control it was drawn with.
        frame: `item_index` of the row.
        size: (height, width) in pixels of the picture as the editor sees it.
        mark: the click or box in pixels.
        selected: whether a mask of that label was selected in the editor as the mark was made.
    """

    id: str
    control: str
    frame: FrameIndex
    size: tuple[int, int]
    mark: Click | Box
    selected: bool = False

    @property
    def is_negative(self) -> bool:
        """Whether the mark says what the object is not."""
        return isinstance(self.mark, Click) and not self.mark.positive


@dataclass(frozen=True, slots=True)
class Interaction:
    """What one request asks for.

    Attributes:
        label: label of the rows, as the mask control spells it.
        frame: the frame that the user looks at.
        command: set if the label is a command; then the rows' marks mean nothing.
        rows: all rows of the request, oldest first, each id once.
    """

    label: str
    frame: FrameIndex
    command: Command | None
    rows: tuple[PromptRow, ...]


class _Value(BaseModel):
    """The `value` of a point or rectangle: percent of the picture, from its top left corner."""

    model_config = ConfigDict(extra="ignore")

    x: FiniteFloat
    y: FiniteFloat
    width: FiniteFloat = 0.0
    height: FiniteFloat | None = None
    rotation: FiniteFloat = 0.0
    labels: list[str] = []
    keypointlabels: list[str] = []
    rectanglelabels: list[str] = []


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    from_name: str
    item_index: NonNegativeInt
    original_width: PositiveInt
    original_height: PositiveInt
    image_rotation: FiniteFloat = 0.0
    is_positive: bool = True
    value: _Value


def read_interaction(rows: Sequence[Mapping[str, Any]], config: FramesConfig) -> Interaction:
    """Read `context.result` of an interactive request.

    Args:
        rows: the result rows. A click while a region is selected comes twice, the second time as
            a row of that region's control; other rows of such controls are passed over.
        config: the project's labelling configuration.

    Raises:
        RequestError: a row is not formed as Label Studio forms it, or none is a prompt.
        PromptError: a click lies outside the picture, the label is unknown, the picture is turned.
    """
    parsed = {row.id: row for row in map(_parse, _prompts_only(rows, config))}
    if not parsed:
        raise RequestError(
            f"expected a row of {' or '.join(sorted(config.prompt_names))} in context.result, "
            f"got {len(rows)} rows without one: click with the smart tool"
        )
    doubled = {row.get("id") for row in rows if row.get("from_name") not in config.prompt_names}
    newest = list(parsed.values())[-1]
    label = _label(newest.value, config)
    return Interaction(
        label=label,
        frame=newest.item_index,
        command=config.command(label),
        rows=tuple(
            PromptRow(
                row.id,
                row.from_name,
                row.item_index,
                (row.original_height, row.original_width),
                _mark(row),
                selected=row.id in doubled,
            )
            for row in parsed.values()
        ),
    )


def build_prompt(
    object_id: ObjectId, frame: FrameIndex, rows: Iterable[PromptRow], start: Mask | None = None
) -> Prompt:
    """Join the rows of one object on one frame; of several boxes the newest counts.

    Args:
        object_id: whose prompt it is.
        frame: on which frame.
        rows: its rows there, oldest first.
        start: the mask (H, W) that the rows are to improve.

    Raises:
        PromptError: all is empty, or there is nothing but negative clicks.
    """
    marks = [row.mark for row in rows]
    boxes = [mark for mark in marks if isinstance(mark, Box)]
    return Prompt(
        object_id,
        frame,
        clicks=tuple(mark for mark in marks if isinstance(mark, Click)),
        box=boxes[-1] if boxes else None,
        mask=start,
    )


def _prompts_only(
    rows: Sequence[Mapping[str, Any]], config: FramesConfig
) -> Iterable[Mapping[str, Any]]:
    return (row for row in rows if row.get("from_name") in config.prompt_names)


def _parse(row: Mapping[str, Any]) -> _Row:
    try:
        return _Row.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RequestError(
            "expected a row of a smart control in frames mode, "
            f"got one with {where}: {first['msg']}"
        ) from error


def _label(value: _Value, config: FramesConfig) -> str:
    labels = value.keypointlabels or value.rectanglelabels or value.labels
    if not labels:
        # Controls without labels of their own (<KeyPoint smart="true"/>) suit one class only.
        if len(config.mask.labels) == 1:
            return config.mask.labels[0]
        raise PromptError(
            "the click has no label, and the masks have "
            f"{len(config.mask.labels)}: use KeyPointLabels in the labelling configuration"
        )
    if labels[0] not in config.mask.labels and config.command(labels[0]) is None:
        raise PromptError(
            f"expected one of the labels {', '.join(config.mask.labels)} of {config.mask.name!r} "
            f"or a command, got {labels[0]!r}: give the control of the masks that label too"
        )
    return labels[0]


def _mark(row: _Row) -> Click | Box:
    if row.image_rotation % 360:
        raise PromptError(
            f"the picture is turned by {row.image_rotation:g} degrees in the editor: "
            "turn it back and click again"
        )
    if row.value.height is None:
        return _click(row)
    return _box(row)


def _click(row: _Row) -> Click:
    value, width, height = row.value, row.original_width, row.original_height
    if not (0 <= value.x <= 100 and 0 <= value.y <= 100):
        raise PromptError(
            f"expected a click inside the picture, 0..100 percent, got {value.x:g},{value.y:g}"
        )
    # 0 percent is the left edge of pixel 0, whose centre is at 0; 100 percent is the right edge
    # of the last pixel.
    return Click(
        _clamp(value.x / 100 * width - 0.5, width - 1),
        _clamp(value.y / 100 * height - 0.5, height - 1),
        positive=row.is_positive,
    )


def _box(row: _Row) -> Box:
    """The pixels that a rectangle covers; a turned rectangle gives the box round its corners."""
    value, width, height = row.value, row.original_width, row.original_height
    left, top = value.x / 100 * width, value.y / 100 * height
    across, down = value.width / 100 * width, (value.height or 0.0) / 100 * height
    angle = math.radians(value.rotation)
    xs = [left + a * across * math.cos(angle) - d * down * math.sin(angle) for a, d in _CORNERS]
    ys = [top + a * across * math.sin(angle) + d * down * math.cos(angle) for a, d in _CORNERS]
    # The right edge of pixel x lies at x + 1 in the editor's measure.
    return Box(
        _clamp(min(xs), width - 1),
        _clamp(min(ys), height - 1),
        _clamp(max(xs) - 1, width - 1),
        _clamp(max(ys) - 1, height - 1),
    )


_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))


def _clamp(value: float, highest: float) -> float:
    return min(max(value, 0.0), highest)
