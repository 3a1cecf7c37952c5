"""Networks small enough to reason about: a click becomes a disc, and the disc stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trackanything_core.models.base import Embedding, Propagator, Segmentation
from trackanything_core.types import Box, Click, Image, Mask, ObjectId, SoftMask

RADIUS = 5
SIZE = (36, 64)


def disc(x: float, y: float, size: tuple[int, int] = SIZE) -> Mask:
    rows, columns = np.ogrid[: size[0], : size[1]]
    return np.asarray((rows - y) ** 2 + (columns - x) ** 2 <= RADIUS**2)


@dataclass(frozen=True)
class DiscEmbedding:
    image_size: tuple[int, int]
    nbytes: int = 0


class DiscSegmenter:
    """Adds a disc for each positive click and for the box, then cuts one for each negative."""

    name = "discs"

    def embed(self, image: Image) -> DiscEmbedding:
        return DiscEmbedding((image.shape[0], image.shape[1]))

    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        size = embedding.image_size
        mask = np.zeros(size, np.bool_) if mask_logits is None else mask_logits > 0
        if box is not None:
            mask = mask | disc((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, size)
        for click in (c for c in clicks if c.positive):
            mask = mask | disc(click.x, click.y, size)
        for click in (c for c in clicks if not c.positive):
            mask = mask & ~disc(click.x, click.y, size)
        return Segmentation(mask, 0.9, self.mask_to_logits(mask))

    def mask_to_logits(self, mask: Mask) -> npt.NDArray[np.float32]:
        return np.where(mask, 10, -10).astype(np.float32)

    def logits_to_soft_mask(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> SoftMask:
        return np.asarray(logits > 0, np.float32)


class StillPropagator:
    """Says that every object stays where it was given last."""

    def __init__(self) -> None:
        self._given: dict[ObjectId, SoftMask] = {}

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        return tuple(self._given)

    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        pass

    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        for object_id, mask in (given or {}).items():
            self._given[object_id] = mask.astype(np.float32)
        objects = np.stack(list(self._given.values())) * 0.9
        share = np.concatenate([np.clip(1 - objects.sum(0, keepdims=True), 0.05, 1), objects])
        return np.asarray(share / share.sum(0), np.float32)

    def evidence(self) -> None:
        return None

    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        self._given = {name: np.asarray(mask, np.float32) for name, mask in masks.items()}


class StillPropagators:
    name = "still"

    def start(self) -> Propagator:
        return StillPropagator()
