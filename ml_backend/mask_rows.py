"""The masks of a draft or an annotation, as the editor serialises them."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import cv2
import numpy as np

from ml_backend import brush_rle
from trackanything_core.errors import MaskError
from trackanything_core.masks.rle import encode_rle
from trackanything_core.types import FrameIndex, Mask

_TYPES = ("bitmasklabels", "brushlabels", "polygonlabels", "rectanglelabels")

_PNG = b"\x89PNG\r\n\x1a\n"

_LARGEST_SIDE = 16384
"""A mask of more pixels is refused before memory is taken for it."""


@dataclass(frozen=True, slots=True)
class MaskRow:
    """A mask on one frame.

    Attributes:
        id: the editor's name of the region.
        frame: `item_index` of the row.
        label: its first label.
        by_hand: whether a human made it or changed it.
        size: (height, width) in pixels of the picture.
        value: the row's `value`.
    """

    id: str
    frame: FrameIndex
    label: str
    by_hand: bool
    size: tuple[int, int]
    type: str
    value: Mapping[str, Any]

    @property
    def written(self) -> str:
        """A digest of the mask as it is written; equal ones are equal masks."""
        value = {k: v for k, v in self.value.items() if k not in (self.type, "labels")}
        text = json.dumps(value, sort_keys=True, default=str)
        return blake2b(text.encode(), digest_size=12).hexdigest()

    def decode(self) -> Mask:
        """The mask, (H, W) bool.

        Raises:
            MaskError: it is damaged, or has another size than the row says.
        """
        if max(self.size) > _LARGEST_SIDE:
            raise MaskError(f"expected a mask of at most {_LARGEST_SIDE} pixels, got {self.size}")
        if self.type == "bitmasklabels":
            return _from_png(self.value.get("imageDataURL"), self.size)
        if self.type == "brushlabels":
            return _from_brush(self.value.get("rle"), self.size)
        if self.type == "rectanglelabels":
            return _from_rectangle(self.value, self.size)
        return _from_polygon(self.value.get("points"), self.size)


def read_mask_rows(
    rows: Iterable[Mapping[str, Any]], prompt_names: Iterable[str]
) -> Iterator[MaskRow]:
    """The masks among result rows; rows of the controls of prompts repeat them and are left out.

    Rows that are not formed as the editor forms them are left out too: a foreign annotation
    must not stand in the way of a click.
    """
    prompts = frozenset(prompt_names)
    for row in rows:
        kind = row.get("type")
        if kind in _TYPES and row.get("from_name") not in prompts:
            try:
                yield _read(kind, row)
            except (KeyError, TypeError, ValueError, IndexError):
                continue


def digest_of(mask: Mask) -> str:
    """A short name of what a mask (H, W) bool shows; "" for an empty one."""
    if not mask.any():
        return ""
    return blake2b(encode_rle(mask)["counts"].encode(), digest_size=12).hexdigest()


def _read(kind: str, row: Mapping[str, Any]) -> MaskRow:
    frame = int(row.get("item_index", 0))
    size = int(row["original_height"]), int(row["original_width"])
    if frame < 0 or min(size) < 1:
        raise ValueError("frames count from 0 and pictures have pixels")
    return MaskRow(
        id=str(row["id"]),
        frame=frame,
        label=str(row["value"][kind][0]),
        by_hand=row.get("origin") in ("manual", "prediction-changed"),
        size=size,
        type=kind,
        value=row["value"],
    )


def _from_png(data_url: Any, size: tuple[int, int]) -> Mask:
    kind, _, text = str(data_url).partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        data = b""
    if kind != "data:image/png;base64" or data[:8] != _PNG:
        raise MaskError(f"expected a PNG picture as a data URL, got {str(data_url)[:40]!r}")
    # Looked up before memory is taken: a small file may claim to be a huge picture.
    found = int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    if found != size:
        raise MaskError(f"expected a mask of (height, width) {size}, got {found}")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise MaskError("expected a PNG picture, got one that is damaged")
    # The editor keeps the mask in the alpha channel; pictures without one are white on black.
    last = picture if picture.ndim == 2 else picture[..., -1]
    return np.asarray(last > 127)


def _from_brush(rle: Any, size: tuple[int, int]) -> Mask:
    if not isinstance(rle, list) or not all(isinstance(n, int) and 0 <= n < 256 for n in rle):
        raise MaskError("expected the run lengths of a brush mask as bytes, 0..255")
    return brush_rle.decode(rle, *size)


def _from_polygon(points: Any, size: tuple[int, int]) -> Mask:
    """The pixels whose centres lie in a polygon; points are percent of the picture."""
    height, width = size
    try:
        corners = np.asarray(points, np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        corners = np.empty((0, 2))
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise MaskError("expected a polygon of three or more points in percent")
    # Sixteen steps per pixel; the centre of pixel x lies at x + 0.5 of the editor's measure.
    shift = 4
    scaled = (np.clip(corners, -100, 200) / 100 * (width, height) - 0.5) * (1 << shift)
    canvas = np.zeros(size, np.uint8)
    cv2.fillPoly(canvas, [np.rint(scaled).astype(np.int32)], 1, cv2.LINE_8, shift)
    return canvas.astype(np.bool_)


def _from_rectangle(value: Mapping[str, Any], size: tuple[int, int]) -> Mask:
    """The pixels whose centres lie in a rectangle, turned about its first corner or not."""
    height, width = size
    try:
        x, y, across, down = (float(value[name]) for name in ("x", "y", "width", "height"))
        angle = math.radians(float(value.get("rotation") or 0))
    except (KeyError, TypeError, ValueError) as error:
        raise MaskError(f"expected a rectangle in percent: {error!r}") from error
    if not all(map(math.isfinite, (x, y, across, down, angle))):
        raise MaskError("expected a rectangle in percent, got one that is not finite")
    # Steps along the rectangle's own sides, of the centres of all pixels.
    rows, columns = np.ogrid[0.5 : height + 0.5, 0.5 : width + 0.5]
    right, below = columns - x / 100 * width, rows - y / 100 * height
    along = right * math.cos(angle) + below * math.sin(angle)
    beside = below * math.cos(angle) - right * math.sin(angle)
    inside = (along >= 0) & (along < across / 100 * width)
    return np.asarray(inside & (beside >= 0) & (beside < down / 100 * height))
