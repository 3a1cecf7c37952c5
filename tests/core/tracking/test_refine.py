"""The segmenter is asked about doubtful masks, and believed only where both agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from tests.fakes import FakeEmbedding, FakePropagator
from trackanything_core.models.base import Embedding, Segmentation
from trackanything_core.tracking.examine import Examination
from trackanything_core.tracking.refine import Refiner, RefineSettings
from trackanything_core.types import Box, Click, Image, Mask, SoftMask

SIZE = (60, 80)
IMAGE = np.zeros((*SIZE, 3), np.uint8)
NOTHING = np.zeros(SIZE, np.float32)


def disc(x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    mask: Mask = np.hypot(columns - x, rows - y) <= radius
    return mask


def soft(mask: Mask, by: float = 0.6) -> SoftMask:
    return np.where(mask, by, 1 - by).astype(np.float32)


class Painter:
    """Answers every prompt with a mask that is marked in the picture."""

    name = "painter"

    def __init__(self, score: float = 0.9) -> None:
        self.score = score
        self.clicks: list[tuple[Click, ...]] = []

    def embed(self, image: Image) -> FakeEmbedding:
        self._marked = image[..., 0] > 0
        return FakeEmbedding((image.shape[0], image.shape[1]))

    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        assert mask_logits is not None
        self.clicks.append(tuple(clicks))
        return Segmentation(self._marked, self.score, self.mask_to_logits(self._marked))

    def mask_to_logits(self, mask: Mask) -> npt.NDArray[np.float32]:
        return np.where(mask, 4, -4).astype(np.float32)

    def logits_to_soft_mask(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> SoftMask:
        assert logits.shape == image_size
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def marked(mask: Mask) -> Image:
    image = IMAGE.copy()
    image[mask] = 255
    return image


def test_the_answer_moves_the_doubtful_border() -> None:
    painter = Painter()
    truth = disc(42, 30, 10)
    refined, decision = Refiner(painter, RefineSettings()).refine(
        marked(truth), soft(disc(40, 30, 10)), NOTHING
    )
    assert decision == "refined"
    assert refined is not None
    np.testing.assert_array_equal(refined > 0.5, truth)
    assert [click.positive for click in painter.clicks[0]] == [True]


@pytest.mark.parametrize(
    ("truth", "score", "decision"),
    [
        (disc(60, 30, 10), 0.9, "inconsistent"),
        (disc(40, 30, 10), 0.2, "unsure"),
        (disc(0, 0, 1), 0.9, "inconsistent"),
    ],
)
def test_what_does_not_agree_is_not_believed(truth: Mask, score: float, decision: str) -> None:
    refiner = Refiner(Painter(score), RefineSettings())
    answer = refiner.refine(marked(truth), soft(disc(40, 30, 10)), NOTHING)
    assert answer == (None, decision)


def test_other_objects_are_clicked_away_and_not_swallowed() -> None:
    painter = Painter()
    mask, other = disc(30, 30, 10), disc(48, 30, 6)
    answer = Refiner(painter, RefineSettings()).refine(
        marked(mask | other), soft(mask), other.astype(np.float32)
    )
    assert answer == (None, "swallows others")
    assert [click.positive for click in painter.clicks[0]] == [True, False]


def test_an_empty_mask_is_left_alone() -> None:
    answer = Refiner(Painter(), RefineSettings()).refine(IMAGE, NOTHING, NOTHING)
    assert answer == (None, "out of sight")


def examine(examination: Examination, probability: SoftMask, truth: Mask, **settings: bool):
    probabilities = np.stack([1 - probability, probability])
    propagator = FakePropagator()
    propagator.step(IMAGE, {"cat": truth})
    found, findings = examination.examine(
        marked(truth), probabilities, propagator, None, last=False
    )
    return found, findings["cat"]


def test_good_masks_are_not_looked_at_and_doubt_lasts() -> None:
    painter = Painter()
    examination = Examination(["cat"], Refiner(painter, RefineSettings(below=0.5, until=0.85)))
    mask = disc(40, 30, 10)
    decisions = []
    for by in (1.0, 0.6, 0.98, 1.0, 0.98):
        _, finding = examine(examination, soft(mask, by), mask)
        decisions.append(finding.decision)
        assert finding.score >= finding.score_before
    assert decisions == ["good", "refined", "refined", "good", "good"]
    assert len(painter.clicks) == 2


def test_without_a_refiner_masks_are_scored_and_stay() -> None:
    mask = disc(40, 30, 10)
    found, finding = examine(Examination(["cat"], None), soft(mask), mask)
    np.testing.assert_array_equal(found[1], soft(mask))
    assert finding.record() == {"score_before": round(finding.score, 4), "decision": "good"}


@pytest.mark.parametrize("remember", [True, False])
def test_memory_is_corrected_if_asked_for(remember: bool) -> None:
    corrected = []

    class Noting(FakePropagator):
        def correct(self, masks) -> None:
            corrected.append(masks)

    truth, propagator = disc(42, 30, 10), Noting()
    propagator.step(IMAGE, {"cat": truth})
    examination = Examination(["cat"], Refiner(Painter(), RefineSettings(remember=remember)))
    probability = soft(disc(40, 30, 10))
    found, _ = examination.examine(
        marked(truth), np.stack([1 - probability, probability]), propagator, None, last=False
    )
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
    assert len(corrected) == remember
    if remember:
        np.testing.assert_array_equal(corrected[0]["cat"], found[1])


def test_an_examination_goes_on_where_it_was() -> None:
    settings = RefineSettings(below=0.5, until=0.95)
    one, other = (Examination(["cat"], Refiner(Painter(), settings)) for _ in range(2))
    examine(one, soft(disc(40, 30, 10)), disc(42, 30, 10))
    other.restore(one.state())
    assert other.state() == one.state()
    assert one.state()["doubtful"] == ["cat"]
    answers = [
        examine(each, soft(disc(41, 30, 10), 0.9), disc(42, 30, 10)) for each in (one, other)
    ]
    assert answers[0][1] == answers[1][1]
    np.testing.assert_array_equal(answers[0][0], answers[1][0])
