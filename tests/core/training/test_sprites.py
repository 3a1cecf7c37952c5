"""Cutting things out of annotated pictures."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.training.pictures import RED, picture_with_things, picture_without_things
from trackanything_core.training.coco import CocoImage, Segment
from trackanything_core.training.sprites import (
    RIDER_SHARE,
    cut_out,
    drawn_sprite,
    pad,
    random_beam,
    random_object,
    random_sprite,
    random_thing,
    resize,
)


def test_things_of_useful_size_are_found_and_nothing_else() -> None:
    image = picture_with_things()
    found = {
        random_thing(np.random.default_rng(seed), image).tobytes()  # type: ignore[union-attr]
        for seed in range(40)
    }
    assert found == {image.segments[0].mask.tobytes(), image.segments[1].mask.tobytes()}


def test_things_that_the_edge_cuts_off_can_be_left_out() -> None:
    image = picture_with_things()
    for seed in range(20):
        mask = random_thing(np.random.default_rng(seed), image, whole=True)
        np.testing.assert_array_equal(mask, image.segments[0].mask)


def test_an_object_is_now_and_then_a_rider_and_what_is_ridden() -> None:
    labels = np.zeros((80, 80), np.uint8)
    labels[10:30, 30:50], labels[30:60, 20:60], labels[5:20, 70:78] = 1, 2, 3
    segments = tuple(Segment("thing", True, labels, label) for label in (1, 2, 3))
    image = CocoImage("ride", np.zeros((80, 80, 3), np.uint8), segments, license_id=4)
    rider, ridden, apart = (segment.mask for segment in segments)
    drawn = [random_object(np.random.default_rng(seed), image) for seed in range(300)]
    both = [mask for mask in drawn if mask is not None and mask.sum() > ridden.sum()]
    assert all(np.array_equal(mask, rider | ridden) for mask in both)
    # Two in three draws have a neighbour to be joined with.
    assert abs(len(both) / len(drawn) - RIDER_SHARE * 2 / 3) < 0.08
    assert {mask.tobytes() for mask in drawn if mask is not None} == {
        mask.tobytes() for mask in (rider, ridden, apart, rider | ridden)
    }
    small = [random_object(np.random.default_rng(s), image, largest=0.2) for s in range(60)]
    assert all(mask is not None and mask.mean() <= 0.2 for mask in small)


def test_a_picture_may_have_nothing_to_offer() -> None:
    assert random_thing(np.random.default_rng(0), picture_without_things()) is None
    assert random_thing(np.random.default_rng(0), picture_with_things(), largest=0.01) is None


@pytest.mark.parametrize("diameter", [16, 40, 90])
def test_a_cut_out_has_the_size_asked_for_and_the_colour_of_the_thing_alone(
    diameter: float,
) -> None:
    image = picture_with_things()
    sprite = cut_out(image.image, image.segments[0].mask, diameter)
    rows, columns = np.nonzero(sprite[..., 3] >= 128)
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert np.sqrt(box) == pytest.approx(diameter, abs=1.5)
    expected = sprite[..., 3:] / 255 * np.array(RED)
    assert np.abs(sprite[..., :3] - expected).max() <= 3


@pytest.mark.parametrize("images", [[], [picture_without_things()], [picture_with_things()]])
def test_there_is_always_a_sprite(images) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        sprites = [random_sprite(rng, images, 30), random_beam(rng, images, 30)]
        sprites.append(drawn_sprite(rng, images, np.full((20, 33), 255, np.uint8)))
        for sprite in sprites:
            assert sprite.ndim == 3
            assert sprite.shape[2] == 4
            assert sprite[..., 3].any()
            assert (sprite[..., :3] <= sprite[..., 3:]).all()


def test_resizing_and_padding() -> None:
    sprite = np.full((20, 30, 4), 255, np.uint8)
    assert resize(sprite, 0.5).shape == (10, 15, 4)
    assert resize(sprite, 0.01).shape == (4, 4, 4)
    padded = pad(sprite, 3)
    assert padded.shape == (26, 36, 4)
    assert padded.sum() == sprite.sum()
