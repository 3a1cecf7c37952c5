"""Few key frames, and none too few."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml_backend.key_frames import choose_key_frames

curves = arrays(
    np.float64,
    st.tuples(st.integers(1, 9), st.integers(1, 2)),
    elements=st.integers(0, 4).map(float),
)


def largest_error(values: npt.NDArray[np.float64], chosen: list[int]) -> float:
    at = np.arange(len(values))
    drawn = [np.interp(at, chosen, values[chosen, c]) for c in range(values.shape[1])]
    return float(np.abs(np.column_stack(drawn) - values).max())


@given(curves, st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_no_choice_with_fewer_points_would_do(
    values: npt.NDArray[np.float64], tolerance: float
) -> None:
    chosen = choose_key_frames(values, tolerance + 1e-9)
    assert largest_error(values, chosen) <= tolerance + 1e-8
    last = len(values) - 1
    for between in range(len(chosen) - 2):
        for others in combinations(range(1, last), between):
            assert largest_error(values, [0, *others, last]) > tolerance


def test_a_straight_way_needs_two_points_however_long() -> None:
    values = np.column_stack([np.linspace(0, 500, 1000), np.linspace(9, 3, 1000)])
    assert choose_key_frames(values, 1e-6) == [0, 999]


def test_a_corner_far_along_is_found() -> None:
    values = np.abs(np.arange(400) - 250.0)[:, None]
    assert choose_key_frames(values, 0.5) == [0, 250, 399]


@given(curves, st.sets(st.integers(0, 8)))
def test_points_to_keep_are_kept(values: npt.NDArray[np.float64], keep: set[int]) -> None:
    within = {k for k in keep if k < len(values)}
    chosen = choose_key_frames(values, 1.0, within)
    assert within <= set(chosen)
    assert all(a < b for a, b in pairwise(chosen))
    assert largest_error(values, chosen) <= 1.0 + 1e-9


def test_a_single_point() -> None:
    assert choose_key_frames(np.zeros((1, 4)), 1.0) == [0]


@pytest.mark.parametrize("seed", range(3))
def test_a_walk(seed: int) -> None:
    values = np.cumsum(np.random.default_rng(seed).normal(0, 1, (300, 4)), axis=0)
    chosen = choose_key_frames(values, 2.0)
    assert largest_error(values, chosen) <= 2.0 + 1e-9
    assert len(chosen) < 150
