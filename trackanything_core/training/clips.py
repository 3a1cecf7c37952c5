"""Training clips from still pictures: a few moving layers with exact masks.

Static pictures stand in for video, as in the first training stage of XMem (arXiv 2207.07115,
section 4) and STM, but with occlusion, look-alikes, camera motion and light on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.colour import Camera
from trackanything_core.synthetic.layers import Layer, paint
from trackanything_core.training.coco import CocoImage
from trackanything_core.training.scenes import random_scene
from trackanything_core.types import Image

MAX_OBJECTS = 2
MIN_FIRST_SHARE = 0.005
"""Share of the first frame that an object must visibly cover to be one of the clip's objects."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A few consecutive frames and where the objects are.

    Attributes:
        frames: (T, S, S, 3) uint8 RGB.
        masks: (T, N, S, S) bool, N = 1 or 2; disjoint; only what is visible. Every object is
            visible on the first frame and may be hidden or outside later.
    """

    frames: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.bool_]


def generate_clip(
    rng: np.random.Generator,
    images: Sequence[CocoImage],
    *,
    size: int = 128,
    frames: int = 3,
) -> Clip:
    """Make one clip; the same state of `rng` and the same images give the same bytes.

    Args:
        rng: the only source of chance.
        images: pictures to cut from; without any, everything is procedural.
        size: side of the square frames, pixels.
        frames: how many; motion is per frame, so longer clips show more of it.
    """
    while True:  # a scene whose object is hidden at first is rare: a few in a hundred
        layers = random_scene(rng, images, size=size, frames=frames)
        first, owner = paint(layers, 0, size, size)
        labels = _visible(owner)
        if labels:
            return _shoot(rng, layers, labels, [(first, owner)], size=size, frames=frames)


def _visible(owner: npt.NDArray[np.uint8]) -> list[int]:
    counts = np.bincount(owner.ravel(), minlength=MAX_OBJECTS + 1)
    least = MIN_FIRST_SHARE * owner.size
    return [label for label in range(1, MAX_OBJECTS + 1) if counts[label] >= least]


def _shoot(
    rng: np.random.Generator,
    layers: Sequence[Layer],
    labels: Sequence[int],
    painted: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]],
    *,
    size: int,
    frames: int,
) -> Clip:
    """Paint the frames that are missing and film them all."""
    camera = Camera.draw(rng, frames, size)
    painted += [paint(layers, frame, size, size) for frame in range(len(painted), frames)]
    shots: list[Image] = [
        camera.shoot(rng, picture, frame) for frame, (picture, _) in enumerate(painted)
    ]
    masks = np.stack([[owner == label for label in labels] for _, owner in painted])
    return Clip(np.stack(shots), masks)
