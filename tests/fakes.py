"""Small stand-ins for a video and the networks, exact and quick.

They let tests of the flow (who is told what, on which frame) say precisely what must come out.
What the real networks make of real pictures is tested with the real networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import PromptError
from trackanything_core.models.base import Embedding, Evidence, Segmentation
from trackanything_core.types import Box, Click, FrameIndex, Image, Mask, ObjectId, SoftMask
from trackanything_core.video.base import FrameSource, check_frame


class FakeSource(FrameSource):
    """A video whose every pixel says the number of its frame; counts what is read."""

    def __init__(self, frames: int = 12, size: tuple[int, int] = (24, 32)) -> None:
        self._frames = frames
        self._size = size
        self.reads: list[FrameIndex] = []

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def times(self) -> Sequence[Fraction] | None:
        return None

    @property
    def fps(self) -> Fraction | None:
        return Fraction(25)

    def __len__(self) -> int:
        return self._frames

    def read(self, frame: FrameIndex) -> Image:
        check_frame(frame, self._frames)
        self.reads.append(frame)
        return np.full((*self._size, 3), frame, np.uint8)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class FakeEmbedding:
    image_size: tuple[int, int]
    nbytes: int = 1000


@dataclass
class FakeSegmenter:
    """A disc round each positive click, less discs round the negative ones."""

    name: str = "fake"
    radius: float = 4.0
    embedded: int = 0
    fed_back: list[float | None] = field(default_factory=list)

    def embed(self, image: Image) -> FakeEmbedding:
        self.embedded += 1
        return FakeEmbedding((image.shape[0], image.shape[1]))

    def segment(
        self,
        embedding: Embedding,
        *,
        clicks: Sequence[Click] = (),
        box: Box | None = None,
        mask_logits: npt.NDArray[np.float32] | None = None,
    ) -> Segmentation:
        if not clicks and box is None and mask_logits is None:
            raise PromptError("give a click, a box or a mask")
        self.fed_back.append(None if mask_logits is None else float(mask_logits.flat[0]))
        rows, columns = np.mgrid[: embedding.image_size[0], : embedding.image_size[1]]
        mask = np.zeros(embedding.image_size, bool)
        if box is not None:
            mask |= (columns >= box.x0) & (columns <= box.x1)
            mask &= (rows >= box.y0) & (rows <= box.y1)
        for click in sorted(clicks, key=lambda click: not click.positive):
            disc = np.hypot(columns - click.x, rows - click.y) <= self.radius
            mask = mask | disc if click.positive else mask & ~disc
        # The logits tell the answer from others, and follow from the prompt alone.
        return Segmentation(mask, 0.9, np.full((2, 2), len(clicks), np.float32))

    def mask_to_logits(self, mask: Mask) -> npt.NDArray[np.float32]:
        return np.full((2, 2), -float(mask.sum()), np.float32)

    def logits_to_soft_mask(
        self, logits: npt.NDArray[np.float32], image_size: tuple[int, int]
    ) -> SoftMask:
        return np.full(image_size, 1 / (1 + np.exp(-logits.flat[0])), np.float32)


class FakePropagator:
    """Objects stay where they were last given; the newest wins where they meet."""

    def __init__(self) -> None:
        self._masks: dict[ObjectId, Mask] = {}
        self.remembered: list[tuple[FrameIndex, tuple[ObjectId, ...], int]] = []
        self.steps: list[tuple[FrameIndex, tuple[ObjectId, ...], bool]] = []

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        return tuple(self._masks)

    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        self.remembered.append((int(image[0, 0, 0]), tuple(masks), step))

    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        for object_id, mask in (given or {}).items():
            self._masks[object_id] = mask > 0.5
        self.steps.append((int(image[0, 0, 0]), tuple(sorted(given or {})), last))
        probabilities = np.zeros((len(self._masks) + 1, *image.shape[:2]), np.float32)
        for row, mask in enumerate(self._masks.values(), start=1):
            probabilities[:, mask] *= 0.1
            probabilities[row, mask] = 0.9
        probabilities[0] = 1 - probabilities[1:].sum(0)
        return probabilities

    def evidence(self) -> Evidence | None:
        return None

    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        self._masks = {name: np.asarray(mask, np.float32) > 0.5 for name, mask in masks.items()}


@dataclass
class FakePropagators:
    name: str = "fake"
    started: list[FakePropagator] = field(default_factory=list)

    def start(self) -> FakePropagator:
        self.started.append(FakePropagator())
        return self.started[-1]


class TelltalePropagator:
    """Answers with noise that follows from all it was ever told, and from nothing else.

    So two equal answers mean equal pictures, masks, context and permanent memory, in equal order.
    """

    def __init__(self) -> None:
        self._told = hashlib.blake2b(digest_size=8)
        self._object_ids: list[ObjectId] = []

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        return tuple(self._object_ids)

    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        self._tell(f"remember {step}", image, masks)

    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        self._tell("step", image, given or {})
        self._told.update(b"" if context is None else context.tobytes())
        rng = np.random.default_rng(list(self._told.digest()))
        rivals = len(self._object_ids) + 1 + (context is not None)
        odds = rng.random((rivals, *image.shape[:2]), np.float32) ** 3
        if context is not None:
            odds[-1] *= context
        probabilities: npt.NDArray[np.float32] = odds / odds.sum(0)
        if context is not None:
            probabilities[0] += probabilities[-1]
        return probabilities[: len(self._object_ids) + 1]

    def evidence(self) -> Evidence | None:
        return None

    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        self._told.update(b"correct")
        for name in self._object_ids:
            self._told.update(np.asarray(masks[name], np.float32).tobytes())

    def _tell(self, what: str, image: Image, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        self._object_ids += [name for name in masks if name not in self._object_ids]
        self._told.update(what.encode() + image.tobytes())
        for name, mask in masks.items():
            self._told.update(name.encode() + np.asarray(mask, np.float32).tobytes())


@dataclass
class TelltalePropagators:
    name: str = "telltale"

    def start(self) -> TelltalePropagator:
        return TelltalePropagator()
