"""What training clips are made of: cut-outs of annotated pictures, drawn shapes, backdrops."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.layers import Sprite, make_sprite
from trackanything_core.synthetic.shapes import Opacity, bar, random_shape
from trackanything_core.synthetic.textures import texture
from trackanything_core.training.coco import CocoImage
from trackanything_core.types import Image, Mask

MIN_SEGMENT_SHARE = 0.004
"""Smaller segments, as a share of their picture, have outlines too coarse to learn from."""

RIDER_SHARE = 0.25
"""How often an object is a thing together with one that it touches: a rider and what is ridden."""

_TRIES = 6
_LEAST_TOUCHING = 8  # pixels


def random_sprite(
    rng: np.random.Generator, images: Sequence[CocoImage], diameter: float, *, drawn: float = 0.2
) -> Sprite:
    """A cut-out of a random thing, or with probability `drawn` a textured shape.

    Args:
        rng: the only source of chance.
        images: pictures to cut from; may be empty.
        diameter: square root of the area of the sprite's box, pixels.
        drawn: probability of a shape; shapes also stand in where no thing is found.
    """
    if images and rng.random() >= drawn:
        for _ in range(_TRIES):
            image = images[int(rng.integers(len(images)))]
            mask = random_object(rng, image, whole=rng.random() < 0.7)
            if mask is not None:
                return cut_out(image.image, mask, diameter)
    return drawn_sprite(rng, images, random_shape(rng, max(round(diameter), 12)))


def drawn_sprite(rng: np.random.Generator, images: Sequence[CocoImage], outline: Opacity) -> Sprite:
    """A shape filled with a procedural texture or with a window of a picture."""
    height, width = outline.shape
    if images and rng.random() < 0.4:
        filling = _window(rng, images[int(rng.integers(len(images)))].image, height, width)
    else:
        filling = texture(rng, height, width)
    return make_sprite(filling, outline)


def random_beam(rng: np.random.Generator, images: Sequence[CocoImage], length: float) -> Sprite:
    """A pole or a plank: an occluder that splits what is behind it."""
    return drawn_sprite(rng, images, bar(rng, max(round(length), 16)))


def random_thing(
    rng: np.random.Generator, image: CocoImage, *, whole: bool = False, largest: float = 0.5
) -> Mask | None:
    """The mask of a random thing of useful size, or None if the picture has none.

    Args:
        rng: the only source of chance.
        image: the annotated picture.
        whole: leave out things that the picture's edge cuts off.
        largest: leave out things that cover more than this share of the picture.
    """
    things = [segment for segment in image.segments if segment.is_thing]
    for index in rng.permutation(len(things)).tolist():
        mask: Mask = things[index].mask
        share = cv2.countNonZero(mask.view(np.uint8)) / mask.size
        if MIN_SEGMENT_SHARE <= share <= largest and not (whole and _touches_edge(mask)):
            return mask
    return None


def random_object(
    rng: np.random.Generator, image: CocoImage, *, whole: bool = False, largest: float = 0.5
) -> Mask | None:
    """As `random_thing`, now and then together with a thing that touches it.

    Who labels a video takes a rider and a horse for one object as often as not; parts that look
    unlike each other must then be followed as one.
    """
    mask = random_thing(rng, image, whole=whole, largest=largest)
    if mask is None or rng.random() >= RIDER_SHARE:
        return mask
    ring = (cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~mask
    things = [segment.mask for segment in image.segments if segment.is_thing]
    touching = [other for other in things if np.count_nonzero(other & ring) > _LEAST_TOUCHING]
    if not touching:
        return mask
    both: Mask = mask | touching[int(rng.integers(len(touching)))]
    return mask if both.mean() > largest or (whole and _touches_edge(both)) else both


def cut_out(image: Image, mask: Mask, diameter: float) -> Sprite:
    """Cut a thing out and bring its box to `diameter`, the square root of its area in pixels."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = np.s_[y : y + height, x : x + width]
    opacity = np.where(mask[box], np.uint8(255), np.uint8(0))
    scale = diameter / float(np.sqrt(width * height))
    sprite = resize(make_sprite(image[box], opacity), scale)
    return pad(sprite, 2 + max(sprite.shape[:2]) // 8)


def resize(picture: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    """Resize by a factor, without aliasing; no side falls below 4 pixels."""
    height, width = picture.shape[:2]
    size = (max(round(width * scale), 4), max(round(height * scale), 4))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def pad(sprite: Sprite, margin: int) -> Sprite:
    """Add a clear border, so that bending does not push the outline over the edge."""
    return np.pad(sprite, ((margin, margin), (margin, margin), (0, 0)))


def _touches_edge(mask: Mask) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def _window(rng: np.random.Generator, image: Image, height: int, width: int) -> Image:
    """A random part of a picture, shrunk so that its detail is finer than the window."""
    scale = max(height / image.shape[0], width / image.shape[1]) * rng.uniform(1.05, 2.0)
    picture = resize(image, scale)
    top = int(rng.integers(picture.shape[0] - height + 1))
    left = int(rng.integers(picture.shape[1] - width + 1))
    return picture[top : top + height, left : left + width]
