"""Tracks a sequence whose truth is known, and measures the result.

The convention is that of the semi-supervised DAVIS challenge: the first frame is given and the
last is left out, so frames 1..T-2 of 0..T-1 count; each object is measured by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trackanything_core.evaluation.davis import DavisSequence
from trackanything_core.evaluation.jf import (
    Statistics,
    boundary_accuracy,
    region_similarity,
    statistics,
)
from trackanything_core.export.davis import DavisWriter
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.tracking.refine import RefineSettings
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
    """How well the objects of one sequence were tracked, and in how many seconds.

    `refined` is the share of the computed masks that were refined, 0..1.
    There is none of a test set's objects, whose truth is kept secret.
    """

    name: str
    frames: int
    seconds: float
    refined: float
    objects: tuple[ObjectScores, ...]


def track_sequence(
    sequence: DavisSequence,
    source: FrameSource,
    start: Mapping[ObjectId, Mask],
    segmenter: Segmenter,
    propagators: PropagatorFactory,
    progress: Callable[[int, int], None] | None = None,
    cuts: Sequence[FrameIndex] = (),
    masks: Path | None = None,
    refine: RefineSettings | None = None,
) -> SequenceScores:
    """Track a sequence forward from masks on its first frame and measure it.

    Args:
        sequence: gives the truth.
        source: its pictures.
        start: (H, W) bool for each object of the sequence; an empty one counts as lost throughout.
        segmenter: belongs to every session; it is asked where masks are refined.
        propagators: what is measured.
        progress: called after each frame with the frames done and the frames to do.
        cuts: the first frames of new shots, over which nothing is carried.
        masks: folder for an index map of each frame, as evaluation servers take them.
        refine: see `Session`; None measures what is propagated.

    Returns:
        The scores; the seconds are those of tracking alone.
    """
    session = Session(source, segmenter, propagators, cuts=cuts, refine=refine)
    for object_id, mask in start.items():
        session.prompt(Prompt(object_id, 0, mask=mask))
    seconds = 0.0
    if any(mask.any() for mask in start.values()):
        began = time.perf_counter()
        for _ in session.propagate("forward", progress=progress):
            pass
        seconds = time.perf_counter() - began
    if masks is not None:
        _write_masks(sequence, session, masks)
    return SequenceScores(
        name=sequence.name,
        frames=len(sequence),
        seconds=seconds,
        refined=_share_refined(session),
        objects=_measure(sequence, session, start) if sequence.is_measurable else (),
    )


def _share_refined(session: Session) -> float:
    """The share of the computed masks that were refined, 0..1."""
    frames = range(len(session.source))
    records = [r for frame in frames for r in session.frame_masks(frame).records.values()]
    refined = sum(record["decision"] == "refined" for record in records)
    return refined / len(records) if records else 0.0


def mean_scores(sequences: Sequence[SequenceScores]) -> dict[str, float]:
    """J, F and J&F over all objects of all sequences, 0..1; empty where nothing was measured."""
    objects = [scored for sequence in sequences for scored in sequence.objects]
    if not objects:
        return {}
    j = float(np.mean([scored.j.mean for scored in objects]))
    f = float(np.mean([scored.f.mean for scored in objects]))
    return {"J": j, "F": f, "J&F": (j + f) / 2}


def _measure(
    sequence: DavisSequence, session: Session, start: Mapping[ObjectId, Mask]
) -> tuple[ObjectScores, ...]:
    first = sequence.truth(0)
    measured = [_measure_frame(sequence, session, at) for at in range(1, len(sequence) - 1)]
    return tuple(
        ObjectScores(
            object_id=name,
            first_iou=region_similarity(first.masks[name], start[name], first.void),
            j=statistics([scores[name][0] for scores in measured]),
            f=statistics([scores[name][1] for scores in measured]),
        )
        for name in sequence.objects
    )


def _measure_frame(
    sequence: DavisSequence, session: Session, frame: FrameIndex
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


def _write_masks(sequence: DavisSequence, session: Session, folder: Path) -> None:
    # An index map numbers objects as the annotation does, where a number may be missing.
    numbers = range(1, 1 + max(map(int, sequence.objects)))
    writer = DavisWriter(folder, [str(number) for number in numbers], session.source.size)
    for frame in range(len(sequence)):
        writer.write(frame, session.frame_masks(frame).masks)
