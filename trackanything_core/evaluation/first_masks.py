"""The masks that a measured run starts from."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from trackanything_core.errors import PromptError
from trackanything_core.evaluation.clicks import next_click
from trackanything_core.evaluation.davis import DavisSequence
from trackanything_core.models.base import Segmenter
from trackanything_core.tracking.initialise import Initialiser
from trackanything_core.types import Click, Mask, ObjectId, Prompt
from trackanything_core.video.base import FrameSource

Init: TypeAlias = Literal["mask", "click"]

_EMBEDDING_BYTES = 64 * 2**20


def first_masks(
    sequence: DavisSequence, source: FrameSource, segmenter: Segmenter, init: Init, clicks: int = 1
) -> dict[ObjectId, Mask]:
    """Masks of the first frame: the truth, or what the segmenter makes of simulated clicks.

    Each click is put where the answer so far is most wrong (see `next_click`).

    Args:
        sequence: gives the truth of the first frame.
        source: its pictures.
        segmenter: answers the clicks.
        init: "mask" gives the truth, "click" clicks.
        clicks: how many clicks for each object, 1 or more.

    Returns:
        (H, W) bool for each object; empty where the segmenter found nothing.
    """
    truth = sequence.truth(0).masks
    if init == "mask":
        return truth
    initialiser = Initialiser(source, segmenter, _EMBEDDING_BYTES)
    return {name: _click(initialiser, name, mask, clicks) for name, mask in truth.items()}


def _click(initialiser: Initialiser, object_id: ObjectId, truth: Mask, count: int) -> Mask:
    found = np.zeros_like(truth)
    clicks: tuple[Click, ...] = ()
    for _ in range(count):
        click = next_click(found, truth)
        if click is None:
            break
        clicks = (*clicks, click)
        try:
            found = initialiser.segment(Prompt(object_id, 0, clicks)).mask
        except PromptError:  # nothing found so far; the next click may help
            found = np.zeros_like(truth)
    return found
