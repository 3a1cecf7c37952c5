"""Textures, outlines, colours and the camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackanything_core.synthetic.colour import Camera, random_recolour, recolour
from trackanything_core.synthetic.landscape import balloon, hills, poplar, sky
from trackanything_core.synthetic.layers import Sprite, make_sprite
from trackanything_core.synthetic.shapes import bar, blob, polygon
from trackanything_core.synthetic.textures import random_palette, smooth_noise, texture

seeds = st.integers(0, 2**32)


@pytest.mark.property
@given(seeds, st.integers(8, 70), st.integers(8, 70))
def test_a_texture_is_a_picture_with_detail_and_hangs_on_the_seed_alone(
    seed: int, height: int, width: int
) -> None:
    one = texture(np.random.default_rng(seed), height, width)
    assert one.shape == (height, width, 3)
    assert one.dtype == np.uint8
    assert one.std() > 0
    np.testing.assert_array_equal(one, texture(np.random.default_rng(seed), height, width))


def test_textures_keep_to_their_palette() -> None:
    greens = np.array([[0, 60, 0], [0, 200, 0]], np.float32)
    for seed in range(20):
        picture = texture(np.random.default_rng(seed), 32, 32, greens)
        assert picture[..., [0, 2]].max() == 0
    assert random_palette(np.random.default_rng(0), 4).shape == (4, 3)


@pytest.mark.property
@given(seeds, st.integers(1, 60), st.integers(1, 60), st.floats(0.5, 80))
def test_noise_has_any_size(seed: int, height: int, width: int, cells: float) -> None:
    noise = smooth_noise(np.random.default_rng(seed), height, width, cells)
    assert noise.shape == (height, width)
    assert np.isfinite(noise).all()


@pytest.mark.property
@pytest.mark.parametrize("draw", [blob, polygon, bar])
@given(seed=seeds, size=st.integers(12, 100))
def test_an_outline_fills_its_square_and_stays_off_the_edge(draw, seed: int, size: int) -> None:
    opacity = draw(np.random.default_rng(seed), size)
    assert opacity.shape == (size, size)
    assert opacity.dtype == np.uint8
    rows, columns = np.nonzero(opacity)
    assert max(np.ptp(rows), np.ptp(columns)) >= size - 8
    edge = np.concatenate([opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]])
    assert edge.max() < 16


def ramp_sprite() -> Sprite:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return make_sprite(picture, rng.integers(0, 256, (16, 16), dtype=np.uint8))


@pytest.mark.property
@given(seeds, st.floats(0, 1.5))
def test_recolouring_leaves_the_opacity_and_no_colour_exceeds_it(
    seed: int, strength: float
) -> None:
    sprite = ramp_sprite()
    changed = recolour(sprite, random_recolour(np.random.default_rng(seed), strength))
    np.testing.assert_array_equal(changed[..., 3], sprite[..., 3])
    assert (changed[..., :3] <= changed[..., 3:]).all()


def test_recolouring_with_no_strength_changes_nothing() -> None:
    sprite = ramp_sprite()
    same = recolour(sprite, random_recolour(np.random.default_rng(0), 0))
    assert np.abs(same.astype(int) - sprite).max() <= 1


PLAIN = Camera(
    light=np.ones((3, 3), np.float32), shade=None, drift=(0, 0), blur=0, noise=0, quality=None
)


def test_a_plain_camera_stores_the_scene() -> None:
    scene = np.random.default_rng(0).uniform(0, 255, (20, 24, 3)).astype(np.float32)
    shot = PLAIN.shoot(np.random.default_rng(0), scene, 1)
    np.testing.assert_array_equal(shot, scene.astype(np.uint8))


@pytest.mark.parametrize(
    "change",
    [
        {"light": np.full((3, 3), 0.8, np.float32)},
        {"shade": np.linspace(0.4, 1, 60 * 60, dtype=np.float32).reshape(60, 60)},
        {"blur": 1.0},
        {"noise": 5.0},
        {"quality": 30},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_fault_of_a_camera_shows(change) -> None:
    scene = np.random.default_rng(0).uniform(0, 255, (20, 24, 3)).astype(np.float32)
    shot = replace(PLAIN, **change).shoot(np.random.default_rng(0), scene, 1)
    assert shot.shape == scene.shape
    assert shot.dtype == np.uint8
    assert np.abs(shot - scene).mean() > 1


def test_cameras_of_all_kinds_are_drawn() -> None:
    rng = np.random.default_rng(0)
    cameras = [Camera.draw(rng, 4, 32) for _ in range(100)]
    assert {camera.shade is None for camera in cameras} == {True, False}
    assert {camera.quality is None for camera in cameras} == {True, False}
    assert all(camera.light.shape == (4, 3) for camera in cameras)


def test_the_sprites_of_the_landscape_have_the_sizes_asked_for() -> None:
    rng = np.random.default_rng(0)
    assert sky(rng, 50, 90).shape == (50, 90, 4)
    assert hills(rng, 40, 120, (0, 99, 0), (99, 99, 99), 2).shape == (40, 120, 4)
    assert poplar(rng, 100).shape[0] == 100
    painted = balloon(90, np.array([[200, 0, 0], [0, 0, 200]], np.float32), (255, 255, 255))
    assert painted.shape[0] == 90
    assert 0.3 < (painted[..., 3] >= 128).mean() < 0.7
