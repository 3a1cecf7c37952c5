"""A picture of what a network in training does with its clips."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.training.loader import ClipBatch
from trackanything_core.training.xmem_unroll import unroll

_PREDICTED = np.array([0, 255, 0])
_TRUE = np.array([255, 0, 0])


def save_preview(network: XMemNetwork, batch: ClipBatch, path: Path, *, clips: int = 4) -> None:
    """Write a PNG, a row per clip: the first object, truth in red and prediction in green."""
    images = batch.frames[:clips]
    masks = batch.masks[:clips, :, :1]
    length = images.shape[1]
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        outputs = unroll(
            network,
            normalise(torch.from_numpy(images).movedim(-1, 2)),
            torch.from_numpy(masks[:, 0]).float(),
            times=range(length),
            remembered=[range(t) for t in range(1, length)],
        )
    network.train(was_training)
    found = np.stack([masks[:, 0, 0]] + [(p[:, 1] > 0.5).numpy() for p in outputs], axis=1)
    canvas = images.astype(np.float32)
    for mask, colour in ((masks[:, :, 0], _TRUE), (found, _PREDICTED)):
        canvas[mask] = 0.65 * canvas[mask] + 0.35 * colour
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in canvas], axis=0)
    cv2.imwrite(str(path), sheet[..., ::-1].astype(np.uint8))
