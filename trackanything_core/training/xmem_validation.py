"""How well a network follows objects of clips that it is not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.training.clips import Clip, generate_clip
from trackanything_core.training.coco import CocoImage
from trackanything_core.training.gallery import arrange, draw_masks
from trackanything_core.training.run import Validation
from trackanything_core.training.xmem_unroll import unroll
from trackanything_core.types import Mask

_CLIPS = 4
_FRAMES = 6


@torch.no_grad()
def validate_xmem(
    network: XMemNetwork,
    images: Sequence[CocoImage],
    *,
    seed: int,
    size: int,
    device: torch.device,
) -> Validation:
    """Track the first object of a few clips, which are the same at every call.

    Args:
        network: in evaluation mode.
        images: pictures that training does not cut from.
        seed: of the run.
        size: side of the clips, pixels.
        device: where the network is.

    Returns:
        The mean J over clips and frames after the first, and a row of frames for each clip.
    """
    rows, scores = [], []
    for index in range(_CLIPS):
        rng = np.random.default_rng((seed, 2, index))
        clip = generate_clip(rng, images, size=size, frames=_FRAMES)
        found = _follow(network, clip, device)
        truth = clip.masks[:, 0]
        scores += [region_similarity(t, f) for t, f in zip(truth[1:], found, strict=True)]
        shown = [None, *found]
        rows.append([draw_masks(*parts) for parts in zip(clip.frames, shown, truth, strict=True)])
    return Validation({"J": float(np.mean(scores))}, arrange(rows))


def _follow(network: XMemNetwork, clip: Clip, device: torch.device) -> list[Mask]:
    frames = normalise(torch.from_numpy(clip.frames).to(device).movedim(-1, 1))
    first = torch.from_numpy(clip.masks[0, :1]).to(device, torch.float32)
    outputs = unroll(
        network,
        frames[None],
        first[None],
        times=range(len(frames)),
        remembered=[range(t) for t in range(1, len(frames))],
    )
    return [(p[0, 1] > p[0, 0]).cpu().numpy() for p in outputs]
