"""The demo's clip and its truth."""

from __future__ import annotations

import numpy as np
import pytest

from trackanything_core.evaluation.synthetic import DemoClip, demo_clip


@pytest.fixture(scope="module")
def clip() -> DemoClip:
    return demo_clip()


def test_the_clip_has_the_size_asked_for(clip: DemoClip) -> None:
    assert clip.frames.shape == (48, 240, 320, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.masks.shape == (48, 240, 320)
    assert clip.masks.dtype == np.bool_
    small = demo_clip(seed=1, frames=5, size=(120, 200))
    assert small.frames.shape == (5, 120, 200, 3)
    assert small.masks.any(axis=(1, 2)).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    one, same, other = (demo_clip(seed, frames=2, size=(96, 128)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.frames, same.frames)
    np.testing.assert_array_equal(one.masks, same.masks)
    assert one.click == same.click
    assert (one.frames != other.frames).mean() > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_the_click_lies_inside_the_object(seed: int) -> None:
    clip = demo_clip(seed, frames=1)
    x, y = round(clip.click.x), round(clip.click.y)
    assert clip.click.positive
    assert clip.masks[0, y - 5 : y + 6, x - 5 : x + 6].all()


def test_the_truth_is_what_is_seen(clip: DemoClip) -> None:
    """The object is all that is red or orange."""
    for frame, mask in zip(clip.frames.astype(int), clip.masks, strict=True):
        warm = frame[..., 0] - frame[..., 2] > 90
        assert (warm & mask).sum() / (warm | mask).sum() > 0.8


def test_the_object_travels_grows_and_is_hidden_in_part_for_a_while(clip: DemoClip) -> None:
    area = clip.masks.sum(axis=(1, 2))
    columns = [np.nonzero(mask)[1].mean() for mask in clip.masks]
    assert columns[-1] - columns[0] > 100
    assert area[-1] > 1.5 * area[0]
    grown = np.linspace(np.sqrt(area[0]), np.sqrt(area[-1]), len(area)) ** 2
    visible = area / grown
    assert 0.5 < visible.min() < 0.9
    assert (visible < 0.9).sum() >= 4
