"""Poses, paths and bends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackanything_core.synthetic.motion import (
    Pace,
    Pose,
    leave_and_return,
    random_bends,
    random_path,
    through,
)

small = st.floats(-0.5, 0.5)
pixels = st.floats(-500, 500)


@pytest.mark.property
@given(pixels, pixels, st.floats(0.1, 5), small, small, pixels, pixels)
def test_the_pivot_lands_on_the_place(
    x: float, y: float, scale: float, angle: float, shear: float, px: float, py: float
) -> None:
    mapped = Pose(x, y, scale, angle, shear, 0.001, -0.001).matrix((px, py)) @ [px, py, 1]
    np.testing.assert_allclose(mapped[:2] / mapped[2], [x, y], atol=1e-6)


def test_a_positive_angle_turns_clockwise_on_the_screen() -> None:
    right = Pose(10, 10, scale=2, angle=np.pi / 2).matrix((0, 0)) @ [1, 0, 1]
    np.testing.assert_allclose(right, [10, 12, 1], atol=1e-9)


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
def test_a_path_starts_where_it_is_told_and_stays_of_sane_size(frames: int) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        start = Pose(30, 40, scale=0.5, angle=0.2)
        path = random_path(rng, start, frames, Pace.draw(rng, 128))
        assert path[0] == start
        assert len(path) == frames
        assert all(0.2 < pose.scale < 1.1 for pose in path)


def test_paces_differ() -> None:
    rng = np.random.default_rng(0)
    moves = {Pace.draw(rng, 100).move for _ in range(200)}
    assert len(moves) == 3
    assert max(moves) > 5 * min(moves)


def test_an_excursion_leads_away_and_back() -> None:
    poses = [Pose(50, 50)] * 5
    path = leave_and_return(np.random.default_rng(1), poses, 90)
    distance = [np.hypot(p.x - 50, p.y - 50) for p in path]
    np.testing.assert_allclose([distance[0], distance[2], distance[4]], [0, 90, 0], atol=1e-9)


def test_a_path_meets_its_target_on_the_frame_asked_for() -> None:
    path = through([Pose(0, 0)] * 4, [Pose(10 * k, 50) for k in range(4)], frame=2, share=1.0)
    assert (path[0].x, path[0].y) == (0, 0)
    assert (path[2].x, path[2].y) == (20, 50)


def test_bends_have_the_size_and_strength_asked_for() -> None:
    fields = [random_bends(np.random.default_rng(s), 20, 30, 3, 2.0) for s in range(30)]
    assert all(field.shape == (20, 30, 2) for bends in fields for field in bends)
    assert 0.8 < np.std(fields) < 3
    assert np.std(random_bends(np.random.default_rng(0), 20, 30, 3, 0.0)) == 0
