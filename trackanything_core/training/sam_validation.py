"""How well a network answers clicks on pictures that it is not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trackanything_core.evaluation.click_iou import simulate_clicks
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.sam.config import SamConfig
from trackanything_core.models.sam.segmenter import SamSegmenter
from trackanything_core.training.coco import CocoImage
from trackanything_core.training.gallery import arrange, draw_masks
from trackanything_core.training.run import Validation
from trackanything_core.training.stills import draw_targets, random_still
from trackanything_core.types import Image

_PICTURES = 12
_CLICKS = 3
_SHOWN = 6


def validate_sam(
    sam: Any, images: Sequence[CocoImage], config: SamConfig, *, seed: int
) -> Validation:
    """Click on one region in each of a few pictures, which are the same at every call.

    Args:
        sam: the network, set to pictures of the size that its configuration names.
        images: pictures that training does not start from.
        config: of the network.
        seed: of the run.

    Returns:
        Mean IoU after one click and after more, and a row for each picture: the region, and the
        answers.
    """
    segmenter = SamSegmenter(
        sam,
        "in training",
        weigh_candidates=config.weigh_candidates,
        obey_clicks=config.obey_clicks,
    )
    size = config.image_size
    ious, rows = [], []
    for index in range(_PICTURES):
        rng = np.random.default_rng((seed, 2, index))
        still = random_still(rng, images, size)
        targets = draw_targets(rng, still, 1)
        if not targets:
            continue
        truth = targets[0]
        answers = simulate_clicks(segmenter, still.image, truth, _CLICKS)
        ious.append([region_similarity(truth, answer.mask) for answer in answers])
        shown = [None, answers[0].mask, answers[-1].mask]
        row = [draw_masks(still.image, found, truth) for found in shown]
        rows.append([_to_square(picture, size) for picture in row])
    means = np.mean(ious, axis=0)
    scores = {f"IoU_{count}": float(means[count - 1]) for count in (1, _CLICKS)}
    return Validation(scores, arrange(rows[:_SHOWN]))


def _to_square(picture: Image, size: int) -> Image:
    square = np.zeros((size, size, 3), np.uint8)
    square[: picture.shape[0], : picture.shape[1]] = picture
    return square
