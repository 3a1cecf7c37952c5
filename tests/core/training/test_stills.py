"""Generated stills: regions where the picture has them, and a fair choice of targets."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from trackanything_core.training import stills
from trackanything_core.training.coco import CocoImage, Segment, load_coco
from trackanything_core.training.stills import MIN_SHARE, Still, draw_targets, random_still


def one_disc() -> CocoImage:
    """A white disc on black: the brightness of a pixel tells its region."""
    labels = np.zeros((200, 260), np.uint8)
    cv2.circle(labels, (120, 90), 60, 1, thickness=-1)
    image = np.repeat(labels[..., None] * np.uint8(255), 3, axis=-1)
    return CocoImage("disc", image, (Segment("ball", True, labels, 1),), 4)


def test_regions_move_with_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crop, turn, mirror and resize: labels and pixels must agree but for the border."""
    monkeypatch.setattr(stills, "DRAWN_BACKDROP", 0)
    monkeypatch.setattr(stills, "CLEAN_PICTURE", 1)
    monkeypatch.setattr(stills, "random_recolour", lambda rng, strength: np.eye(4))
    compared = 0
    for seed in range(12):
        still = random_still(np.random.default_rng(seed), [one_disc()], 128)
        inside = still.labels == 1
        if 0 < inside.mean() < 1:
            core = cv2.erode(inside.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
            rim = cv2.dilate(inside.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
            brightness = still.image.mean(axis=2)
            if core.any() and not rim.all():
                assert np.quantile(brightness[core], 0.05) > np.quantile(brightness[~rim], 0.95)
                compared += 1
    assert compared > 5


def test_same_seed_same_bytes_and_sizes() -> None:
    for seed in range(6):
        one, other = (random_still(np.random.default_rng(seed), [], 96) for _ in range(2))
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert max(one.image.shape[:2]) == 96
        assert one.image.shape[:2] == one.labels.shape
        assert one.image.dtype == np.uint8


def test_targets_are_regions_of_useful_size() -> None:
    labels = np.zeros((50, 50), np.uint8)
    labels[:20, :20] = 1
    labels[30:, 30:] = 2
    labels[49, 0] = 3
    still = Still(np.zeros((50, 50, 3), np.uint8), labels, {1: 1.0, 2: 1.0, 3: 1.0})
    rng = np.random.default_rng(0)
    targets = draw_targets(rng, still, 3)
    assert len(targets) == 3
    assert {int(target.sum()) for target in targets} == {400}
    assert draw_targets(rng, Still(still.image, labels * 0, {}), 3) == []


def test_touching_things_are_sometimes_one_target() -> None:
    labels = np.zeros((50, 50), np.uint8)
    labels[10:30, :25] = 1
    labels[10:30, 25:] = 2
    still = Still(np.zeros((50, 50, 3), np.uint8), labels, {1: 1.0, 2: 1.0})
    rng = np.random.default_rng(0)
    sizes = [int(mask.sum()) for _ in range(100) for mask in draw_targets(rng, still, 2)]
    assert set(sizes) == {500, 1000}
    assert 0.02 < np.mean(np.array(sizes) == 1000) < 0.35


def test_real_pictures_give_targets(data_dir: Path) -> None:
    images = load_coco(data_dir / "coco200", short_side=128)[:20]
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(20):
        still = random_still(rng, images, 128)
        for target in draw_targets(rng, still, 2):
            assert target.shape == still.labels.shape
            assert target.mean() >= MIN_SHARE
            found += 1
    assert found >= 30
