"""Clicks, boxes and masks on one picture → a mask (SAM, arXiv 2304.02643)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trackanything_core.errors import PromptError
from trackanything_core.models.base import Embedding, Segmentation
from trackanything_core.models.sam.letterbox import fit, fitted_size, mask_to_logits
from trackanything_core.models.sam.obedience import obedient_mask
from trackanything_core.types import Box, Click, Image, Mask, SoftMask

if TYPE_CHECKING:
    from segment_anything.modeling import Sam


@dataclass(frozen=True, slots=True, eq=False)
class SamEmbedding:
    """SAM's encoding of one picture.

    Attributes:
        features: (1, C, h, w), on the device of the network.
        image_size: (height, width) of the picture in pixels.
    """

    features: Tensor
    image_size: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of the features."""
        return self.features.nbytes


class SamSegmenter:
    """A SAM network behind the `Segmenter` protocol.

    It keeps nothing between calls, so threads may share it.

    Args:
        sam: the network.
        name: of its weights, for people.
        weigh_candidates: see `SamConfig`.
        obey_clicks: see `SamConfig`.
    """

    def __init__(
        self, sam: Sam, name: str, *, weigh_candidates: bool = True, obey_clicks: bool = False
    ) -> None:
        self._sam = sam.eval()
        self._name = name
        self._weigh_candidates = weigh_candidates
        self._obey_clicks = obey_clicks

    @property
    def name(self) -> str:
        """Registry name of the weights in use."""
        return self._name

    @property
    def side(self) -> int:
        """Side of the square that pictures are letterboxed into; pixels."""
        return int(self._sam.image_encoder.img_size)

    @property
    def mask_size(self) -> int:
        """Side of the low-resolution logits; pixels."""
        return int(self._sam.prompt_encoder.mask_input_size[0])

    @torch.inference_mode()
    def embed(self, image: Image) -> SamEmbedding:
        """Encode a picture, (H, W, 3) uint8 RGB, once for any number of prompts."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise PromptError(
                "expected a picture as (height, width, 3) uint8 RGB, "
                f"got {image.shape} {image.dtype}"
            )
        pixels = torch.tensor(fit(image, self.side), device=self._sam.device)
        features = self._sam.image_encoder(self._sam.preprocess(pixels.permute(2, 0, 1)[None]))
        return SamEmbedding(features, (image.shape[0], image.shape[1]))

    @torch.inference_mode()
    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        """Answer clicks, a box and a mask prompt together; at least one must be given.

        One click alone is ambiguous: of three masks, say part, whole and group, the one that
        the network trusts most is returned (section 3, "Resolving ambiguity"), unless the
        network is not to weigh candidates.

        Args:
            embedding: what `embed` of this segmenter gave for the picture.
            clicks: pixels of the picture.
            box: pixels of the picture.
            mask_logits: (mask_size, mask_size) log-odds: the `low_res_logits` of an earlier
                answer, or what `mask_to_logits` gave.

        Raises:
            PromptError: a point or box lies outside the picture, the logits have another size,
                or nothing was given.
        """
        if not isinstance(embedding, SamEmbedding):
            raise PromptError(
                f"expected an embedding made by this segmenter, got {type(embedding).__name__}"
            )
        self.check(embedding.image_size, clicks, box, mask_logits)
        logits, score = self.answer(embedding, clicks, box, mask_logits)
        return Segmentation(self.cut(logits, embedding.image_size, clicks), score, logits)

    @torch.inference_mode()
    def answer(
        self,
        embedding: SamEmbedding,
        clicks: Sequence[Click],
        box: Box | None,
        mask_logits: npt.NDArray[np.float32] | None,
    ) -> tuple[npt.NDArray[np.float32], float]:
        """What `segment` cuts its mask from, for prompts that were checked.

        Returns:
            Log-odds (mask_size, mask_size), and the predicted IoU, 0..1.
        """
        ambiguous = len(clicks) == 1 and box is None and mask_logits is None
        logits, scores = self._decode(
            embedding, clicks, box, mask_logits, multimask=ambiguous and self._weigh_candidates
        )
        best = int(scores.argmax())
        score = min(max(float(scores[0, best]), 0.0), 1.0)
        return logits[0, best].float().cpu().numpy(), score

    def cut(
        self,
        logits: npt.NDArray[np.float32],
        image_size: tuple[int, int],
        clicks: Sequence[Click],
    ) -> Mask:
        """The mask, (H, W) bool, that low-resolution log-odds give under clicks."""
        full = self._at_picture_size(logits, image_size)
        if self._obey_clicks and clicks:
            return obedient_mask(full.cpu().numpy(), clicks)
        return np.asarray((full > self._sam.mask_threshold).cpu().numpy(), np.bool_)

    def mask_to_logits(self, mask: Mask) -> npt.NDArray[np.float32]:
        """Turn a mask at picture size, (H, W) bool, into the mask prompt that `segment` takes."""
        return mask_to_logits(mask, self.side, self.mask_size)

    @torch.inference_mode()
    def logits_to_soft_mask(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> SoftMask:
        """As `Segmenter.logits_to_soft_mask`."""
        full = self._at_picture_size(logits, image_size)
        probability = torch.sigmoid(full - self._sam.mask_threshold)
        return np.asarray(probability.cpu().numpy(), np.float32)

    @torch.inference_mode()
    def _at_picture_size(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> Tensor:
        """(H, W) float32 log-odds."""
        square = torch.tensor(logits, device=self._sam.device)[None, None]
        fitted = fitted_size(*image_size, self.side)
        full: Tensor = self._sam.postprocess_masks(square, fitted, image_size)[0, 0]
        return full

    def check(
        self,
        image_size: tuple[int, int],
        clicks: Sequence[Click],
        box: Box | None,
        mask_logits: npt.NDArray[np.float32] | None,
    ) -> None:
        """Refuse prompts that `segment` cannot answer; see there.

        Raises:
            PromptError: what is wrong with them.
        """
        if not clicks and box is None and mask_logits is None:
            raise PromptError("expected a click, a box or a mask, got none: give at least one")
        for click in clicks:
            _require_inside(image_size, "click", click.x, click.y)
        if box is not None:
            _require_inside(image_size, "box corner", box.x0, box.y0)
            _require_inside(image_size, "box corner", box.x1, box.y1)
        expected = (self.mask_size, self.mask_size)
        if mask_logits is not None and mask_logits.shape != expected:
            raise PromptError(
                f"expected mask logits of shape {expected}, got {mask_logits.shape}: "
                "use mask_to_logits or the low_res_logits of an answer by the same segmenter"
            )
        if mask_logits is not None and not np.isfinite(mask_logits).all():
            raise PromptError("expected finite mask logits, got NaN or infinity")

    @cached_property
    def _places(self) -> Tensor:
        """The code of an embedding's cells, (1, C, h, w); the same for every picture."""
        places: Tensor = self._sam.prompt_encoder.get_dense_pe()
        return places

    def _decode(
        self,
        embedding: SamEmbedding,
        clicks: Sequence[Click],
        box: Box | None,
        mask_logits: npt.NDArray[np.float32] | None,
        *,
        multimask: bool,
    ) -> tuple[Tensor, Tensor]:
        """Logits (1, K, m, m) and predicted IoU (1, K)."""
        sam, device = self._sam, self._sam.device
        height, width = fitted_size(*embedding.image_size, self.side)
        scale = torch.tensor(
            [width / embedding.image_size[1], height / embedding.image_size[0]],
            dtype=torch.float64,
        )
        points = corners = masks = None
        if clicks:
            places = torch.tensor([[[c.x, c.y] for c in clicks]], dtype=torch.float64) * scale
            signs = torch.tensor([[int(c.positive) for c in clicks]], dtype=torch.int32)
            points = (places.to(device, torch.float32), signs.to(device))
        if box is not None:
            both = torch.tensor([[box.x0, box.y0], [box.x1, box.y1]], dtype=torch.float64) * scale
            corners = both.reshape(1, 4).to(device, torch.float32)
        if mask_logits is not None:
            masks = torch.tensor(mask_logits, dtype=torch.float32, device=device)[None, None]
        sparse, dense = sam.prompt_encoder(points=points, boxes=corners, masks=masks)
        logits, scores = sam.mask_decoder(
            image_embeddings=embedding.features,
            image_pe=self._places,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=multimask,
        )
        return logits, scores


def _require_inside(image_size: tuple[int, int], what: str, x: float, y: float) -> None:
    """Pixels reach half a pixel beyond their centres, and so does the picture."""
    height, width = image_size
    inside = -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5
    if not (math.isfinite(x) and math.isfinite(y) and inside):
        raise PromptError(
            f"expected a {what} inside the picture of {width} x {height} pixels, got {x:g},{y:g}"
        )
