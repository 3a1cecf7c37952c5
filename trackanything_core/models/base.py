"""What tracking asks of a model, whatever network stands behind it. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from trackanything_core.types import Box, Click, Image, Mask, ObjectId, SoftMask


class Embedding(Protocol):
    """The costly part of segmenting one picture; opaque, reusable, made once per frame."""

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the picture in pixels."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds, for byte-bounded caches."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """A segmenter's answer for one object on one picture.

    Attributes:
        mask: (H, W) bool, at the size of the picture.
        score: the network's own estimate of the mask's IoU, 0..1.
        low_res_logits: (h, w) float32, unbounded; feed it back with the next click.
    """

    mask: Mask
    score: float
    low_res_logits: npt.NDArray[np.float32]


class Segmenter(Protocol):
    """Prompts on one picture → a mask (SAM, arXiv 2304.02643)."""

    @property
    def name(self) -> str:
        """Registry name of the weights in use."""

    def embed(self, image: Image) -> Embedding:
        """Encode a picture, (H, W, 3) uint8 RGB, once for any number of prompts."""

    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        """Answer clicks, a box and a mask prompt together; at least one must be given.

        One click alone is ambiguous: several masks are weighed and the best is returned.

        Raises:
            PromptError: a point or box lies outside the picture, or nothing was given.
        """

    def mask_to_logits(self, mask: Mask) -> npt.NDArray[np.float32]:
        """Turn a mask at picture size into the mask prompt that `segment` takes."""

    def logits_to_soft_mask(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> SoftMask:
        """Turn the low-resolution logits of an answer into probabilities at picture size.

        Args:
            logits: (h, w) float32, as `segment` gave them.
            image_size: (height, width) in pixels of the picture that they are of.

        Returns:
            (H, W) float32 in 0..1; above one half where the answer's mask is.
        """


@runtime_checkable
class CarefulSegmenter(Segmenter, Protocol):
    """A segmenter that takes its time; `quick` is for many pictures, one after another."""

    @property
    def quick(self) -> Segmenter:
        """The same network, in less time and less sure."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the newest answer of a propagator rests on.

    Attributes:
        affinity: (N, h, w) float32 in 0..1 on a grid of any size over the picture, objects in the
            order of `object_ids`: the share of what each cell found in memory that lay on the
            object. Unlike the answer it is not made sharp by a decoder.
    """

    affinity: npt.NDArray[np.float32]


class Propagator(Protocol):
    """One pass over a video in one direction (XMem, arXiv 2207.07115).

    Holds the memory of that pass. Frames are fed in the order of the pass; to go backwards,
    feed them backwards. A fresh pass needs a fresh propagator (see `PropagatorFactory`).
    Equal calls in equal order give answers that are equal to the bit.
    """

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        """The objects known so far, in the order of the rows of `step`'s answer."""

    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        """Keep a frame in permanent memory: every later step reads it, and it is never dropped.

        Args:
            image: (H, W, 3) uint8 RGB, of the size of the frames of the pass.
            masks: masks (H, W) that a human gave or confirmed on it. New names are new objects.
            step: where the frame lies, in steps from the first frame of the pass, which is 0;
                negative before it. The frame need not be one of the pass.
        """

    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        """Take the next frame and say where the objects are.

        Args:
            image: (H, W, 3) uint8 RGB; every frame of a pass has the same size.
            given: masks (H, W) that a human gave or confirmed on this frame. New names are
                new objects; on a known name the mask replaces the prediction.
            context: (H, W) in 0..1, how surely each pixel belongs to objects that this pass does
                not follow. They compete for it as one, and count as background in the answer.
            last: nothing will follow, so memory need not be written.

        Returns:
            (N + 1, H, W) float32 in 0..1, summing to 1 over the first axis: background,
            then the N objects in the order of `object_ids`.
        """

    def evidence(self) -> Evidence | None:
        """What the newest step's answer rests on; None where nothing was predicted in it."""

    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        """Remember the newest frame with better masks than the step answered.

        Call it after a `step` that was not the last, before the next one.

        Args:
            masks: (H, W) for each object known by now.
        """


class PropagatorFactory(Protocol):
    """Weights loaded once; a propagator for each pass."""

    @property
    def name(self) -> str:
        """Registry name of the weights in use."""

    def start(self) -> Propagator:
        """A propagator with an empty memory."""


@runtime_checkable
class SearchingPropagator(Propagator, Protocol):
    """A propagator that can look for objects which may not be there."""

    def look(self, image: Image, *, context: SoftMask | None = None) -> npt.NDArray[np.float32]:
        """Take the next frame and keep nothing of it, so that an error leads to no other.

        Arguments and answer as for `step`; the answer rests on what was remembered, and
        `evidence` tells of it.
        """


@runtime_checkable
class ResumablePropagator(Propagator, Protocol):
    """A propagator whose pass can be left in the middle, and gone on with by another program."""

    def state(self) -> bytes:
        """All that the pass knows, between two steps; bounded as its memory is.

        `ResumablePropagatorFactory.resume` makes a propagator of it that goes on identically.
        """


@runtime_checkable
class ResumablePropagatorFactory(PropagatorFactory, Protocol):
    """A factory whose propagators survive their program."""

    def start(self) -> ResumablePropagator:
        """A propagator with an empty memory."""

    def resume(self, state: bytes) -> ResumablePropagator:
        """A propagator that goes on where one was that gave this state.

        On the same kind of device its answers are equal to the bit.

        Raises:
            CheckpointError: the state is damaged, or was made with other weights or settings.
        """
