from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.core.evaluation.davis_folder import SIZE, palette_map, square, write_maps, write_masks
from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.first_masks import first_masks
from trackanything_core.evaluation.flow_baseline import FlowPropagator
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.evaluation.run import mean_scores, track_sequence
from trackanything_core.masks.palette import read_indexed_png
from trackanything_core.types import Mask


@pytest.fixture
def sequence(tmp_path: Path) -> DavisSequence:
    """A square that stays for three frames, moves off by half, and is back at the end."""
    return write_masks(tmp_path, [square(left) for left in (10, 10, 10, 20, 40)])


def test_first_and_last_frame_do_not_count(sequence: DavisSequence) -> None:
    source = FakeSource(len(sequence), SIZE)
    start = first_masks(sequence, source, FakeSegmenter(), "mask")
    scores = track_sequence(sequence, source, start, FakeSegmenter(), FakePropagators())
    (scored,) = scores.objects
    assert scores.frames == 5
    assert scored.first_iou == 1.0
    assert scored.j.mean == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert scored.j.recall == pytest.approx(2 / 3)
    assert mean_scores([scores])["J&F"] == pytest.approx(scored.jf)


def test_clicks_improve_the_first_mask(sequence: DavisSequence) -> None:
    source, segmenter = FakeSource(5, SIZE), FakeSegmenter(radius=5)
    truth = sequence.truth(0).masks["1"]
    ious = [
        region_similarity(truth, first_masks(sequence, source, segmenter, "click", clicks)["1"])
        for clicks in (1, 2, 3)
    ]
    assert ious == sorted(ious)
    assert 0.1 < ious[0] < ious[-1]


def test_an_object_that_was_never_found_scores_nothing(sequence: DavisSequence) -> None:
    source, nothing = FakeSource(5, SIZE), FakeSegmenter(radius=-1)
    start = first_masks(sequence, source, nothing, "click", 2)
    assert not start["1"].any()
    (scored,) = track_sequence(sequence, source, start, nothing, FakePropagators()).objects
    assert (scored.first_iou, scored.j.mean, scored.f.mean) == (0, 0, 0)


def test_nothing_is_carried_over_a_cut(sequence: DavisSequence) -> None:
    source, start = FakeSource(5, SIZE), {"1": sequence.truth(0).masks["1"]}
    segmenter, propagators = FakeSegmenter(), FakePropagators()
    scores = track_sequence(sequence, source, start, segmenter, propagators, cuts=[2])
    assert scores.objects[0].j.mean == pytest.approx(1 / 3)


def test_each_of_several_objects_counts_by_itself(tmp_path: Path) -> None:
    """As in DAVIS-2017: one object stays, one leaves after two frames, some pixels are void."""
    both = np.where(square(2), 1, np.where(square(40), 2, 0)).astype(np.uint8)
    void = np.where(square(2, side=4), 255, both).astype(np.uint8)
    left = np.where(both == 2, 0, both).astype(np.uint8)
    write_maps(tmp_path, "two", [palette_map(values) for values in (both, void, left, left)])
    (sequence,) = read_davis(tmp_path)
    source = FakeSource(4, SIZE)
    start = first_masks(sequence, source, FakeSegmenter(), "mask")
    scores = track_sequence(sequence, source, start, FakeSegmenter(), FakePropagators())
    assert [(scored.object_id, scored.j.mean) for scored in scores.objects] == [
        ("1", 1),
        ("2", 0.5),
    ]
    assert mean_scores([scores])["J"] == 0.75


def test_masks_are_written_with_the_numbers_of_the_annotation(tmp_path: Path) -> None:
    index_map = np.where(square(2), 1, np.where(square(40), 3, 0)).astype(np.uint8)
    write_maps(tmp_path, "secret", [palette_map(index_map)], pictures=4)
    (sequence,) = read_davis(tmp_path)
    source = FakeSource(4, SIZE)
    start = first_masks(sequence, source, FakeSegmenter(), "mask")
    out = tmp_path / "masks" / "secret"
    scores = track_sequence(sequence, source, start, FakeSegmenter(), FakePropagators(), masks=out)
    assert (scores.objects, mean_scores([scores])) == ((), {})
    assert [path.name for path in sorted(out.iterdir())] == [f"{at:05d}.png" for at in range(4)]
    for path in out.iterdir():
        np.testing.assert_array_equal(read_indexed_png(path), index_map)


def test_flow_follows_a_moving_texture() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 4)

    def picture(shift: int) -> tuple[np.ndarray, Mask]:
        mask = np.zeros((120, 160), bool)
        mask[40:80, 60 - shift : 100 - shift] = True
        return texture[:120, shift : shift + 160].copy(), mask

    propagator = FlowPropagator()
    image, mask = picture(0)
    propagator.step(image, {"square": mask})
    for shift in range(2, 42, 2):
        image, mask = picture(shift)
        probabilities = propagator.step(image)
    assert probabilities.shape == (2, 120, 160)
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
    assert region_similarity(mask, probabilities.argmax(0) == 1) > 0.9
