"""Follow the objects of a group over their span and keep the masks.

What a mask follows from: the pictures, the anchors of its own span (passes start from those that
show the object, and remember the others for good), the other objects of its group with theirs,
and as context the up-to-date masks of objects older than all of the group. It never depends on
newer objects, nor on the order in which a human said all this. An edit of an object in the
context makes no mask stale: nobody who corrects one object wants another to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import VideoError
from trackanything_core.models.base import PropagatorFactory
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


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a pass.

    Attributes:
        frame: where.
        finished: the objects whose mask was stale there and is no longer.
    """

    frame: FrameIndex
    finished: tuple[ObjectId, ...] = ()


def run_group(
    source: FrameSource,
    propagators: PropagatorFactory,
    group: Group,
    known: KnownMasks,
    refiner: Refiner | None = None,
) -> Iterator[Step]:
    """Run the passes of a group.

    Args:
        source: the video.
        propagators: makes one for each pass.
        group: what to follow.
        known: anchors and context are read from it, masks are written to it as they come.
        refiner: improves doubtful masks; None leaves all as they are propagated.

    Yields:
        Each step once it is done. Ends as soon as an edit has put the group out of date.

    Raises:
        VideoError: a picture cannot be read, or has another size than the video.
    """
    *forward, final = group.passes
    with closing(SoftMaskFile()) as earlier:
        for frames in forward:
            passing = _run_pass(source, propagators, group, known, frames, refiner)
            for frame, probabilities, findings in passing:
                if frame in group.span.frames:
                    earlier.put(frame, probabilities)
                    _keep(known, group, frame, probabilities, findings, final=False)
                yield Step(frame)
        passing = _run_pass(source, propagators, group, known, final, refiner)
        for frame, probabilities, findings in passing:
            if frame not in group.span.frames:
                yield Step(frame)
                continue
            if forward:
                nearness = (final.start - frame) / (final.start - forward[0].start)
                probabilities = blend(earlier.get(frame), probabilities, nearness)
                findings = _scored_again(group, probabilities, findings)
            yield Step(frame, _keep(known, group, frame, probabilities, findings, final=True))


def _run_pass(
    source: FrameSource,
    propagators: PropagatorFactory,
    group: Group,
    known: KnownMasks,
    frames: range,
    refiner: Refiner | None,
) -> Iterator[tuple[FrameIndex, npt.NDArray[np.float32], dict[ObjectId, Finding]]]:
    """Probabilities (N + 1, H, W) for the members in order, on each frame from the anchor on.

    With what was found of each member on the frames of the span.
    """
    if not _is_current(group, known):
        return
    propagator = propagators.start()
    examination = Examination(group.objects, refiner)
    for anchor in group.span.remembered:
        image = _checked(source.read(anchor.frame), anchor.frame, source)
        masks = _anchored(known, group, anchor.frame)
        propagator.remember(image, masks, step=(anchor.frame - frames.start) * frames.step)
    given: dict[ObjectId, Mask] | None = _anchored(known, group, frames.start)
    for frame, image in source.iterate(frames.start, frames.stop, frames.step):
        context, last = known.context(frame, group.objects[0]), frame == frames[-1]
        probabilities = propagator.step(
            _checked(image, frame, source), given, context=context, last=last
        )
        given = None
        rows = [propagator.object_ids.index(name) + 1 for name in group.objects]
        probabilities = probabilities[[0, *rows]]
        findings: dict[ObjectId, Finding] = {}
        if frame in group.span.frames:
            probabilities, findings = examination.examine(
                image, probabilities, propagator, context, last=last
            )
        yield frame, probabilities, findings
        if not _is_current(group, known):
            return


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
    return tuple(
        name
        for (name, span), mask in zip(group.members, masks, strict=True)
        if known[name].track(
            frame, span, mask, findings[name].score, findings[name].record(), final=final
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
