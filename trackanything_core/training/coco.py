"""Still pictures with their segments: COCO panoptic annotations on disk.

Layout, as the panoptic task publishes it (arXiv 1801.00868)::

    ROOT/images/<split>2017/000000000009.jpg
    ROOT/panoptic/annotations/panoptic_<split>2017.json
    ROOT/panoptic/annotations/panoptic_<split>2017/000000000009.png
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.errors import DataError
from trackanything_core.types import Image, Mask

FREE_LICENCES = frozenset({4, 5, 7, 8})
"""Licence ids without a non-commercial or no-derivatives clause."""

_HELD_OUT_EVERY = 20


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One annotated region of a picture.

    Attributes:
        category: the class name, such as "dog" or "sky-other-merged".
        is_thing: a single countable object; false for background classes and for crowds.
    """

    category: str
    is_thing: bool
    _labels: npt.NDArray[np.uint8] = field(repr=False)
    _label: int

    @property
    def mask(self) -> Mask:
        """(H, W) bool, made anew at each call: a picture keeps one label map, not many masks."""
        mask: Mask = self._labels == self._label
        return mask


@dataclass(frozen=True, slots=True, eq=False)
class CocoImage:
    """A picture, (H, W, 3) uint8 RGB, its segments, and the COCO id of its licence."""

    name: str
    image: Image
    segments: tuple[Segment, ...]
    license_id: int


def load_coco(root: Path, *, short_side: int = 256) -> list[CocoImage]:
    """Read every annotated picture under `root`, train and val splits alike, in order of name.

    Args:
        root: directory with the layout in the module's docstring.
        short_side: pixels; larger pictures are shrunk to it, smaller ones stay as they are.

    Raises:
        DataError: there is no annotation file, or a file it names is missing or unreadable.
    """
    annotations = sorted((root / "panoptic" / "annotations").glob("panoptic_*.json"))
    if not annotations:
        raise DataError(
            f"expected COCO panoptic annotations at {root}/panoptic/annotations/panoptic_*.json, "
            "found none: point --data at the directory that holds images/ and panoptic/"
        )
    images = [image for path in annotations for image in _load_split(root, path, short_side)]
    return sorted(images, key=lambda image: image.name)


def hold_out(images: Sequence[CocoImage]) -> tuple[list[CocoImage], list[CocoImage]]:
    """Pictures to train on, and every twentieth, to validate on.

    Of fewer than twenty, all serve both.
    """
    if len(images) < _HELD_OUT_EVERY:
        return list(images), list(images)
    held_out = list(images[::_HELD_OUT_EVERY])
    return [image for i, image in enumerate(images) if i % _HELD_OUT_EVERY], held_out


def _load_split(root: Path, annotations: Path, short_side: int) -> list[CocoImage]:
    content = json.loads(annotations.read_text())
    split = annotations.stem.removeprefix("panoptic_")
    categories = {category["id"]: category for category in content["categories"]}
    records = {record["id"]: record for record in content["images"]}
    loaded = []
    for annotation in content["annotations"]:
        record = records[annotation["image_id"]]
        image = _shrink(_read_rgb(root / "images" / split / record["file_name"]), short_side)
        coded = _read_rgb(annotations.with_suffix("") / annotation["file_name"])
        segments = _segments(annotation["segments_info"], coded, image, categories)
        name = Path(record["file_name"]).stem
        loaded.append(CocoImage(name, image, segments, int(record["license"])))
    return loaded


def _segments(
    infos: list[dict[str, Any]],
    coded: Image,
    image: Image,
    categories: dict[int, dict[str, Any]],
) -> tuple[Segment, ...]:
    """Turn ids written as colours (R + 256 G + 65536 B) into one label map of the image's size."""
    ids = coded.astype(np.uint32) @ np.array([1, 256, 65536], np.uint32)
    large = np.zeros(ids.shape, np.uint8)
    for label, info in enumerate(infos, start=1):
        large[ids == info["id"]] = label
    size = (image.shape[1], image.shape[0])
    labels = np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    present = set(np.unique(labels).tolist())
    return tuple(
        Segment(
            category=categories[info["category_id"]]["name"],
            is_thing=bool(categories[info["category_id"]]["isthing"]) and not info["iscrowd"],
            _labels=labels,
            _label=label,
        )
        for label, info in enumerate(infos, start=1)
        if label in present
    )


def _read_rgb(path: Path) -> Image:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DataError(f"expected a readable picture at {path}: is the data set complete?")
    return np.ascontiguousarray(bgr[..., ::-1])


def _shrink(image: Image, short_side: int) -> Image:
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if scale >= 1:
        return image
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
