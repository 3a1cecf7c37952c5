"""Writes small data sets that are laid out like DAVIS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.types import Mask

SIZE = (48, 64)


def square(left: int, top: int = 10, side: int = 20) -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def write_maps(root: Path, name: str, maps: Sequence[Image.Image], pictures: int = 0) -> None:
    """One black picture for each map, or as many as `pictures` says."""
    images = root / "JPEGImages" / "480p" / name
    annotations = root / "Annotations" / "480p" / name
    images.mkdir(parents=True)
    annotations.mkdir(parents=True)
    for frame in range(pictures or len(maps)):
        Image.new("RGB", maps[0].size).save(images / f"{frame:05d}.jpg")
    for frame, index_map in enumerate(maps):
        index_map.save(annotations / f"{frame:05d}.png")


def write_masks(root: Path, masks: Sequence[Mask], name: str = "square") -> DavisSequence:
    """One object, marked as DAVIS-2016 does."""
    write_maps(root, name, [Image.fromarray(mask).convert("L") for mask in masks])
    return next(found for found in read_davis(root) if found.name == name)


def palette_map(values: np.ndarray) -> Image.Image:
    picture = Image.fromarray(values)
    picture.putpalette([value for value in range(256) for _ in range(3)])
    return picture
