"""A short film with known truth, drawn by the program: what the demo tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trackanything_core.evaluation.clicks import innermost
from trackanything_core.synthetic.landscape import balloon, hills, poplar, sky
from trackanything_core.synthetic.layers import Layer, Sprite, paint
from trackanything_core.synthetic.motion import Pose
from trackanything_core.types import Click

_WARM = np.array([[206, 52, 44], [232, 120, 38]], np.float32)
_COOL = np.array([[44, 98, 142], [64, 142, 150]], np.float32)
_NOISE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class DemoClip:
    """A clip, its truth and where to click.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        masks: (T, H, W) bool, what is visible of the object.
        click: a positive click well inside the object on frame 0.
    """

    frames: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.bool_]
    click: Click


def demo_clip(seed: int = 0, frames: int = 48, size: tuple[int, int] = (240, 320)) -> DemoClip:
    """Film a hot-air balloon over hills from a panning camera.

    The balloon moves, sways and comes nearer; a poplar hides part of it for a while, and
    another balloon of other colours is about. The same arguments give the same bytes.

    Args:
        seed: of clouds, hills, noise and the details of the path.
        frames: length; the same film, sampled as densely as that.
        size: (height, width) in pixels.
    """
    height, width = size
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames, dtype=np.float64)
    layers = _scene(rng, time, height, width)
    pictures, masks = [], []
    for frame in range(frames):
        picture, owner = paint(layers, frame, height, width)
        picture += _NOISE * rng.standard_normal(picture.shape, dtype=np.float32)
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
        masks.append(owner == 1)
    x, y = innermost(masks[0])
    return DemoClip(np.stack(pictures), np.stack(masks), Click(x, y))


def _scene(
    rng: np.random.Generator, time: npt.NDArray[np.float64], height: int, width: int
) -> list[Layer]:
    """Sky, far hills, the other balloon, near hills, the balloon (object 1), a poplar."""
    wide = round(1.9 * width)
    phase = rng.uniform(0, 2 * np.pi)
    pan = 0.75 * width * time
    hero = balloon(round(0.5 * height), _WARM, (246, 200, 104))
    other = balloon(round(0.3 * height), _COOL, (238, 236, 226))
    tree = poplar(rng, round(0.95 * height))
    far = hills(rng, round(0.5 * height), wide, (104, 134, 110), (150, 170, 172), 3.5)
    near = hills(rng, round(0.42 * height), wide, (84, 118, 52), (150, 164, 86), 2.5)
    sway = 0.2 * np.sin(2 * np.pi * 1.4 * time + phase)
    hero_x = width * (0.26 + 0.46 * time)
    hero_y = height * (0.5 - 0.12 * time + 0.05 * np.sin(2 * np.pi * 1.1 * time))
    hero_scale = 0.8 + 0.4 * time
    other_x = width * (0.6 - 0.48 * time)
    other_y = height * (0.18 + 0.02 * np.sin(2 * np.pi * time + phase))
    still = np.ones_like(time)
    return [
        _layer(sky(rng, round(1.1 * height), wide), 0.94 * width - 0.1 * pan, 0.5 * height * still),
        _layer(far, 0.94 * width - 0.3 * pan, 0.68 * height * still),
        _layer(other, other_x, other_y, 0.9 + 0.1 * time, 0.5 * sway),
        _layer(near, 0.94 * width - 0.6 * pan, 0.84 * height * still),
        _layer(hero, hero_x, hero_y, hero_scale, sway, label=1),
        _layer(tree, 0.98 * width - 0.9 * pan, 0.6 * height * still),
    ]


def _layer(
    sprite: Sprite,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64] | None = None,
    angle: npt.NDArray[np.float64] | None = None,
    label: int = 0,
) -> Layer:
    """A sprite whose middle follows a path."""
    scales = np.ones_like(x) if scale is None else scale
    angles = np.zeros_like(x) if angle is None else angle
    poses = [Pose(*map(float, pose)) for pose in zip(x, y, scales, angles, strict=True)]
    pivot = ((sprite.shape[1] - 1) / 2, (sprite.shape[0] - 1) / 2)
    return Layer(sprite, pivot, poses, label)
