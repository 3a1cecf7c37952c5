"""Training SAM: prompts, losses, and a short run that learns, stops and goes on."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW, ConvEncoderConfig
from trackanything_core.training.affinity import AffinityLoss
from trackanything_core.training.sam_losses import mask_losses
from trackanything_core.training.sam_prompts import first_click, loose_box, poor_mask
from trackanything_core.training.sam_rounds import Batch, decode, play
from trackanything_core.training.sam_start import align_attention
from trackanything_core.types import Click

TINY = replace(
    NARROW,
    encoder=ConvEncoderConfig(widths=(8, 16, 16, 32, 32), blocks=(1, 1, 1, 1)),
    image_size=64,
    embed_dim=32,
    decoder_mlp=32,
    iou_head_hidden=32,
)


@pytest.fixture
def disc() -> np.ndarray:
    mask = np.zeros((64, 64), np.uint8)
    cv2.circle(mask, (30, 24), 14, 1, thickness=-1)
    return mask > 0


def test_prompts_point_at_the_object(disc: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        click = first_click(disc, rng)
        assert disc[int(click.y), int(click.x)]
        box = loose_box(disc, rng)
        assert abs(box.x0 - 16) < 8
        assert abs(box.y1 - 38) < 8


def test_poor_masks_are_poor_but_not_lost(disc: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    ious = []
    for _ in range(50):
        poor = poor_mask(disc, rng)
        assert poor.dtype == np.float32
        assert poor.min() >= 0
        assert poor.max() <= 1
        found = poor > 0.5
        ious.append((found & disc).sum() / max((found | disc).sum(), 1))
    assert 0.5 < np.median(ious) < 0.95
    assert np.std(ious) > 0.05


def test_only_the_best_candidate_learns() -> None:
    truth = torch.zeros(1, 8, 8)
    truth[:, 2:6, 2:6] = 1
    good, bad = 10 * truth - 5, 5 - 10 * truth
    logits = torch.stack([bad, good], dim=1).requires_grad_()
    losses = mask_losses(logits, torch.tensor([[0.2, 0.7]]), truth)
    assert losses.best.tolist() == [1]
    torch.testing.assert_close(losses.overlap, torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(losses.iou, torch.tensor((0.2**2 + 0.3**2) / 2))
    losses.mask.backward()
    assert logits.grad is not None
    assert (logits.grad[:, 0] == 0).all()
    assert (logits.grad[:, 1] != 0).any()


def test_affinity_rewards_embeddings_that_tell_regions_apart() -> None:
    torch.manual_seed(0)
    loss = AffinityLoss(32)
    labels = torch.ones(1, 8, 8, dtype=torch.uint8)
    labels[:, :, 4:] = 2
    codes = torch.randn(3, 32)
    apart = codes[labels.long()].permute(0, 3, 1, 2)
    alike = torch.randn(1, 32, 1, 1).expand(1, 32, 8, 8)
    assert loss(apart, labels) < 0.5 * loss(alike, labels)
    assert loss(apart, torch.zeros_like(labels)) == 0


def test_decoding_many_pictures_at_once_equals_one_by_one() -> None:
    torch.manual_seed(0)
    sam = build_sam(TINY)
    embeddings = torch.randn(3, 4 * 32, 8, 8)
    clicks = [[Click(5, 6), Click(20, 3, positive=False)], [Click(1, 2)] * 2, [Click(50, 60)] * 2]
    prompt = torch.randn(3, 32, 32)
    together, scores = decode(sam, embeddings, clicks, None, prompt, multimask=False)
    for index in range(3):
        one = slice(index, index + 1)
        alone, score = decode(sam, embeddings[one], clicks[one], None, prompt[one], multimask=False)
        torch.testing.assert_close(together[one], alone, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(scores[one], score, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("opening", ["click", "box", "mask", "mask and click"])
def test_every_opening_reaches_every_part_of_the_network(opening, disc: np.ndarray) -> None:
    torch.manual_seed(0)
    sam = build_sam(TINY).train()
    masks = np.stack([disc, ~disc, disc.T, disc])
    batch = Batch(torch.randn(2, 3, 64, 64), torch.zeros(2, 64, 64, dtype=torch.uint8), masks)
    embeddings = sam.image_encoder(batch.images)
    losses = play(sam, embeddings, batch, opening, 3, np.random.default_rng(0))
    assert len(losses) == 3
    assert losses[0].overlap.shape == (4, 3 if opening == "click" else 1)
    torch.stack([loss.mask + loss.iou for loss in losses]).sum().backward()
    for part in (sam.image_encoder.stem, sam.mask_decoder.transformer, sam.prompt_encoder):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())


def test_attention_starts_at_the_place_of_the_prompt() -> None:
    torch.manual_seed(0)
    sam = build_sam(NARROW)
    align_attention(sam)
    attention = sam.mask_decoder.transformer.layers[0].cross_attn_token_to_image
    code = sam.prompt_encoder.get_dense_pe()[0].flatten(1).T
    likeness = attention.q_proj(code[8 * 32 + 20]) @ attention.k_proj(code).T
    y, x = divmod(int(likeness.argmax()), 32)
    assert abs(y - 8) <= 1
    assert abs(x - 20) <= 1
