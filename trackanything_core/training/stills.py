"""Still pictures with labelled regions, made anew from annotated ones: what SAM learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.colour import Camera, random_recolour, recolour
from trackanything_core.synthetic.layers import Layer, make_sprite, paint
from trackanything_core.synthetic.motion import Pose, random_bends
from trackanything_core.synthetic.textures import texture
from trackanything_core.training.coco import CocoImage
from trackanything_core.training.sprites import random_sprite, resize
from trackanything_core.types import Image, Mask

DRAWN_BACKDROP = 0.25
CLEAN_PICTURE = 0.4
MIN_SHARE = 0.004
"""Share of the picture that a region must cover to be asked for."""

_FIRST_PASTED = 200
_BACKGROUND_WEIGHT = 0.3
_UNION_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture and its regions.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8; 0 belongs to no region.
        weights: label → how often the region is asked for, relative to the others.
    """

    image: Image
    labels: npt.NDArray[np.uint8]
    weights: dict[int, float]


def random_still(rng: np.random.Generator, images: Sequence[CocoImage], size: int) -> Still:
    """Crop, turn and recolour a picture or a texture, and often paste things onto it.

    Args:
        rng: the only source of chance.
        images: pictures to start from; may be empty, then everything is drawn.
        size: the longer side, pixels.
    """
    short = round(size * rng.uniform(0.55, 1.0))
    height, width = (short, size) if rng.random() < 0.75 else (size, short)
    source_labels: npt.NDArray[np.uint8]
    drawn = not images or rng.random() < DRAWN_BACKDROP
    if drawn:
        picture = texture(rng, size, size)
        source_labels = np.zeros((size, size), np.uint8)
        weights: dict[int, float] = {}
    else:
        source = images[int(rng.integers(len(images)))]
        picture, source_labels, weights = source.image, *_label_map(source)
    layer = _backdrop(rng, picture, height, width)
    layers = [layer]
    if drawn or rng.random() >= CLEAN_PICTURE:
        layers += _pasted(rng, images, height, width, drawn=0.7 if drawn else 0.2)
    painted, owner = paint(layers, 0, height, width)
    image = Camera.draw(rng, 1, size).shoot(rng, painted, 0)

    matrix = layer.poses[0].matrix(layer.pivot) @ _scaling(layer, picture)
    warped = cv2.warpPerspective(
        source_labels,
        matrix,
        (width, height),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    labels = np.where(owner > 0, _FIRST_PASTED + owner, warped).astype(np.uint8)
    weights |= {_FIRST_PASTED + number: 1.0 for number in range(1, len(layers))}
    return Still(image, labels, weights)


def draw_targets(rng: np.random.Generator, still: Still, count: int) -> list[Mask]:
    """Choose masks to ask for, each (H, W) bool; fewer than `count` regions repeat.

    Now and then two regions that touch are one target, because people and what they ride are
    one object to some annotators and two to others.
    """
    areas = np.bincount(still.labels.ravel(), minlength=256)
    least = MIN_SHARE * still.labels.size
    large = [label for label in still.weights if areas[label] >= least]
    if not large:
        return []
    weights = np.array([still.weights[label] for label in large])
    order = rng.choice(large, size=len(large), replace=False, p=weights / weights.sum())
    chosen = [int(order[index % len(order)]) for index in range(count)]
    masks: list[Mask] = []
    for label in chosen:
        mask: Mask = still.labels == label
        if rng.random() < _UNION_SHARE:
            mask = mask | _neighbour(rng, still, mask, [other for other in large if other != label])
        masks.append(mask)
    return masks


def _neighbour(rng: np.random.Generator, still: Still, mask: Mask, others: list[int]) -> Mask:
    """A thing that touches the mask, or the mask again if none does."""
    ring = cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    touching = np.bincount(still.labels[ring & ~mask], minlength=256)
    things = [label for label in others if touching[label] > 8 and still.weights[label] == 1]
    if not things:
        return mask
    neighbour: Mask = still.labels == things[int(rng.integers(len(things)))]
    return neighbour


def _label_map(source: CocoImage) -> tuple[npt.NDArray[np.uint8], dict[int, float]]:
    labels = np.zeros(source.image.shape[:2], np.uint8)
    weights = {}
    for label, segment in enumerate(source.segments[: _FIRST_PASTED - 1], start=1):
        labels[segment.mask] = label
        weights[label] = 1.0 if segment.is_thing else _BACKGROUND_WEIGHT
    return labels, weights


def _backdrop(rng: np.random.Generator, picture: Image, height: int, width: int) -> Layer:
    """The whole picture or a part of it, a little turned, mirrored half the time."""
    view = float(np.exp(rng.uniform(np.log(0.35), np.log(1.1))))
    scale = max(height / picture.shape[0], width / picture.shape[1]) / view
    scaled = resize(picture, min(scale, 1.0))
    sprite = make_sprite(scaled, np.full(scaled.shape[:2], 255, np.uint8))
    zoom = scale / (scaled.shape[1] / picture.shape[1])
    free_x = max(scaled.shape[1] - width / zoom, 0) / 2
    free_y = max(scaled.shape[0] - height / zoom, 0) / 2
    pivot = (
        scaled.shape[1] / 2 + rng.uniform(-1, 1) * free_x,
        scaled.shape[0] / 2 + rng.uniform(-1, 1) * free_y,
    )
    pose = Pose(
        x=width / 2,
        y=height / 2,
        scale=zoom,
        angle=0.1 * rng.normal(),
        shear=0.05 * rng.normal(),
    )
    changed = recolour(sprite, random_recolour(rng, 0.15))
    return Layer(changed, pivot, [pose], endless=True)


def _scaling(layer: Layer, picture: Image) -> npt.NDArray[np.float64]:
    """From the pixels of the picture to those of the layer's shrunken copy of it."""
    ratio_x = layer.sprite.shape[1] / picture.shape[1]
    ratio_y = layer.sprite.shape[0] / picture.shape[0]
    # Pixel centres lie at whole numbers, so edges at -0.5 are what scaling keeps in place.
    return np.array([[ratio_x, 0, (ratio_x - 1) / 2], [0, ratio_y, (ratio_y - 1) / 2], [0, 0, 1.0]])


def _pasted(
    rng: np.random.Generator, images: Sequence[CocoImage], height: int, width: int, *, drawn: float
) -> list[Layer]:
    layers = []
    for label in range(1, 1 + int(rng.integers(1, 4))):
        diameter = max(height, width) * float(np.exp(rng.uniform(np.log(0.1), np.log(0.65))))
        sprite = random_sprite(rng, images, diameter, drawn=drawn)
        sprite = recolour(sprite, random_recolour(rng, 0.15))
        if rng.random() < 0.5:
            sprite = np.ascontiguousarray(sprite[:, ::-1])
        rows, columns = sprite.shape[:2]
        bends = random_bends(rng, rows, columns, 1, 0.02 * diameter) if rng.random() < 0.4 else []
        pose = Pose(
            x=float(rng.uniform(0.05, 0.95) * width),
            y=float(rng.uniform(0.05, 0.95) * height),
            angle=float(0.5 * rng.normal()),
        )
        pivot = ((columns - 1) / 2, (rows - 1) / 2)
        shadow = float(rng.uniform(0.15, 0.5)) if rng.random() < 0.25 else 0.0
        layers.append(Layer(sprite, pivot, [pose], label=label, bends=bends, shadow=shadow))
    return layers
