"""From masks to the editor's regions.

Region ids are stable, `<object>-f<frame>`: sent again, a region replaces the one with its id.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

import numpy as np

from ml_backend import brush_rle
from ml_backend.label_config import FramesConfig, MaskFormat
from ml_backend.polygons import outline
from trackanything_core.masks.ops import bounding_box
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.types import FrameIndex, Mask, ObjectId

Region: TypeAlias = dict[str, Any]
"""A result row of Label Studio."""

Prediction: TypeAlias = dict[str, Any]
"""`{"result": [regions], "score": 0..1, "model_version": …}`."""

PLEASE_CHECK = "Found again after a cut: please check"
"""What the editor says of a region that was found where no human showed the object."""


def region_id(object_id: ObjectId, frame: FrameIndex) -> str:
    """The id of an object's region on one frame."""
    # The editor cuts ids at "#".
    return f"{quote(object_id, safe=' ')}-f{frame}"


def build_region(
    config: FramesConfig,
    object_id: ObjectId,
    label: str,
    frame: FrameIndex,
    mask: Mask,
    score: float,
    *,
    parent: str | None = None,
    found_again: bool = False,
) -> Region:
    """Write one mask as a row of the configuration's mask control.

    Args:
        config: says which control and which format.
        object_id: names the region together with the frame.
        label: what the region is labelled with.
        frame: 0-based, becomes `item_index`.
        mask: (H, W) bool at the size of the picture.
        score: quality 0..1.
        parent: id of the region that this one is listed under in the editor.
        found_again: it was found in a shot where no human showed the object; the editor then
            asks for a check.
    """
    height, width = mask.shape
    value = {**_encode(mask, config.mask.format), config.mask.format.value: [label]}
    extra: Region = {"parentID": parent} if parent else {}
    if found_again:
        extra["meta"] = {"text": [PLEASE_CHECK]}
    return {
        "id": region_id(object_id, frame),
        "from_name": config.mask.name,
        "to_name": config.image_name,
        "type": config.mask.format.value,
        "origin": "prediction",
        "item_index": frame,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": round(float(score), 4),
        "value": value,
    } | extra


def build_regions(
    frames: Iterable[FrameMasks],
    config: FramesConfig,
    labels: Mapping[ObjectId, str],
    *,
    skip: Container[str] = frozenset(),
    shown: Container[str] = frozenset(),
) -> Iterator[Region]:
    """Write the masks of many frames; objects out of sight have no region there.

    No answer can remove a region from the editor, so that one that is there becomes empty.

    Args:
        frames: masks and scores, in any order.
        config: says which control and which format.
        labels: the label of each object.
        skip: ids of regions to leave out.
        shown: ids of regions that the editor has.
    """
    for found in frames:
        for object_id, mask in found.masks.items():
            name = region_id(object_id, found.frame)
            if name not in skip and (mask.any() or name in shown):
                yield build_region(
                    config,
                    object_id,
                    labels[object_id],
                    found.frame,
                    mask,
                    found.scores[object_id],
                    found_again=object_id in found.found_again,
                )


def build_prediction(regions: Iterable[Region], model_version: str) -> Prediction:
    """Join regions to a prediction, scored by the mean of their scores."""
    result = list(regions)
    scores = [region["score"] for region in result]
    return {
        "result": result,
        "score": round(sum(scores) / len(scores), 4) if scores else 0.0,
        "model_version": model_version,
    }


def no_predictions(count: int) -> list[list[Prediction]]:
    """The answer for a batch of tasks: none for each. Label Studio would store even empty ones."""
    return [[] for _ in range(count)]


def _encode(mask: Mask, mask_format: MaskFormat) -> dict[str, Any]:
    if mask_format is MaskFormat.BRUSH:
        return {"format": "rle", "rle": brush_rle.encode(mask)}
    if mask_format is MaskFormat.POLYGON:
        return {"points": _polygon(mask), "closed": True}
    if mask_format is MaskFormat.RECTANGLE:
        return _rectangle(mask)
    return {"imageDataURL": _png_data_url(mask)}


def _polygon(mask: Mask) -> list[list[float]]:
    """Corners in percent. No answer can remove a region: an empty mask is a point in a corner."""
    height, width = mask.shape
    points = (outline(mask) + 0.5) / (width, height) * 100
    return np.round(points, 4).tolist() or [[0.0, 0.0]] * 3


def _rectangle(mask: Mask) -> dict[str, float]:
    """The box round a mask in percent; of no extent, in a corner, for an empty mask."""
    height, width = mask.shape
    left, top, across, down = bounding_box(mask) or (0, 0, 0, 0)
    return {
        "x": left / width * 100,
        "y": top / height * 100,
        "width": across / width * 100,
        "height": down / height * 100,
        "rotation": 0,
    }


def _png_data_url(mask: Mask) -> str:
    """The mask as a picture of two colours, one bit per pixel: transparent and opaque white.

    The editor needs the mask in the alpha channel and tints it with the label's colour. Pillow
    writes the same picture in three times the time, an RGBA picture takes it a hundred times.
    """
    height, width = mask.shape
    rows = np.zeros((height, 1 + (width + 7) // 8), np.uint8)  # the first byte: no filter
    rows[:, 1:] = np.packbits(mask, axis=1)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)),
            _png_chunk(b"PLTE", bytes([255] * 6)),
            _png_chunk(b"tRNS", bytes([0, 255])),
            _png_chunk(b"IDAT", _deflate(rows.tobytes())),
            _png_chunk(b"IEND", b""),
        ]
    )
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _deflate(data: bytes) -> bytes:
    """Compress runs of equal bytes, as masks are; the default strategy finds little more."""
    runs = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return runs.compress(data) + runs.flush()


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
