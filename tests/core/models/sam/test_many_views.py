"""Several looks at a picture, with a network of random weights and with the embedded one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from trackanything_core.errors import PromptError
from trackanything_core.models.base import CarefulSegmenter
from trackanything_core.models.registry import load_segmenter
from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW
from trackanything_core.models.sam.many_views import ManyViewsSegmenter
from trackanything_core.types import Box, Click, Image, Mask

CONFIG = replace(NARROW, image_size=64)


@pytest.fixture(scope="module")
def segmenter() -> ManyViewsSegmenter:
    torch.manual_seed(0)
    return ManyViewsSegmenter(build_sam(CONFIG), CONFIG, "random")


def disc(height: int, width: int) -> tuple[Image, Mask]:
    """An orange disc left of the middle of a grey picture."""
    rows, columns = np.ogrid[:height, :width]
    mask = np.hypot(rows - height * 0.5, columns - width * 0.3) < 0.2 * min(height, width)
    image = np.full((height, width, 3), 90, np.uint8)
    image[mask] = (240, 140, 20)
    return image, mask


@pytest.mark.parametrize("size", [(45, 80), (80, 45), (64, 64)])
def test_answers_at_the_size_of_the_picture(
    segmenter: ManyViewsSegmenter, size: tuple[int, int]
) -> None:
    embedding = segmenter.embed(np.zeros((*size, 3), np.uint8))
    answer = segmenter.segment(embedding, clicks=[Click(20, 20)], box=Box(5, 5, 30, 30))
    assert answer.mask.shape == size
    assert answer.mask.dtype == np.bool_
    assert 0 <= answer.score <= 1
    logits = answer.low_res_logits
    assert logits.shape == segmenter.mask_to_logits(answer.mask).shape
    again = segmenter.segment(embedding, mask_logits=logits)
    assert segmenter.logits_to_soft_mask(again.low_res_logits, size).shape == size
    assert embedding.nbytes > 2 * segmenter.quick.embed(np.zeros((*size, 3), np.uint8)).nbytes


def test_what_one_look_made_is_refused(segmenter: ManyViewsSegmenter) -> None:
    embedding = segmenter.quick.embed(np.zeros((40, 64, 3), np.uint8))
    with pytest.raises(PromptError, match="made by this segmenter"):
        segmenter.segment(embedding, clicks=[Click(1, 1)])


def test_prompts_outside_are_refused(segmenter: ManyViewsSegmenter) -> None:
    embedding = segmenter.embed(np.zeros((40, 64, 3), np.uint8))
    with pytest.raises(PromptError, match="inside the picture"):
        segmenter.segment(embedding, clicks=[Click(64, 1)])


@pytest.mark.parametrize("size", [(90, 160), (160, 90)])
def test_the_looks_agree_where_the_object_is(size: tuple[int, int]) -> None:
    """A mirrored look whose clicks, box or mask were not mirrored along would pull elsewhere."""
    segmenter = load_segmenter(device="cpu")
    assert isinstance(segmenter, CarefulSegmenter)
    image, truth = disc(*size)
    rows, columns = np.nonzero(truth)
    embedding = segmenter.embed(image)
    click = Click(float(columns.mean()), float(rows.mean()))
    box = Box(*map(float, (columns.min(), rows.min(), columns.max(), rows.max())))
    answers = [
        segmenter.segment(embedding, clicks=[click]),
        segmenter.segment(embedding, clicks=[click], box=box),
        segmenter.segment(embedding, clicks=[click], mask_logits=segmenter.mask_to_logits(truth)),
    ]
    for answer in answers:
        assert (answer.mask & truth).sum() / (answer.mask | truth).sum() > 0.8
        soft = segmenter.logits_to_soft_mask(answer.low_res_logits, size) > 0.5
        assert (soft & answer.mask).sum() / (soft | answer.mask).sum() > 0.9
