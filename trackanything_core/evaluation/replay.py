"""Propagators that take no step twice, for runs that have much in common.

Every correction starts passes from anchors that have led passes before, over fewer frames now; and
policies that are compared share their first frame, often more. Equal calls in equal order give
equal answers (see `Propagator`), so an answer is found by all that its propagator was told so far.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from trackanything_core.models.base import Evidence, Propagator, PropagatorFactory
from trackanything_core.types import Image, Mask, ObjectId, SoftMask

_Answer: TypeAlias = tuple[npt.NDArray[np.float32], Evidence | None]

_MOST_WAITING = 4
"""Propagators kept where they are, in case a pass comes by and goes on from there."""


class _Files(LRUCache[bytes, Path]):
    """Files within a limit of bytes; those that were not asked for the longest go first."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(most_bytes, getsizeof=lambda path: path.stat().st_size)

    def popitem(self) -> tuple[bytes, Path]:
        """Delete the file that was not asked for the longest."""
        told, path = super().popitem()
        path.unlink()
        return told, path


class ReplayedPropagators:
    """Makes propagators that look first whether a step was taken before.

    Answers are kept in a temporary folder, which goes with `close`.

    Args:
        propagators: take the steps.
        most_bytes: of answers on disk; those that were not asked for the longest go first.
    """

    def __init__(self, propagators: PropagatorFactory, most_bytes: int = 8 << 30) -> None:
        self.name = propagators.name
        self.steps_taken = 0
        self.steps_found = 0
        self._propagators = propagators
        self._folder = tempfile.TemporaryDirectory()
        self._answers: _Files = _Files(most_bytes)
        self._waiting: OrderedDict[bytes, Propagator] = OrderedDict()

    def start(self) -> ReplayedPropagator:
        """A propagator with an empty memory."""
        return ReplayedPropagator(self)

    def close(self) -> None:
        """Forget all steps; safe to repeat."""
        self._waiting.clear()
        self._folder.cleanup()

    def answer(self, told: bytes) -> _Answer | None:
        """What was answered after all this, and why; None where that is not known."""
        if told not in self._answers:
            return None
        with np.load(self._answers[told]) as kept:
            evidence = Evidence(kept["affinity"]) if "affinity" in kept else None
            return kept["answer"], evidence

    def keep(self, told: bytes, answer: _Answer) -> None:
        """Keep what was answered after all this, and why."""
        path = Path(self._folder.name) / f"{told.hex()}.npz"
        probabilities, evidence = answer
        parts = {"answer": probabilities}
        if evidence is not None:
            parts["affinity"] = evidence.affinity
        np.savez(path, **parts)  # type: ignore[arg-type]
        self._answers[told] = path

    def take(self, told: bytes) -> Propagator | None:
        """A propagator that was told exactly this, if one is waiting; None else."""
        return self._waiting.pop(told, None)

    def fresh(self) -> Propagator:
        """A propagator that was told nothing."""
        return self._propagators.start()

    def leave(self, told: bytes, propagator: Propagator) -> None:
        """Let a propagator wait where it is."""
        self._waiting[told] = propagator
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)


class ReplayedPropagator:
    """One pass: answers what is known, and has the rest computed. A `Propagator`."""

    def __init__(self, origin: ReplayedPropagators) -> None:
        self._origin = origin
        self._told = b""
        self._calls: list[Callable[[Propagator], object]] = []
        self._object_ids: tuple[ObjectId, ...] = ()
        self._evidence: Evidence | None = None

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        """The objects known so far, in the order of the rows of `step`'s answer."""
        return self._object_ids

    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        """See `Propagator.remember`."""
        self._tell(f"remember {step}", image, masks)
        self._calls.append(lambda inner: inner.remember(image, masks, step=step))

    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        """See `Propagator.step`. A pass that ends here may be gone on with by another one."""
        before = self._told
        self._tell("step", image, given or {}, context)
        answer = self._origin.answer(self._told)
        if answer is None:
            self._origin.steps_taken += 1
            inner = self._take(before)
            answer = inner.step(image, given, context=context), inner.evidence()
            self._origin.leave(self._told, inner)
            self._origin.keep(self._told, answer)
        else:
            self._origin.steps_found += 1
        self._calls.append(lambda inner: inner.step(image, given, context=context))
        probabilities, self._evidence = answer
        return probabilities

    def evidence(self) -> Evidence | None:
        """See `Propagator.evidence`."""
        return self._evidence

    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        """See `Propagator.correct`."""
        inner = self._origin.take(self._told)
        digest = hashlib.blake2b(self._told, digest_size=16)
        digest.update(b"correct")
        for name in self._object_ids:
            digest.update(masks[name].tobytes())
        self._told = digest.digest()
        if inner is not None:
            inner.correct(masks)
            self._origin.leave(self._told, inner)
        self._calls.append(lambda inner: inner.correct(masks))

    def _take(self, told: bytes) -> Propagator:
        """A propagator that was told all that this one was before, and nothing more."""
        inner = self._origin.take(told)
        if inner is None:
            inner = self._origin.fresh()
            for call in self._calls:
                call(inner)
        return inner

    def _tell(
        self,
        what: str,
        image: Image,
        masks: Mapping[ObjectId, Mask | SoftMask],
        context: SoftMask | None = None,
    ) -> None:
        digest = hashlib.blake2b(self._told, digest_size=16)
        digest.update(what.encode())
        digest.update(image.tobytes())
        for name, mask in masks.items():
            digest.update(f"{name} {mask.dtype}".encode())
            digest.update(mask.tobytes())
        if context is not None:
            digest.update(context.tobytes())
        self._told = digest.digest()
        self._object_ids = tuple(dict.fromkeys([*self._object_ids, *masks]))
