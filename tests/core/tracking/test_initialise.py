from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from tests.fakes import FakeSegmenter, FakeSource
from trackanything_core.models.base import Embedding, Segmentation
from trackanything_core.tracking.initialise import Initialiser
from trackanything_core.types import Box, Click, Prompt

SIZE = (24, 32)
CLICKS = (Click(20, 12, positive=False), Click(8, 12), Click(16, 12), Click(12, 12, positive=False))
BOX = Box(4, 6, 20, 18)
DRAWN = np.zeros(SIZE, bool)
DRAWN[8:16, 8:16] = True


class PathDependentSegmenter(FakeSegmenter):
    """Its discs grow with what is fed back, so that its masks tell how they came about."""

    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        fed_back = 0.0 if mask_logits is None else abs(float(mask_logits.flat[0]))
        self.radius = 2.0 + fed_back % 5
        found = super().segment(embedding, clicks=clicks, box=box, mask_logits=mask_logits)
        return Segmentation(found.mask, 0.9, found.low_res_logits + np.float32(fed_back / 2))


def initialiser() -> Initialiser:
    return Initialiser(FakeSource(3, SIZE), PathDependentSegmenter(), 2**20)


@pytest.mark.parametrize(
    "whole",
    [
        Prompt("cat", 1, CLICKS),
        Prompt("cat", 1, CLICKS, box=BOX),
        Prompt("cat", 1, CLICKS, mask=DRAWN),
        Prompt("cat", 1, CLICKS, box=BOX, mask=DRAWN),
    ],
    ids=["clicks", "box", "mask", "box and mask"],
)
def test_clicks_one_by_one_or_all_at_once_give_the_same_mask(whole: Prompt) -> None:
    at_once = initialiser().segment(whole).mask
    patient = initialiser()
    fewest = 2 if whole.box is None else 0  # nothing is found by a negative click alone
    for count in range(fewest, len(CLICKS) + 1):
        mask = patient.segment(Prompt("cat", 1, CLICKS[:count], whole.box, whole.mask)).mask
    np.testing.assert_array_equal(mask, at_once)
    np.testing.assert_array_equal(patient.segment(whole).mask, at_once)


def test_a_box_alone_is_one_question() -> None:
    segmenter = FakeSegmenter()
    Initialiser(FakeSource(3, SIZE), segmenter, 2**20).segment(Prompt("cat", 1, box=BOX))
    assert segmenter.fed_back == [None]
