"""The dialogue that SAM learns from: a prompt, an answer, a click on the error, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from trackanything_core.models.sam.letterbox import soft_logits
from trackanything_core.training.sam_losses import MaskLosses, mask_losses
from trackanything_core.training.sam_prompts import (
    corrective_click,
    first_click,
    loose_box,
    poor_mask,
)
from trackanything_core.types import Click, Mask

Opening = Literal["click", "box", "mask", "mask and click"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures and the masks that are asked for.

    Attributes:
        images: (B, 3, S, S) float32, normalised and padded.
        labels: (B, S, S) uint8, all regions of the pictures; 0 is none.
        masks: (B * M, S, S) bool; M targets for each picture, in the order of the pictures.
    """

    images: Tensor
    labels: Tensor
    masks: npt.NDArray[np.bool_]


def play(
    sam: Any,
    embeddings: Tensor,
    batch: Batch,
    opening: Opening,
    rounds: int,
    rng: np.random.Generator,
    *,
    candidates: bool = True,
) -> list[MaskLosses]:
    """Answer `rounds` prompts for every mask; the losses of each round.

    The answers of a round, cut off from the gradient, are the mask prompt of the next one. A
    dialogue that opens with a click is answered by the best of three candidates first, or by the
    single mask like every other prompt.
    """
    embeddings = embeddings.repeat_interleave(len(batch.masks) // len(embeddings), dim=0)
    mask_size = sam.prompt_encoder.mask_input_size[0]
    truth = _shrink(batch.masks, mask_size).to(embeddings.device)
    # A thin object may cover no cell by half: what it covers most then stands for it.
    coarse = (truth >= truth.amax((1, 2), keepdim=True).clamp(max=0.5)).cpu().numpy()

    clicks: list[list[Click]] = [[] for _ in batch.masks]
    boxes = prompt = None
    if opening == "box":
        corners = [loose_box(mask, rng) for mask in batch.masks]
        boxes = torch.tensor([[b.x0, b.y0, b.x1, b.y1] for b in corners])
    if opening in ("mask", "mask and click"):
        prompt = torch.stack(
            [torch.from_numpy(soft_logits(poor_mask(m, rng), mask_size)) for m in batch.masks]
        )
    if opening == "click":
        clicks = [[first_click(mask, rng)] for mask in batch.masks]
    if opening == "mask and click":
        assert prompt is not None
        _click_errors(clicks, prompt.numpy() > 0, coarse, sam, rng)

    losses = []
    for step in range(rounds):
        ambiguous = candidates and opening == "click" and step == 0
        logits, iou = decode(sam, embeddings, clicks, boxes, prompt, multimask=ambiguous)
        losses.append(mask_losses(logits, iou, truth))
        chosen = iou.argmax(dim=1)
        prompt = logits[torch.arange(len(logits)), chosen].detach()
        if step + 1 < rounds:
            _click_errors(clicks, prompt.cpu().numpy() > 0, coarse, sam, rng)
    return losses


def decode(
    sam: Any,
    embeddings: Tensor,
    clicks: Sequence[Sequence[Click]],
    boxes: Tensor | None,
    prompt: Tensor | None,
    *,
    multimask: bool,
) -> tuple[Tensor, Tensor]:
    """Answer N prompts of one kind, each on its own picture.

    Args:
        sam: the network.
        embeddings: (N, 4C, h, w), packed, one per prompt.
        clicks: N lists of equal length, pixels of the square input.
        boxes: (N, 4) corners in the same pixels, or None.
        prompt: (N, m, m) logits, or None.
        multimask: answer with three candidates instead of one.

    Returns:
        (N, K, m, m) float32 logits and (N, K) float32 predicted IoU.
    """
    device = embeddings.device
    points = None
    if clicks[0]:
        places = torch.tensor([[[c.x, c.y] for c in row] for row in clicks], dtype=torch.float32)
        signs = torch.tensor([[float(c.positive) for c in row] for row in clicks])
        points = (places.to(device), signs.to(device))
    sparse, dense = sam.prompt_encoder(
        points=points,
        boxes=None if boxes is None else boxes.to(device),
        masks=None if prompt is None else prompt[:, None].to(device),
    )
    kind = embeddings.dtype
    logits, iou = sam.mask_decoder(
        image_embeddings=embeddings,
        image_pe=sam.prompt_encoder.get_dense_pe().to(kind),
        sparse_prompt_embeddings=sparse.to(kind),
        dense_prompt_embeddings=dense.to(kind),
        multimask_output=multimask,
    )
    return logits.float(), iou.float()


def _click_errors(
    clicks: list[list[Click]],
    found: Mask,
    truth: Mask,
    sam: Any,
    rng: np.random.Generator,
) -> None:
    """Add one corrective click to each list; masks are (N, m, m), clicks in input pixels."""
    scale = sam.image_encoder.img_size / truth.shape[-1]
    for row, prediction, target in zip(clicks, found, truth, strict=True):
        click = corrective_click(prediction, target, rng)
        x, y = ((value + 0.5) * scale - 0.5 for value in (click.x, click.y))
        row.append(Click(x, y, click.positive))


def _shrink(masks: npt.NDArray[np.bool_], size: int) -> Tensor:
    full = torch.from_numpy(masks).float()
    return F.interpolate(full[:, None], (size, size), mode="area")[:, 0]
