"""Follow the objects of a group over their span and keep the masks.

What a mask follows from: the pictures, the anchors of its own span (passes start from those that
show the object, and remember the others for good), the other objects of its group with theirs,
and as context the up-to-date masks of objects older than all of the group. It never depends on
newer objects, nor on the order in which a human said all this. An edit of an object in the
context makes no mask stale: nobody who corrects one object wants another to change.

A shot without anchors is searched: the pass starts from nothing but what is remembered, and
`Search` says what counts.
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
    SearchingPropagator,
)
from trackanything_core.tracking.assess import score_mask
from trackanything_core.tracking.blend import blend
from trackanything_core.tracking.compose import owned_masks
from trackanything_core.tracking.examine import Examination, Finding
from trackanything_core.tracking.group import Group
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.refine import Refiner
from trackanything_core.tracking.search import TRUSTED_SCORE, Search
from trackanything_core.tracking.soft_mask_file import SoftMaskFile
from trackanything_core.types import FrameIndex, Image, Mask, ObjectId, SoftMask
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
        frames: where there may be news.
        finished: the objects whose mask was stale there and is no longer, once for each frame.
    """

    frames: tuple[FrameIndex, ...]
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
        self._resumed = resumed
        # Of most masks in a shot that is searched the segmenter could say nothing.
        self._refiner = None if group.span.is_search else refiner
        self._examination = Examination(group.objects, self._refiner)
        self._search = Search(group.objects) if group.span.is_search else None
        if resumed is not None and resumed.examination is not None:
            self._examination.restore(resumed.examination)
            if self._search is not None:
                self._search.restore(resumed.examination["search"])
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
            if self._search is not None:
                examination["search"] = self._search.state()
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
            if self._search is not None:
                self.done += 1
                yield self._decide(self._search, frame, ended=frame == frames[-1])
                continue
            if frame in group.span.frames:
                if not is_final:
                    self._earlier.put(frame, probabilities)
                elif len(group.passes) > 1:
                    start, end = group.passes[0].start, frames.start
                    nearness = (end - frame) / (end - start)
                    probabilities = blend(self._earlier.get(frame), probabilities, nearness)
                    findings = _scored_again(group, probabilities, findings)
                masks = dict(zip(group.objects, owned_masks(probabilities), strict=True))
                finished = _keep(known, group, frame, masks, findings, final=is_final)
            self.done += 1
            yield Step((frame,), finished)

    def _decide(self, search: Search, frame: FrameIndex, *, ended: bool) -> Step:
        """Keep what is found on the frames of which that can be said after this one."""
        frames: list[FrameIndex] = []
        finished: list[ObjectId] = []
        for found in search.decide(ended=ended):
            frames.append(found.frame)
            finished += _keep(
                self._known, self.group, found.frame, found.masks, found.findings, final=True
            )
        return Step(tuple(frames) or (frame,), tuple(finished))

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
            given = _stored(known, group, frames.start) if self._search is None else None
        if self._search is not None:
            for _, memory, masks in self._memories():
                self._search.remember(memory, masks)
        propagator = self._propagator
        assert propagator is not None
        for frame, image in source.iterate(frames[skipped], frames.stop, frames.step):
            context, last = known.context(frame, group.objects[0]), frame == frames[-1]
            image = _checked(image, frame, source)
            if self._search is not None:
                probabilities = _look(propagator, image, context, group)
            else:
                probabilities = propagator.step(image, given, context=context, last=last)
                probabilities = _rows_of(group, propagator, probabilities)
                given = None
            findings: dict[ObjectId, Finding] = {}
            if frame in group.span.frames:
                probabilities, findings = self._examination.examine(
                    image, probabilities, propagator, context, last=last
                )
            if self._search is not None:
                masks = dict(zip(group.objects, owned_masks(probabilities), strict=True))
                self._search.take(frame, image, masks, findings)
            yield frame, probabilities, findings
            if not _is_current(group, known):
                return

    def _start_pass(self, frames: range) -> Propagator:
        """A propagator that remembers the anchors that no pass starts from."""
        propagator = self._propagators.start()
        for frame, image, masks in self._memories():
            propagator.remember(image, masks, step=(frame - frames.start) * frames.step)
        return propagator

    def _memories(self) -> Iterator[tuple[FrameIndex, Image, dict[ObjectId, Mask]]]:
        """What every pass remembers: frames, their pictures, and the members' masks on them."""
        group, known = self.group, self._known
        trusted = (frame for frame in group.span.recalled if _is_trusted(known, group, frame))
        anchored = (anchor.frame for anchor in group.span.remembered)
        for frame in sorted({*anchored, *trusted}):
            image = _checked(self._source.read(frame), frame, self._source)
            yield frame, image, _stored(known, group, frame)


def _is_current(group: Group, known: KnownMasks) -> bool:
    return all(span in known[name].spans for name, span in group.members)


def _stored(known: KnownMasks, group: Group, frame: FrameIndex) -> dict[ObjectId, Mask]:
    stored = {name: known[name].get(frame) for name in group.objects}
    return {name: mask.decode() for name, mask in stored.items() if mask}


def _is_trusted(known: KnownMasks, group: Group, frame: FrameIndex) -> bool:
    """Whether the tracked masks of all members on a frame show them well."""
    stored = [known[name].get(frame) for name in group.objects]
    return all(mask and mask.area and mask.score >= TRUSTED_SCORE for mask in stored)


def _rows_of(
    group: Group, propagator: Propagator, probabilities: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Background and the members in order."""
    rows = [propagator.object_ids.index(name) + 1 for name in group.objects]
    return probabilities[[0, *rows]]


def _look(
    propagator: Propagator, image: Image, context: SoftMask | None, group: Group
) -> npt.NDArray[np.float32]:
    """Probabilities (N + 1, H, W) on a frame of a shot to search."""
    if isinstance(propagator, SearchingPropagator):
        return _rows_of(group, propagator, propagator.look(image, context=context))
    nothing = np.zeros((1 + len(group.objects), *image.shape[:2]), np.float32)
    nothing[0] = 1
    return nothing


def _keep(
    known: KnownMasks,
    group: Group,
    frame: FrameIndex,
    masks: Mapping[ObjectId, Mask],
    findings: Mapping[ObjectId, Finding],
    *,
    final: bool,
) -> tuple[ObjectId, ...]:
    with known.together():
        return tuple(
            name
            for name, span in group.members
            if known[name].track(
                frame,
                span,
                masks[name],
                findings[name].score,
                findings[name].record(),
                final=final,
            )
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
