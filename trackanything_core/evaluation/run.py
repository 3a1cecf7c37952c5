"""Tracks a sequence whose truth is known, and measures the result.

The convention is that of the semi-supervised DAVIS challenge: the first frame is given and the
last is left out, so frames 1..T-2 of 0..T-1 count; each object is measured by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trackanything_core.evaluation.davis import DavisSequence
from trackanything_core.evaluation.jf import (
    Statistics,
    boundary_accuracy,
    region_similarity,
    statistics,
)
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Mask, ObjectId, Prompt
from trackanything_core.video.base import FrameSource

CONVENTION = "DAVIS semi-supervised: first and last frame left out, means over objects"


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """How well one object was tracked, and the IoU of the mask it started from, 0..1."""

    object_id: ObjectId
    first_iou: float
    j: Statistics
    f: Statistics

    @property
    def jf(self) -> float:
        """J&F: the mean of J and F, 0..1."""
        return (self.j.mean + self.f.mean) / 2


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """How well the objects of one sequence were tracked, and in how many seconds."""

    name: str
    frames: int
    seconds: float
    objects: tuple[ObjectScores, ...]


def track_sequence(
    sequence: DavisSequence,
    source: FrameSource,
    start: Mapping[ObjectId, Mask],
    segmenter: Segmenter,
    propagators: PropagatorFactory,
    progress: Callable[[int, int], None] | None = None,
    cuts: Sequence[FrameIndex] = (),
) -> SequenceScores:
    """Track a sequence forward from masks on its first frame and measure it.

    Args:
        sequence: gives the truth.
        source: its pictures.
        start: (H, W) bool for each object of the sequence; an empty one counts as lost throughout.
        segmenter: belongs to every session; it is not asked to segment here.
        propagators: what is measured.
        progress: called after each frame with the frames done and the frames to do.
        cuts: the first frames of new shots, over which nothing is carried.

    Returns:
        The scores; the seconds are those of tracking alone.
    """
    session = Session(source, segmenter, propagators, cuts=cuts)
    for object_id, mask in start.items():
        session.prompt(Prompt(object_id, 0, mask=mask))
    seconds = 0.0
    if any(mask.any() for mask in start.values()):
        began = time.perf_counter()
        for _ in session.propagate("forward", progress=progress):
            pass
        seconds = time.perf_counter() - began
    first = sequence.truth(0)
    measured = [_measure(sequence, session, frame) for frame in range(1, len(sequence) - 1)]
    return SequenceScores(
        name=sequence.name,
        frames=len(sequence),
        seconds=seconds,
        objects=tuple(
            ObjectScores(
                object_id=name,
                first_iou=region_similarity(first.masks[name], start[name], first.void),
                j=statistics([scores[name][0] for scores in measured]),
                f=statistics([scores[name][1] for scores in measured]),
            )
            for name in sequence.objects
        ),
    )


def mean_scores(sequences: Sequence[SequenceScores]) -> dict[str, float]:
    """J, F and J&F over all objects of all sequences, 0..1."""
    objects = [scored for sequence in sequences for scored in sequence.objects]
    j = float(np.mean([scored.j.mean for scored in objects]))
    f = float(np.mean([scored.f.mean for scored in objects]))
    return {"J": j, "F": f, "J&F": (j + f) / 2}


def _measure(
    sequence: DavisSequence, session: Session, frame: int
) -> dict[ObjectId, tuple[float, float]]:
    truth = sequence.truth(frame)
    scores = {}
    for object_id, true in truth.masks.items():
        found = session.mask(frame, object_id)
        if found is None:
            found = np.zeros_like(true)
        j = region_similarity(true, found, truth.void)
        scores[object_id] = j, boundary_accuracy(true, found, truth.void)
    return scores
