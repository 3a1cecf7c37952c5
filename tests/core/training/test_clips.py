"""Generated training clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.core.training.pictures import picture_with_things, picture_without_things
from trackanything_core.training.clips import MIN_FIRST_SHARE, generate_clip
from trackanything_core.training.coco import CocoImage, load_coco


def pictures() -> list[CocoImage]:
    return [picture_with_things(), picture_without_things()]


@pytest.mark.parametrize(("size", "frames"), [(64, 1), (64, 2), (128, 3), (96, 8)])
@pytest.mark.parametrize("images", [[], pictures()], ids=["procedural", "pictures"])
def test_clips_keep_their_promises(images: list[CocoImage], size: int, frames: int) -> None:
    objects = set()
    for seed in range(15):
        clip = generate_clip(np.random.default_rng(seed), images, size=size, frames=frames)
        objects.add(clip.masks.shape[1])
        assert clip.frames.shape == (frames, size, size, 3)
        assert clip.frames.dtype == np.uint8
        assert clip.masks.shape[0] == frames
        assert clip.masks.shape[2:] == (size, size)
        assert clip.masks.dtype == np.bool_
        assert (clip.masks[0].mean(axis=(1, 2)) >= MIN_FIRST_SHARE).all()
        assert clip.masks.sum(axis=1).max() <= 1
    assert objects == {1, 2}


@pytest.mark.parametrize("images", [[], pictures()], ids=["procedural", "pictures"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    images: list[CocoImage],
) -> None:
    one, same, other = (generate_clip(np.random.default_rng(s), images) for s in (7, 7, 8))
    np.testing.assert_array_equal(one.frames, same.frames)
    np.testing.assert_array_equal(one.masks, same.masks)
    assert (one.frames != other.frames).any()


def test_things_move_and_are_hidden_at_times() -> None:
    moved, hidden = [], 0
    for seed in range(80):
        masks = generate_clip(np.random.default_rng(seed), pictures()).masks
        first, last = masks[0, 0], masks[-1, 0]
        moved.append((first & last).sum() / (first | last).sum())
        hidden += int(masks[:, 0].sum(axis=(1, 2)).min() == 0)
    assert np.median(moved) < 0.85
    assert 1 <= hidden <= 20


def test_real_pictures_give_clips(data_dir: Path) -> None:
    images = load_coco(data_dir / "coco200")[::20]
    for seed in range(10):
        clip = generate_clip(np.random.default_rng(seed), images)
        assert clip.frames.std() > 3
