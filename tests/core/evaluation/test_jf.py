from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackanything_core.errors import MaskError
from trackanything_core.evaluation.jf import (
    boundary,
    boundary_accuracy,
    region_similarity,
    statistics,
)
from trackanything_core.types import Mask


class Golden:
    """Masks and official figures, as `jf_golden.json` describes them."""

    def __init__(self, folder: Path) -> None:
        self.figures: dict[str, Any] = json.loads((folder / "jf_golden.json").read_text())
        self._arrays = np.load(folder / "jf_golden.npz")

    def masks(self, name: str, shape: tuple[int, ...]) -> Mask:
        count = int(np.prod(shape))
        return np.unpackbits(self._arrays[name])[:count].reshape(shape).astype(bool)

    def array(self, name: str) -> np.ndarray[Any, Any]:
        return np.asarray(self._arrays[name])


@pytest.fixture(scope="module")
def golden(reference_dir: Path) -> Golden:
    return Golden(reference_dir / "jf")


@pytest.mark.parity
def test_pairs_equal_the_official_figures(golden: Golden) -> None:
    assert golden.figures["pairs"]
    for pair in golden.figures["pairs"]:
        shape = tuple(pair["shape"])
        truth = golden.masks(f"pair{pair['pair']}_truth", shape)
        found = golden.masks(f"pair{pair['pair']}_pred", shape)
        assert region_similarity(truth, found) == pytest.approx(pair["J"], abs=1e-12), pair
        assert boundary_accuracy(truth, found) == pytest.approx(pair["F"], abs=1e-12), pair
        two_pixels = boundary_accuracy(truth, found, tolerance=2)
        assert two_pixels == pytest.approx(pair["F_bound_th_2px"], abs=1e-12), pair
        if "void" in pair:
            void = np.zeros(shape, bool)
            void[:, : shape[1] // 2] = True
            j, f = region_similarity(truth, found, void), boundary_accuracy(truth, found, void)
            assert (j, f) == pytest.approx((pair["J_void"], pair["F_void"]), abs=1e-12), pair


@pytest.mark.parity
def test_sequence_equals_the_official_figures(golden: Golden) -> None:
    shape = tuple(int(side) for side in golden.array("seq_shape"))
    truth, found = golden.masks("seq_truth", shape), golden.masks("seq_pred", shape)
    j = [region_similarity(a, b) for a, b in zip(truth, found, strict=True)]
    f = [boundary_accuracy(a, b) for a, b in zip(truth, found, strict=True)]
    np.testing.assert_allclose(j, golden.array("seq_J"), atol=1e-12)
    np.testing.assert_allclose(f, golden.array("seq_F"), atol=1e-12)
    for values, key in ((j, "J"), (f, "F")):
        figures = golden.figures["sequence"][key]
        got = statistics(values)
        assert (got.mean, got.recall, got.decay) == pytest.approx(
            (figures["M"], figures["R"], figures["D"]), abs=1e-12
        )


def blob(seed: int, height: int, width: int) -> Mask:
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 4) > 0.03)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    radius=st.integers(1, 9),
)
def test_boundary_accuracy_equals_dilation_by_a_disc(
    seed: int, height: int, width: int, radius: int
) -> None:
    truth, found = blob(seed, height, width), blob(seed + 1, height, width)
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (rows**2 + columns**2 <= radius**2).astype(np.uint8)
    a, b = boundary(truth).astype(np.uint8), boundary(found).astype(np.uint8)
    if a.any() and b.any():
        precision = (b * cv2.dilate(a, disc)).sum() / b.sum()
        recall = (a * cv2.dilate(b, disc)).sum() / a.sum()
        both = precision + recall
        expected = 2 * precision * recall / both if both else 0.0
    else:
        expected = float(a.any() == b.any())
    assert boundary_accuracy(truth, found, tolerance=radius) == pytest.approx(expected)


@pytest.mark.parametrize("measure", [region_similarity, boundary_accuracy])
def test_empty_masks(measure: Any) -> None:
    empty, square = np.zeros((40, 60), bool), np.zeros((40, 60), bool)
    square[10:20, 10:20] = True
    assert measure(empty, empty) == 1.0
    assert measure(square, empty) == 0.0
    assert measure(empty, square) == 0.0
    assert measure(square, square, void=square) == 1.0


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(MaskError, match=r"one size, got \(4, 4\) and \(4, 5\)"):
        region_similarity(np.zeros((4, 4), bool), np.zeros((4, 5), bool))
    empty = np.zeros((4, 4), bool)
    with pytest.raises(MaskError, match="void pixels of size"):
        boundary_accuracy(empty, empty, void=np.zeros((5, 4), bool))


def test_statistics_of_long_and_short_series() -> None:
    falling = statistics([1 - frame / 999 for frame in range(1000)])
    assert falling.decay == pytest.approx(0.75, abs=0.01)
    assert falling.recall == pytest.approx(0.5)
    assert statistics([0.7]).decay == 0.0
    with pytest.raises(ValueError, match="got none"):
        statistics([])
