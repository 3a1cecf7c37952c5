"""The measure of the score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.core.evaluation.davis_folder import square, write_masks
from tests.fakes import FakePropagators, FakeSegmenter
from trackanything_core.evaluation.calibration import (
    Example,
    collect,
    fit_weights,
    plot_reliability,
    rank_correlation,
    report,
)
from trackanything_core.tracking.assess import Signs, weigh


def test_rank_correlation() -> None:
    assert rank_correlation([0.1, 0.2, 0.9], [1, 5, 6]) == pytest.approx(1)
    assert rank_correlation([0.1, 0.2, 0.9], [6, 5, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 2, 3], [1, 2, 3, 4]) == pytest.approx(0.9486832980505138)


def made(count: int = 60) -> list[Example]:
    """Examples whose IoU follows from their signs."""
    rng = np.random.default_rng(0)
    signs = [Signs(*(float(x) for x in rng.uniform(0.1, 0.9, 3))) for _ in range(count)]
    truth = (0.5, 0.8, -0.2, 0.3)
    return [Example("ab"[n % 2], found, weigh(found, truth)) for n, found in enumerate(signs)]


def test_a_fit_finds_the_weights() -> None:
    assert fit_weights(made(400)) == pytest.approx((0.5, 0.8, -0.2, 0.3), abs=0.02)


def test_the_report_and_its_plot(tmp_path: Path) -> None:
    found = report(made())
    assert found["held_out"]["spearman"] > 0.99
    assert sum(entry["masks"] for entry in found["reliability"]) == found["masks"] == 60
    plot_reliability(tmp_path / "made" / "plot.png", found)
    assert (tmp_path / "made" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_examples_come_from_tracked_frames(tmp_path: Path) -> None:
    sequence = write_masks(tmp_path, [square(left) for left in (10, 10, 20, 40)])
    examples = collect(sequence, FakeSegmenter(), FakePropagators(), "mask", 1)
    assert [example.iou for example in examples] == pytest.approx([1, 1 / 3])
