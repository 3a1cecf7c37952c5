"""A scene as a stack of layers, and the painter that draws one frame of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.motion import Bend, Pose
from trackanything_core.types import Image

Sprite = npt.NDArray[np.uint8]
"""(H, W, 4) uint8 RGB and opacity, the colours multiplied by opacity / 255.

Premultiplied colours can be scaled and warped without a fringe of what surrounded the cut-out.
"""


_LONGEST_SMEAR = 9.0
"""Pixels. Kernels wider than 11 leave OpenCV's direct filter and cost several times as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One picture that moves.

    Attributes:
        sprite: what is drawn.
        pivot: x, y in the sprite that the poses place.
        poses: one per frame.
        label: which object the solid pixels belong to; 0 is none.
        bends: elastic displacement per frame, none if empty.
        endless: mirrored beyond its edges, as a backdrop is.
        region: labels its solid pixels, but draws nothing: a part of a picture further down.
        shadow: 0..1, how much a soft shadow beside it darkens what lies below.
        shutter: 0..1, the share of the time between two frames that smears a moving layer.
    """

    sprite: Sprite
    pivot: tuple[float, float]
    poses: Sequence[Pose]
    label: int = 0
    bends: Sequence[Bend] = ()
    endless: bool = False
    region: bool = False
    shadow: float = 0.0
    shutter: float = 0.0


def make_sprite(image: Image, opacity: npt.NDArray[np.uint8]) -> Sprite:
    """Join (H, W, 3) uint8 RGB and (H, W) uint8 opacity."""
    colours = cv2.multiply(image, cv2.merge([opacity] * 3), scale=1 / 255)
    return np.asarray(cv2.merge([*cv2.split(colours), opacity]), np.uint8)


def paint(
    layers: Sequence[Layer], frame: int, height: int, width: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Draw the layers of one frame, the first one at the bottom.

    Returns:
        The picture, (height, width, 3) float32 RGB in 0..255, and the label map,
        (height, width) uint8: the label of the topmost layer that covers at least half a pixel.
    """
    picture: npt.NDArray[np.float32] = np.zeros((height, width, 3), np.float32)
    owner = np.zeros((height, width), np.uint8)
    for layer in layers:
        drawn = _place(layer, frame, height, width)
        opacity = drawn[..., 3]
        owner[opacity >= 128] = layer.label
        if layer.region:
            continue
        if layer.shadow > 0:
            picture *= _shadow(opacity, layer.shadow)[..., None]
        clear = (255 - opacity).astype(np.float32) * (1 / 255)
        picture *= clear[..., None]
        picture += drawn[..., :3]
    return picture, owner


def _place(layer: Layer, frame: int, height: int, width: int) -> Sprite:
    """The layer's sprite as it lies on the frame."""
    border = cv2.BORDER_REFLECT_101 if layer.endless else cv2.BORDER_CONSTANT
    sprite = layer.sprite
    if layer.bends:
        sprite = _bend(sprite, layer.bends[frame], border)
    matrix = layer.poses[frame].matrix(layer.pivot)
    warped = cv2.warpPerspective(
        sprite, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border
    )
    placed = np.asarray(warped, np.uint8)
    return _smear(placed, layer.poses, frame, layer.shutter) if layer.shutter > 0 else placed


def _bend(sprite: Sprite, bend: Bend, border: int) -> Sprite:
    height, width = sprite.shape[:2]
    x = np.arange(width, dtype=np.float32)[None, :] + bend[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + bend[..., 1]
    return np.asarray(cv2.remap(sprite, x, y, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def _smear(placed: Sprite, poses: Sequence[Pose], frame: int, shutter: float) -> Sprite:
    """Average along the way that the layer travels while the shutter is open."""
    before, after = poses[max(frame - 1, 0)], poses[min(frame + 1, len(poses) - 1)]
    steps = max(min(frame + 1, len(poses) - 1) - max(frame - 1, 0), 1)
    dx = shutter * (after.x - before.x) / steps
    dy = shutter * (after.y - before.y) / steps
    length = min(float(np.hypot(dx, dy)), _LONGEST_SMEAR)
    if length < 1.5:
        return placed
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    unit = np.array([dx, dy]) / np.hypot(dx, dy) * length / 2
    start, end = reach - unit, reach + unit
    fixed = [tuple(int(v) for v in np.round(point * 16)) for point in (start, end)]
    cv2.line(kernel, fixed[0], fixed[1], 1.0, lineType=cv2.LINE_AA, shift=4)
    kernel /= kernel.sum()
    return np.asarray(cv2.filter2D(placed, -1, kernel, borderType=cv2.BORDER_REFLECT_101), np.uint8)


def _shadow(opacity: npt.NDArray[np.uint8], strength: float) -> npt.NDArray[np.float32]:
    """How much light is left, 0..1, below and to the right of what casts the shadow."""
    reach = max(min(opacity.shape) // 32, 1)
    shift = np.array([[1, 0, reach], [0, 1, 1.5 * reach]], np.float32)
    moved = cv2.warpAffine(opacity, shift, (opacity.shape[1], opacity.shape[0]))
    soft = cv2.blur(moved, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(1 - strength / 255 * soft.astype(np.float32), np.float32)
