"""The nouns of the project, and their units.

Pixel coordinates: x to the right, y down, in pixels of the original picture; pixel (0, 0) is
the top-left one and its centre is at x = 0, y = 0. Frames count from 0 in decoding order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import PromptError

Image: TypeAlias = npt.NDArray[np.uint8]
"""A picture: (H, W, 3) uint8, RGB."""

Mask: TypeAlias = npt.NDArray[np.bool_]
"""One object on one frame: (H, W) bool."""

SoftMask: TypeAlias = npt.NDArray[np.float32]
"""Probabilities of one object on one frame: (H, W) float32 in 0..1."""

FrameIndex: TypeAlias = int
"""0-based index into the decoded video."""

ObjectId: TypeAlias = str
"""Stable name of an object within a session; never reused, never renumbered."""


@dataclass(frozen=True, slots=True)
class Click:
    """A point that lies on the object (`positive`) or off it. Pixels."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel box round the object, both corners inclusive. Pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (self.x1 > self.x0 and self.y1 > self.y0):
            raise PromptError(
                f"expected a box as left,top,right,bottom with right > left and bottom > top, "
                f"got {self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What a human said of one object on one frame: clicks, a box and a mask, any together.

    A mask alone is taken as it is. With clicks or a box beside it, it is the starting point
    that the segmenter improves.
    """

    object_id: ObjectId
    frame: FrameIndex
    clicks: tuple[Click, ...] = ()
    box: Box | None = None
    mask: Mask | None = None

    def __post_init__(self) -> None:
        if self.frame < 0:
            raise PromptError(f"expected a frame index of 0 or more, got {self.frame}")
        if not self.clicks and self.box is None and self.mask is None:
            raise PromptError(
                f"the prompt for object {self.object_id!r} on frame {self.frame} is empty: "
                "give a click, a box or a mask"
            )
        if self.box is None and self.mask is None and not any(c.positive for c in self.clicks):
            raise PromptError(
                f"object {self.object_id!r} on frame {self.frame} has negative clicks only: "
                "add a positive click, a box or a mask that says where it is"
            )
