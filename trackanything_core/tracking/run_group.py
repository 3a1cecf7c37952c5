"""Follow the objects of a group over their span and keep the masks.

What a mask follows from: the pictures, the anchors of its own span (passes start from those that
show the object, and remember the others for good), the other objects of its group with theirs,
and as context the up-to-date masks of objects older than all of the group. It never depends on
newer objects, nor on the order in which a human said all this. An edit of an object in the
context makes no mask stale: nobody who corrects one object wants another to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import CheckpointError, VideoError
from trackanything_core.models.base import (
    Propagator,
    PropagatorFactory,
    ResumablePropagator,
    ResumablePropagatorFactory,
)
from trackanything_core.tracking.assess import score_mask
from trackanything_core.tracking.blend import blend
from trackanything_core.tracking.compose import owned_masks
from trackanything_core.tracking.examine import Examination, Finding
from trackanything_core.tracking.group import Group
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.refine import Refiner
from trackanything_core.tracking.soft_mask_file import SoftMaskFile
from trackanything_core.types import FrameIndex, Image, Mask, ObjectId
from trackanything_core.video.base import FrameSource


@dataclass(frozen=True, slots=True, eq=False)
class RunState:
    """A run between two steps.

    Attributes:
        done: steps taken.
        propagator: the state of the pass that is under way; None between two passes.
        examination: what was found in that pass so far, as JSON; None between two passes.
        soft_masks: packed, by frame, of the pass that the last one is blended with. Read once.
    """

    done: int
    propagator: bytes | None
    examination: Mapping[str, Any] | None
    soft_masks: Iterable[tuple[FrameIndex, bytes]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a pass.

    Attributes:
        frame: where.
        finished: the objects whose mask was stale there and is no longer.
    """

    frame: FrameIndex
    finished: tuple[ObjectId, ...] = ()


