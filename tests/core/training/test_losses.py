from __future__ import annotations

import pytest
import torch

from trackanything_core.training.losses import (
    bootstrapped_cross_entropy,
    dice_loss,
    index_labels,
)


def test_cross_entropy_over_all_pixels_is_the_ordinary_one() -> None:
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(1))
    ours = bootstrapped_cross_entropy(logits.softmax(1), labels)
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(logits, labels))


def test_bootstrapping_keeps_the_hardest_pixels() -> None:
    probabilities = torch.full((1, 2, 2, 5), 0.9)
    probabilities[:, 1] = 0.1
    labels = torch.zeros(1, 2, 5, dtype=torch.long)
    labels[0, 0, :2] = 1  # two of ten pixels are wrong
    loss = bootstrapped_cross_entropy(probabilities, labels, keep=0.2)
    assert float(loss) == pytest.approx(-torch.tensor(0.1).log().item(), rel=1e-5)


def test_dice_is_zero_for_equal_masks_and_near_one_for_disjoint_ones() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16] = 1
    assert float(dice_loss(mask, mask)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(mask, 1 - mask)) > 0.99


def test_an_absent_object_asks_for_an_empty_mask() -> None:
    empty = torch.zeros(1, 1, 16, 16)
    assert float(dice_loss(empty, empty)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(empty + 0.5, empty)) > 0.9


def test_index_labels_number_objects_from_one() -> None:
    masks = torch.zeros(1, 2, 1, 3)
    masks[0, 0, 0, 1] = 1
    masks[0, 1, 0, 2] = 1
    assert index_labels(masks).tolist() == [[[0, 1, 2]]]
