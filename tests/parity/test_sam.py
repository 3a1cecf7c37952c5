"""The segmenter answers exactly as `SamPredictor` does with the same weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor

from trackanything_core.models.base import Segmentation
from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW, OFFICIAL, SamConfig, VitEncoderConfig
from trackanything_core.models.sam.segmenter import SamSegmenter
from trackanything_core.types import Box, Click

pytestmark = pytest.mark.parity

SMALL_VIT = SamConfig(
    VitEncoderConfig(width=64, depth=3, heads=4, global_blocks=(2,), window=5),
    image_size=256,
    embed_dim=32,
    decoder_heads=4,
    decoder_mlp=64,
    iou_head_hidden=32,
)
CLICK = Click(40.25, 30.5)
OTHER = Click(10, 50, positive=False)
BOX = Box(12, 8.5, 58, 60)
PROMPTS: dict[str, dict[str, Any]] = {
    "one click": {"clicks": [CLICK]},
    "two clicks": {"clicks": [CLICK, OTHER]},
    "box": {"box": BOX},
    "box and click": {"box": BOX, "clicks": [OTHER]},
    "mask": {"mask": True},
    "mask and click": {"mask": True, "clicks": [CLICK]},
    "everything": {"mask": True, "clicks": [CLICK, OTHER], "box": BOX},
}


@pytest.fixture(scope="module", params=["vit", "conv"])
def sam(request: pytest.FixtureRequest) -> Any:
    """Random weights large enough that masks have shapes."""
    torch.manual_seed(3)
    network = build_sam(SMALL_VIT if request.param == "vit" else replace(NARROW, image_size=128))
    with torch.no_grad():
        for parameter in network.mask_decoder.parameters():
            parameter.mul_(1.5)
    return network


@pytest.mark.parametrize("size", [(75, 100), (100, 75), (300, 420), (64, 64), (90, 401)])
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_equals_the_published_predictor(
    sam: Any, prompt: dict[str, Any], size: tuple[int, int]
) -> None:
    assert_equal_answers(sam, size, prompt)


@pytest.mark.slow
def test_equals_the_published_predictor_at_full_size() -> None:
    torch.manual_seed(0)
    network = build_sam(OFFICIAL["sam_vit_b"])
    assert_equal_answers(network, (480, 854), PROMPTS["one click"], PROMPTS["everything"])


def assert_equal_answers(sam: Any, size: tuple[int, int], *prompts: dict[str, Any]) -> None:
    """Ask both for the same picture and prompts, and compare mask, score and logits."""
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    segmenter = SamSegmenter(sam, "random")
    embedding = segmenter.embed(image)
    torch.testing.assert_close(embedding.features, predictor.features, rtol=0, atol=0)
    for prompt in prompts:
        clicks, box = prompt.get("clicks", []), prompt.get("box")
        logits = None
        if prompt.get("mask"):
            mask_size = segmenter.mask_size
            logits = rng.normal(0, 4, (mask_size, mask_size)).astype(np.float32)
        answer = segmenter.segment(embedding, clicks=clicks, box=box, mask_logits=logits)
        masks, scores, low_res = predictor.predict(
            point_coords=np.array([[c.x, c.y] for c in clicks]) if clicks else None,
            point_labels=np.array([int(c.positive) for c in clicks]) if clicks else None,
            box=np.array([box.x0, box.y0, box.x1, box.y1]) if box else None,
            mask_input=None if logits is None else logits[None],
            multimask_output=len(clicks) == 1 and box is None and logits is None,
        )
        best = int(np.argmax(scores))
        _assert_same(answer, masks[best], float(scores[best]), low_res[best])


def _assert_same(answer: Segmentation, mask: Any, score: float, low_res: Any) -> None:
    np.testing.assert_array_equal(answer.mask, mask)
    np.testing.assert_array_equal(answer.low_res_logits, low_res)
    assert np.ptp(low_res) > 0.1, "flat logits would be equal for want of content"
    assert answer.score == pytest.approx(min(max(score, 0), 1))
