"""Prompts that make no sense, masks as prompts, and use by several threads."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trackanything_core.errors import PromptError
from trackanything_core.models.base import Segmenter
from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW
from trackanything_core.models.sam.letterbox import mask_to_logits
from trackanything_core.models.sam.segmenter import SamEmbedding, SamSegmenter
from trackanything_core.types import Box, Click


@pytest.fixture(scope="module")
def segmenter() -> SamSegmenter:
    torch.manual_seed(1)
    return SamSegmenter(build_sam(replace(NARROW, image_size=64)), "random")


@pytest.fixture(scope="module")
def embedding(segmenter: SamSegmenter) -> SamEmbedding:
    image = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    return segmenter.embed(image)


def test_keeps_the_protocol(segmenter: SamSegmenter, embedding: SamEmbedding) -> None:
    protocol: Segmenter = segmenter
    answer = protocol.segment(embedding, clicks=[Click(3, 4)])
    assert answer.mask.shape == (30, 50)
    assert answer.mask.dtype == np.bool_
    assert 0 <= answer.score <= 1
    assert answer.low_res_logits.shape == (32, 32)
    assert answer.low_res_logits.dtype == np.float32
    assert embedding.image_size == (30, 50)
    assert embedding.nbytes == 4 * (4 * 128) * 8 * 8


def test_logits_can_be_fed_back(segmenter: SamSegmenter, embedding: SamEmbedding) -> None:
    first = segmenter.segment(embedding, clicks=[Click(3, 4)])
    clicks = [Click(3, 4), Click(20, 20, positive=False)]
    alone = segmenter.segment(embedding, clicks=clicks)
    fed = segmenter.segment(embedding, clicks=clicks, mask_logits=first.low_res_logits)
    assert not np.array_equal(alone.low_res_logits, fed.low_res_logits)


@pytest.mark.parametrize(
    ("x", "y"), [(50, 3), (3, 30), (-1, 3), (3, -0.6), (math.nan, 3), (3, math.inf)]
)
def test_clicks_outside_are_refused(
    segmenter: SamSegmenter, embedding: SamEmbedding, x: float, y: float
) -> None:
    with pytest.raises(PromptError, match="inside the picture of 50 x 30 pixels"):
        segmenter.segment(embedding, clicks=[Click(1, 1), Click(x, y)])


def test_boxes_outside_are_refused(segmenter: SamSegmenter, embedding: SamEmbedding) -> None:
    with pytest.raises(PromptError, match="box corner inside the picture"):
        segmenter.segment(embedding, box=Box(3, 3, 70, 20))


def test_clicks_on_the_outermost_pixels_are_taken(
    segmenter: SamSegmenter, embedding: SamEmbedding
) -> None:
    for x, y in [(0, 0), (49, 0), (0, 29), (49.4, 29.4)]:
        segmenter.segment(embedding, clicks=[Click(x, y)])


def test_nothing_to_answer_is_refused(segmenter: SamSegmenter, embedding: SamEmbedding) -> None:
    with pytest.raises(PromptError, match="at least one"):
        segmenter.segment(embedding)


@pytest.mark.parametrize(
    "logits", [np.zeros((64, 64), np.float32), np.full((32, 32), np.nan, np.float32)]
)
def test_unfit_logits_are_refused(
    segmenter: SamSegmenter, embedding: SamEmbedding, logits: np.ndarray
) -> None:
    with pytest.raises(PromptError, match="mask logits"):
        segmenter.segment(embedding, mask_logits=logits)


def test_pictures_of_another_kind_are_refused(segmenter: SamSegmenter) -> None:
    with pytest.raises(PromptError, match="uint8 RGB"):
        segmenter.embed(np.zeros((30, 50), np.uint8))
    with pytest.raises(PromptError, match="float32"):
        segmenter.embed(np.zeros((30, 50, 3), np.float32))


def test_threads_do_not_disturb_each_other(segmenter: SamSegmenter) -> None:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (6, 40, 30, 3), dtype=np.uint8)

    def answer(index: int) -> np.ndarray:
        embedding = segmenter.embed(images[index])
        return segmenter.segment(embedding, clicks=[Click(index, 5)]).low_res_logits

    alone = [answer(index) for index in range(len(images))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answer, range(len(images))))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(20, 300), st.integers(20, 300)),
    corner=st.tuples(st.floats(0.1, 0.4), st.floats(0.1, 0.4)),
)
@pytest.mark.property
def test_a_mask_as_prompt_lies_where_the_mask_lies(
    size: tuple[int, int], corner: tuple[float, float]
) -> None:
    height, width = size
    top, left = int(corner[0] * height), int(corner[1] * width)
    mask = np.zeros(size, bool)
    mask[top : top + height // 2, left : left + width // 2] = True
    logits = mask_to_logits(mask, side=256, mask_size=128)
    assert logits.shape == (128, 128)
    assert logits.dtype == np.float32
    assert np.abs(logits).max() == 8
    ys, xs = np.nonzero(logits > 0)
    scale = 128 / max(size)
    expected = np.array([top, top + height // 2, left, left + width // 2]) * scale
    found = np.array([ys.min(), ys.max() + 1, xs.min(), xs.max() + 1])
    assert np.abs(found - expected).max() <= 1.5


def test_a_mask_of_nothing_is_a_prompt_of_nothing() -> None:
    assert (mask_to_logits(np.zeros((30, 50), bool), 256, 128) == -8).all()
