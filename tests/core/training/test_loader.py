"""Batches of clips from background processes."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from tests.core.training.pictures import picture_with_things
from trackanything_core.training.loader import ClipBatch, ClipLoader


def batches(count: int, **options) -> list[ClipBatch]:
    with ClipLoader([picture_with_things()], size=48, frames=2, **options) as loader:
        return [next(loader) for _ in range(count)]


def assert_equal(ones: list[ClipBatch], others: list[ClipBatch]) -> None:
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.masks, other.masks)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_batch_has_the_shape_that_training_expects(batch: int) -> None:
    for item in batches(6, seed=0, batch=batch, workers=0):
        assert item.frames.shape == (batch, 2, 48, 48, 3)
        assert item.frames.dtype == np.uint8
        assert item.masks.shape == (batch, 2, 2, 48, 48)
        assert item.masks.dtype == np.bool_
        assert item.masks[:, 0, 0].any(axis=(1, 2)).all()
        second = item.masks[:, 0, 1].any(axis=(1, 2))
        assert (np.sort(second)[::-1] == second).all()


def test_the_stream_hangs_on_the_seed() -> None:
    one = batches(4, seed=1, batch=4, workers=0)
    assert_equal(one, batches(4, seed=1, batch=4, workers=0))
    other = batches(1, seed=2, batch=4, workers=0)
    assert (one[0].frames != other[0].frames).any()


def test_half_of_a_batch_is_met_again() -> None:
    def silhouettes(item: ClipBatch) -> list[bytes]:
        """The masks of each clip, the same for it and its mirror image."""
        pairs = [(m.tobytes(), m[..., ::-1].tobytes()) for m in item.masks]
        return [min(pair) for pair in pairs]

    seen = [key for item in batches(20, seed=3, batch=4, workers=0) for key in silhouettes(item)]
    assert len(set(seen)) == len(seen) // 2


def test_a_stream_entered_late_goes_on_as_if_from_the_start() -> None:
    whole = batches(9, seed=4, batch=5, workers=0, pool=12)
    assert_equal(whole[6:], batches(3, seed=4, batch=5, workers=0, pool=12, start=6))


@pytest.mark.slow  # each process imports torch
def test_processes_give_the_same_stream_and_end_with_the_loader() -> None:
    assert_equal(batches(4, seed=1, batch=4, workers=2), batches(4, seed=1, batch=4, workers=0))
    assert multiprocessing.active_children() == []


def test_a_closed_loader_is_empty() -> None:
    loader = ClipLoader([], seed=0, batch=1, size=48, frames=1, workers=0)
    next(loader)
    loader.close()
    loader.close()
    assert list(loader) == []
