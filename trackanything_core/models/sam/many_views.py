"""One picture, seen several times: mirrored, and at other sizes; the answers are averaged.

A small network is right about an object more often than about all of its outline, and wrong in
other places each time it looks. The published networks need no such help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.errors import PromptError
from trackanything_core.models.base import Embedding, Segmentation
from trackanything_core.models.sam.build import at_image_size
from trackanything_core.models.sam.config import SamConfig
from trackanything_core.models.sam.letterbox import fitted_size
from trackanything_core.models.sam.segmenter import SamEmbedding, SamSegmenter
from trackanything_core.types import Box, Click, Image, Mask, SoftMask

if TYPE_CHECKING:
    from segment_anything.modeling import Sam

_VIEWS = ((0.75, True), (1.0, False), (1.25, True))
"""Size relative to the network's own, and whether mirrored. Mirroring is what helps most."""
_STRIDE = 32
"""The encoder's coarsest; sizes are multiples of it."""


@dataclass(frozen=True, slots=True, eq=False)
class ManyEmbeddings:
    """The encodings of one picture.

    Attributes:
        views: one of each view.
        image_size: (height, width) of the picture in pixels.
    """

    views: tuple[SamEmbedding, ...]
    image_size: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of all of them."""
        return sum(view.nbytes for view in self.views)


class ManyViewsSegmenter:
    """A SAM network that looks at a picture several times, behind the `Segmenter` protocol.

    It keeps nothing between calls, so threads may share it.

    Args:
        sam: a network with a convolutional encoder.
        config: of the network.
        name: of its weights, for people.

    Attributes:
        quick: the same network, looking once.
    """

    def __init__(self, sam: Sam, config: SamConfig, name: str) -> None:
        def view(side: int) -> SamSegmenter:
            return SamSegmenter(
                at_image_size(sam, replace(config, image_size=side)),
                name,
                weigh_candidates=config.weigh_candidates,
                obey_clicks=config.obey_clicks,
            )

        self.quick = view(config.image_size)
        self._views = [
            (view(max(round(size * config.image_size / _STRIDE), 1) * _STRIDE), mirrored)
            for size, mirrored in _VIEWS
        ]

    @property
    def name(self) -> str:
        """Registry name of the weights in use."""
        return self.quick.name

    def embed(self, image: Image) -> ManyEmbeddings:
        """Encode a picture, (H, W, 3) uint8 RGB, once for any number of prompts."""
        views = tuple(
            segmenter.embed(np.ascontiguousarray(image[:, ::-1]) if mirrored else image)
            for segmenter, mirrored in self._views
        )
        return ManyEmbeddings(views, (image.shape[0], image.shape[1]))

    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        """As `SamSegmenter.segment`; log-odds and scores are means over the views."""
        if not isinstance(embedding, ManyEmbeddings):
            raise PromptError(
                f"expected an embedding made by this segmenter, got {type(embedding).__name__}"
            )
        self.quick.check(embedding.image_size, clicks, box, mask_logits)
        width = embedding.image_size[1]
        finest = max((segmenter for segmenter, _ in self._views), key=lambda view: view.mask_size)
        found, scores = [], []
        for (segmenter, mirrored), seen in zip(self._views, embedding.views, strict=True):
            fitted = fitted_size(*embedding.image_size, segmenter.mask_size)[1]
            prompt = None
            if mask_logits is not None:
                prompt = _resized(mask_logits, segmenter.mask_size)
                prompt = _mirrored(prompt, fitted) if mirrored else prompt
            logits, score = segmenter.answer(
                seen,
                _mirrored_clicks(clicks, width) if mirrored else clicks,
                _mirrored_box(box, width) if mirrored else box,
                prompt,
            )
            logits = _mirrored(logits, fitted) if mirrored else logits
            found.append(_resized(logits, finest.mask_size))
            scores.append(score)
        mean = np.asarray(np.mean(found, axis=0), np.float32)
        return Segmentation(
            mask=finest.cut(mean, embedding.image_size, clicks),
            score=float(np.mean(scores)),
            low_res_logits=_resized(mean, self.quick.mask_size),
        )

    def mask_to_logits(self, mask: Mask) -> npt.NDArray[np.float32]:
        """Turn a mask at picture size, (H, W) bool, into the mask prompt that `segment` takes."""
        return self.quick.mask_to_logits(mask)

    def logits_to_soft_mask(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> SoftMask:
        """As `Segmenter.logits_to_soft_mask`."""
        return self.quick.logits_to_soft_mask(logits, image_size)


def _resized(logits: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
    """Letterboxed log-odds, (m, m), on another grid."""
    method = cv2.INTER_AREA if side < len(logits) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(logits, (side, side), interpolation=method), np.float32)


def _mirrored(logits: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """Letterboxed log-odds, mirrored in the columns that the picture fills."""
    beside = ((0, 0), (0, len(logits) - width))
    return np.pad(logits[:, :width][:, ::-1], beside, mode="edge")


def _mirrored_clicks(clicks: Sequence[Click], width: int) -> list[Click]:
    return [replace(click, x=width - 1 - click.x) for click in clicks]


def _mirrored_box(box: Box | None, width: int) -> Box | None:
    return None if box is None else replace(box, x0=width - 1 - box.x1, x1=width - 1 - box.x0)
