"""The recipe of a training scene: which layers there are, how they look and move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.colour import random_recolour, recolour
from trackanything_core.synthetic.layers import Layer, Sprite, make_sprite
from trackanything_core.synthetic.motion import (
    Bend,
    Pace,
    Pose,
    leave_and_return,
    random_bends,
    random_path,
    through,
)
from trackanything_core.synthetic.textures import texture
from trackanything_core.training.coco import CocoImage
from trackanything_core.training.sprites import (
    random_beam,
    random_object,
    random_sprite,
    random_thing,
    resize,
)
from trackanything_core.types import Image, Mask

# Shares of the recipe that training was measured with.
WHOLE_IMAGE = 0.35
CROWDED = 0.55
SECOND_OBJECT = 0.5
LOOK_ALIKE = 0.45
PROCEDURAL_BACKDROP = 0.12


def random_scene(
    rng: np.random.Generator, images: Sequence[CocoImage], *, size: int, frames: int
) -> list[Layer]:
    """Layers from the bottom up; objects carry the labels 1 and 2.

    One scene in three is a whole picture that moves, with a thing in it as the object: its
    border is natural. In the others cut-outs move over another picture.
    """
    if images and rng.random() < WHOLE_IMAGE:
        image = images[int(rng.integers(len(images)))]
        thing = random_object(rng, image)
        if thing is not None:
            return _whole_image(rng, images, image, thing, size, frames)
    return _pasted(rng, images, size, frames)


def _whole_image(
    rng: np.random.Generator,
    images: Sequence[CocoImage],
    image: CocoImage,
    thing: Mask,
    size: int,
    frames: int,
) -> list[Layer]:
    """A picture that moves as one, one or two of its things as objects, perhaps an occluder."""
    labelled = [thing]
    if rng.random() < SECOND_OBJECT:
        other = random_thing(rng, image)
        if other is not None and not (other & thing).any():
            labelled.append(other)
    x, y, width, height = cv2.boundingRect(thing.view(np.uint8))
    view = np.sqrt(width * height) / rng.uniform(0.15, 0.75)
    view = float(np.clip(view, 0.35 * min(thing.shape), 0.9 * min(thing.shape)))
    centre = (x + width / 2, y + height / 2)
    offset = rng.uniform(-0.35, 0.35, 2) * view
    backdrop = _backdrop(rng, image.image, size, frames, view, centre + offset)
    layers = [backdrop]
    for label, mask in enumerate(labelled, start=1):
        layers.append(_part_of(backdrop, mask, label))
    if rng.random() < 0.3:
        layers.append(_pass_over(rng, images, _anchor_path(backdrop, centre, image), size, frames))
    return layers


def _pasted(
    rng: np.random.Generator, images: Sequence[CocoImage], size: int, frames: int
) -> list[Layer]:
    """One or two objects over an independent backdrop, half the time among other things."""
    if images and rng.random() >= PROCEDURAL_BACKDROP:
        picture = images[int(rng.integers(len(images)))].image
    else:
        picture = texture(rng, 2 * size, 2 * size)
    view = min(picture.shape[:2]) * rng.uniform(0.45, 0.9)
    middle = np.array([picture.shape[1], picture.shape[0]]) / 2
    centre = middle + rng.uniform(-0.2, 0.2, 2) * view
    backdrop = _backdrop(rng, picture, size, frames, view, centre)

    sprite = random_sprite(rng, images, _diameter(rng, size))
    hero = _mover(rng, sprite, size, frames, label=1)
    over: list[Layer] = [hero]
    if rng.random() < SECOND_OBJECT:
        other = _companion(rng, images, sprite, size)
        over.insert(int(rng.integers(2)), _mover(rng, other, size, frames, label=2))
    if rng.random() < CROWDED:
        for _ in range(int(rng.integers(1, 3))):
            if rng.random() < 0.6:
                other = _companion(rng, images, sprite, size)
                over.insert(int(rng.integers(len(over) + 1)), _mover(rng, other, size, frames))
            else:
                over.append(_pass_over(rng, images, list(hero.poses), size, frames))
    return [backdrop, *over]


def _backdrop(
    rng: np.random.Generator,
    picture: Image,
    size: int,
    frames: int,
    view: float,
    centre: npt.NDArray[np.float64],
) -> Layer:
    """A picture of which `view` pixels about `centre` fill the frame, with a moving camera."""
    scale = size / view
    shrunk = resize(picture, scale)
    sprite = make_sprite(shrunk, np.full(shrunk.shape[:2], 255, np.uint8))
    sprite = recolour(sprite, random_recolour(rng, 0.12))
    start = Pose(
        x=size / 2,
        y=size / 2,
        angle=0.12 * rng.normal(),
        shear=0.05 * rng.normal(),
    )
    height, width = sprite.shape[:2]
    bends: list[Bend] = []
    if rng.random() < 0.4:
        bends = random_bends(rng, height, width, frames, size * rng.uniform(0.005, 0.025))
    pivot = (float(centre[0]) * scale, float(centre[1]) * scale)
    poses = random_path(rng, start, frames, Pace.draw(rng, size))
    return Layer(
        sprite=sprite,
        pivot=pivot,
        poses=[_keep_inside(pose, pivot, width, height, size) for pose in poses],
        bends=bends,
        endless=True,
        shutter=_shutter(rng),
    )


def _keep_inside(
    pose: Pose, pivot: tuple[float, float], width: int, height: int, size: int
) -> Pose:
    """Stop the camera at the picture's edges: what lies beyond is mirrored, objects included."""
    left, top = pivot[0] * pose.scale, pivot[1] * pose.scale
    right, bottom = size + left - width * pose.scale, size + top - height * pose.scale
    x, y = max(min(pose.x, left), right), max(min(pose.y, top), bottom)
    return replace(pose, x=x, y=y)