class GroupRun:
    """The passes of a group, step by step.

    Args:
        source: the video.
        propagators: makes one for each pass.
        group: what to follow.
        known: anchors and context are read from it, masks are written to it as they come.
        refiner: improves doubtful masks; None leaves all as they are propagated.
        resumed: where to go on; None starts at the first pass.

    Attributes:
        group: what is followed.
        done: steps taken.

    Raises:
        CheckpointError: `resumed` is damaged or was made with other weights.
    """

    def __init__(
        self,
        source: FrameSource,
        propagators: PropagatorFactory,
        group: Group,
        known: KnownMasks,
        refiner: Refiner | None = None,
        resumed: RunState | None = None,
    ) -> None:
        self.group = group
        self.done = 0 if resumed is None else resumed.done
        self._source = source
        self._propagators = propagators
        self._known = known
        self._refiner = refiner
        self._resumed = resumed
        self._examination = Examination(group.objects, refiner)
        if resumed is not None and resumed.examination is not None:
            self._examination.restore(resumed.examination)
        self._propagator: Propagator | None = None
        if resumed is not None and resumed.propagator is not None:
            if not isinstance(propagators, ResumablePropagatorFactory):
                raise CheckpointError(f"{propagators.name} cannot resume a pass: start it anew")
            self._propagator = propagators.resume(resumed.propagator)
        self._earlier = SoftMaskFile()
        self._saved = 0  # how many of its soft masks are in a safe place

    def steps(self) -> Iterator[Step]:
        """Take the steps.

        Yields:
            Each step once it is done. Ends as soon as an edit has put the group out of date.

        Raises:
            VideoError: a picture cannot be read, or has another size than the video.
            CheckpointError: what the run is resumed from went in the meantime.
        """
        with closing(self._earlier):
            if self._resumed is not None:
                for frame, packed in self._resumed.soft_masks:
                    self._earlier.put_packed(frame, packed)
                self.saved()
            before = 0
            for frames in self.group.passes:
                if self.done < before + len(frames):
                    yield from self._run_pass(frames, self.done - before)
                    if self.done < before + len(frames):
                        return
                before += len(frames)

    def state(self) -> RunState:
        """What it takes to go on from here, beside the soft masks that were saved already.

        To be called between two steps.
        """
        is_between = self.done in (0, *accumulate(map(len, self.group.passes)))
        propagator = examination = None
        if not is_between:
            examination = self._examination.state()
            assert isinstance(self._propagator, ResumablePropagator)  # `Runs` saw to that
            propagator = self._propagator.state()
        unsaved = self._earlier.frames[self._saved :]
        soft_masks = ((frame, self._earlier.packed(frame)) for frame in unsaved)
        return RunState(self.done, propagator, examination, soft_masks)

    def saved(self) -> None:
        """Say that `state` is in a safe place as it is now."""
        self._saved = len(self._earlier.frames)

    def _run_pass(self, frames: range, skipped: int) -> Iterator[Step]:
        group, known, is_final = self.group, self._known, frames == self.group.passes[-1]
        for frame, probabilities, findings in self._follow(frames, skipped):
            finished: tuple[ObjectId, ...] = ()
            if frame in group.span.frames:
                if not is_final:
                    self._earlier.put(frame, probabilities)
                elif len(group.passes) > 1:
                    start, end = group.passes[0].start, frames.start
                    nearness = (end - frame) / (end - start)
                    probabilities = blend(self._earlier.get(frame), probabilities, nearness)
                    findings = _scored_again(group, probabilities, findings)
                finished = _keep(known, group, frame, probabilities, findings, final=is_final)
            self.done += 1
            yield Step(frame, finished)

    def _follow(
        self, frames: range, skipped: int
    ) -> Iterator[tuple[FrameIndex, npt.NDArray[np.float32], dict[ObjectId, Finding]]]:
        """Probabilities (N + 1, H, W) for the members in order, on the frames not skipped.

        With what was found of each member on the frames of the span.
        """
        group, known, source = self.group, self._known, self._source
        if not _is_current(group, known):
            return
        given: dict[ObjectId, Mask] | None = None
        if not skipped:
            self._propagator = self._start_pass(frames)
            self._examination = Examination(group.objects, self._refiner)
            given = _anchored(known, group, frames.start)
        propagator = self._propagator
        assert propagator is not None
        for frame, image in source.iterate(frames[skipped], frames.stop, frames.step):
            context, last = known.context(frame, group.objects[0]), frame == frames[-1]
            probabilities = propagator.step(
                _checked(image, frame, source), given, context=context, last=last
            )
            given = None
            rows = [propagator.object_ids.index(name) + 1 for name in group.objects]
            probabilities = probabilities[[0, *rows]]
            findings: dict[ObjectId, Finding] = {}
            if frame in group.span.frames:
                probabilities, findings = self._examination.examine(
                    image, probabilities, propagator, context, last=last
                )
            yield frame, probabilities, findings
            if not _is_current(group, known):
                return

    def _start_pass(self, frames: range) -> Propagator:
        """A propagator that remembers the anchors that no pass starts from."""
        propagator = self._propagators.start()
        for anchor in self.group.span.remembered:
            image = _checked(self._source.read(anchor.frame), anchor.frame, self._source)
            masks = _anchored(self._known, self.group, anchor.frame)
            propagator.remember(image, masks, step=(anchor.frame - frames.start) * frames.step)
        return propagator


def _is_current(group: Group, known: KnownMasks) -> bool:
    return all(span in known[name].spans for name, span in group.members)


def _anchored(known: KnownMasks, group: Group, frame: FrameIndex) -> dict[ObjectId, Mask]:
    stored = {name: known[name].get(frame) for name in group.objects}
    return {name: mask.decode() for name, mask in stored.items() if mask}


def _keep(
    known: KnownMasks,
    group: Group,
    frame: FrameIndex,
    probabilities: npt.NDArray[np.float32],
    findings: Mapping[ObjectId, Finding],
    *,
    final: bool,
) -> tuple[ObjectId, ...]:
    masks = owned_masks(probabilities)
    scores = [findings[name].score for name in group.objects]
    with known.together():
        return tuple(
            name
            for (name, span), mask, score in zip(group.members, masks, scores, strict=True)
            if known[name].track(frame, span, mask, score, findings[name].record(), final=final)
        )


def _scored_again(
    group: Group,
    probabilities: npt.NDArray[np.float32],
    findings: Mapping[ObjectId, Finding],
) -> dict[ObjectId, Finding]:
    """Findings with the scores of blended masks."""
    masks = owned_masks(probabilities)
    return {
        name: replace(findings[name], score=score_mask(probability, mask))
        for name, probability, mask in zip(group.objects, probabilities[1:], masks, strict=True)
    }


def _checked(image: Image, frame: FrameIndex, source: FrameSource) -> Image:
    if image.shape[:2] != source.size:
        height, width = source.size
        raise VideoError(
            f"expected {width}x{height} pixels, the size of the video, on frame {frame}, got "
            f"{image.shape[1]}x{image.shape[0]}: convert the video to one size"
        )
    return image
