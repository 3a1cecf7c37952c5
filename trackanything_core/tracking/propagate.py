"""One pass over the video: feed the frames, keep the masks."""

from __future__ import annotations

from collections.abc import Iterator

from trackanything_core.models.base import Propagator
from trackanything_core.tracking.compose import compose, confidence
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.plan import Pass
from trackanything_core.types import FrameIndex
from trackanything_core.video.base import FrameSource


def run_pass(
    source: FrameSource, propagator: Propagator, planned: Pass, known: KnownMasks
) -> Iterator[FrameIndex]:
    """Follow the objects of a pass and write their masks into `known`.

    The propagator is told every anchor on the way. In a pass that completes an earlier one it is
    also told where all objects are on its first frame, so that they compete for pixels from there.

    Args:
        source: the video.
        propagator: with an empty memory.
        planned: the frames, and where each object comes in; it has a mask there.
        known: anchors are read from it, tracked masks are written to it.

    Yields:
        Each frame, once its masks are known.
    """
    frames = planned.frames
    for frame, image in source.iterate(frames.start, frames.stop, frames.step):
        told = {
            object_id
            for object_id, entry in planned.entries.items()
            if frame == entry or known.anchors.get(frame, object_id)
        }
        waiting = {
            object_id
            for object_id, entry in planned.entries.items()
            if (entry - frame) * frames.step > 0
        }
        fixed = {
            object_id: stored.decode()
            for object_id in planned.entries
            if object_id in told or (planned.completes and object_id in waiting)
            if (stored := known.get(frame, object_id))
        }
        given = {
            object_id: mask
            for object_id, mask in fixed.items()
            if object_id in told or frame == frames[0]
            # An empty mask says nothing about an object that the propagator has yet to meet.
            if object_id in propagator.object_ids or mask.any()
        }
        probabilities = propagator.step(image, given, last=frame == frames[-1])
        masks = compose(probabilities, propagator.object_ids, fixed)
        scores = {
            object_id: confidence(probabilities[row], masks[object_id])
            for row, object_id in enumerate(propagator.object_ids, start=1)
            if object_id in masks
        }
        known.track(frame, masks, scores)
        yield frame