def _part_of(backdrop: Layer, mask: Mask, label: int) -> Layer:
    """A region of the backdrop, that moves with it."""
    full = np.where(mask, np.uint8(255), np.uint8(0))
    size = (backdrop.sprite.shape[1], backdrop.sprite.shape[0])
    opacity = np.asarray(cv2.resize(full, size, interpolation=cv2.INTER_AREA), np.uint8)
    sprite = np.zeros_like(backdrop.sprite)
    sprite[..., 3] = opacity
    return replace(backdrop, sprite=sprite, label=label, region=True)


def _mover(
    rng: np.random.Generator, sprite: Sprite, size: int, frames: int, label: int = 0
) -> Layer:
    """A sprite that starts somewhere well inside the frame and goes its own way."""
    x, y = rng.uniform(0.15, 0.85, 2) * size
    start = Pose(
        x=float(x),
        y=float(y),
        angle=0.35 * rng.normal(),
        shear=0.1 * rng.normal(),
    )
    poses = random_path(rng, start, frames, Pace.draw(rng, size))
    if rng.random() < 0.06:
        poses = leave_and_return(rng, poses, 0.9 * size)
    height, width = sprite.shape[:2]
    bends: list[Bend] = []
    if rng.random() < 0.6:
        strength = float(np.sqrt(height * width)) * rng.uniform(0.01, 0.06)
        bends = random_bends(rng, height, width, frames, strength)
    if rng.random() < 0.5:
        sprite = np.ascontiguousarray(sprite[:, ::-1])
    return Layer(
        sprite=recolour(sprite, random_recolour(rng, 0.15)),
        pivot=((width - 1) / 2, (height - 1) / 2),
        poses=poses,
        label=label,
        bends=bends,
        shadow=rng.uniform(0.15, 0.5) if rng.random() < 0.3 else 0.0,
        shutter=_shutter(rng),
    )


def _companion(
    rng: np.random.Generator, images: Sequence[CocoImage], sprite: Sprite, size: int
) -> Sprite:
    """Another thing, or a copy of the object in other colours: hard to tell apart by looks."""
    if rng.random() < LOOK_ALIKE:
        return recolour(sprite, random_recolour(rng, rng.choice([0.1, 0.3, 0.5])))
    return random_sprite(rng, images, _diameter(rng, size))


def _pass_over(
    rng: np.random.Generator,
    images: Sequence[CocoImage],
    target: list[Pose],
    size: int,
    frames: int,
) -> Layer:
    """A beam or another thing that crosses the target's path after the first frame."""
    if rng.random() < 0.4:
        sprite = random_beam(rng, images, size * rng.uniform(0.8, 1.6))
    else:
        sprite = random_sprite(rng, images, _diameter(rng, size), drawn=0.35)
    layer = _mover(rng, sprite, size, frames)
    if frames > 1 and rng.random() < 0.7:
        meeting = int(rng.integers(1, frames))
        poses = through(list(layer.poses), target, meeting, rng.uniform(0.6, 1.0))
        layer = replace(layer, poses=poses)
    return layer


def _anchor_path(backdrop: Layer, point: tuple[float, float], image: CocoImage) -> list[Pose]:
    """Where a point of the picture behind the backdrop lies on each frame."""
    scale = backdrop.sprite.shape[1] / image.image.shape[1]
    source = np.array([point[0] * scale, point[1] * scale, 1.0])
    path = []
    for pose in backdrop.poses:
        x, y, w = pose.matrix(backdrop.pivot) @ source
        path.append(Pose(x=float(x / w), y=float(y / w)))
    return path


def _diameter(rng: np.random.Generator, size: int) -> float:
    return size * float(np.exp(rng.uniform(np.log(0.15), np.log(0.65))))


def _shutter(rng: np.random.Generator) -> float:
    return rng.uniform(0.2, 0.8) if rng.random() < 0.35 else 0.0
