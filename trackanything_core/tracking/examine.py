"""Scores the masks of a pass as they come, and has the doubtful ones refined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trackanything_core.masks.rle import Rle, decode_rle, encode_rle
from trackanything_core.models.base import Propagator
from trackanything_core.tracking.assess import score_mask, small
from trackanything_core.tracking.compose import owned_masks
from trackanything_core.tracking.refine import Decision, Refiner
from trackanything_core.types import Image, Mask, ObjectId, SoftMask


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one mask.

    Attributes:
        score: 0..1, of the mask as it is now.
        score_before: 0..1, before it was refined.
        decision: what became of it.
    """

    score: float
    score_before: float
    decision: Decision

    def record(self) -> dict[str, Any]:
        """As JSON, to be kept with the mask."""
        return {"score_before": round(self.score_before, 4), "decision": self.decision}


class Examination:
    """The examination of one pass; all that it remembers from frame to frame is in `state`.

    Args:
        objects: the members of the group, in the order of the rows.
        refiner: asked about doubtful masks; None refines nothing.
    """

    def __init__(self, objects: Sequence[ObjectId], refiner: Refiner | None) -> None:
        self._objects = tuple(objects)
        self._refiner = refiner
        self._doubtful: set[ObjectId] = set()
        self._before: dict[ObjectId, Mask] = {}

    def examine(
        self,
        image: Image,
        probabilities: npt.NDArray[np.float32],
        propagator: Propagator,
        context: SoftMask | None,
        *,
        last: bool,
    ) -> tuple[npt.NDArray[np.float32], dict[ObjectId, Finding]]:
        """Score the newest step of a propagator, and refine it where it is doubtful.

        What is refined goes into the propagator's memory if the settings say so.

        Args:
            image: (H, W, 3) uint8 RGB.
            probabilities: (N + 1, H, W) float32 in 0..1, background first.
            propagator: that answered it.
            context: as given to the step.
            last: whether the step was the last.

        Returns:
            Probabilities like the ones given, and what was found of each object.
        """
        masks = owned_masks(probabilities)
        affinities = self._affinities(propagator)
        before = [
            score_mask(probability, mask, affinity, self._before.get(name))
            for name, probability, mask, affinity in zip(
                self._objects, probabilities[1:], masks, affinities, strict=True
            )
        ]
        refined = probabilities
        decisions: list[Decision] = ["good"] * len(masks)
        for row, (name, score) in enumerate(zip(self._objects, before, strict=True)):
            if self._refiner is None or not self._is_doubtful(name, score, self._refiner):
                continue
            others = probabilities[1:].sum(axis=0) - probabilities[1 + row]
            if context is not None:
                others = np.maximum(others, context)
            better, decisions[row] = self._refiner.refine(
                image, probabilities[1 + row], others, affinities[row]
            )
            if better is not None:
                refined = refined.copy() if refined is probabilities else refined
                refined[1 + row] = better
        scores = before
        if refined is not probabilities:
            objects = refined[1:] / np.maximum(refined[1:].sum(axis=0), 1)
            refined = np.concatenate([1 - objects.sum(axis=0, keepdims=True), objects])
            masks = owned_masks(refined)
            scores = [
                score_mask(probability, mask, affinity, self._before.get(name))
                for name, probability, mask, affinity in zip(
                    self._objects, refined[1:], masks, affinities, strict=True
                )
            ]
            if self._refiner is not None and self._refiner.settings.remember and not last:
                propagator.correct(dict(zip(self._objects, refined[1:], strict=True)))
        self._before = {name: small(mask) for name, mask in zip(self._objects, masks, strict=True)}
        findings = map(Finding, scores, before, decisions)
        return refined, dict(zip(self._objects, findings, strict=True))

    def state(self) -> dict[str, Any]:
        """What it remembers, as JSON; small."""
        before = {name: encode_rle(mask) for name, mask in self._before.items()}
        return {"doubtful": sorted(self._doubtful), "before": before}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state` gave."""
        self._doubtful = set(state["doubtful"])
        self._before = {
            name: decode_rle(Rle(size=rle["size"], counts=rle["counts"]))
            for name, rle in state["before"].items()
        }

    def _affinities(self, propagator: Propagator) -> list[npt.NDArray[np.float32] | None]:
        evidence = propagator.evidence()
        if evidence is None or len(evidence.affinity) != len(propagator.object_ids):
            return [None] * len(self._objects)
        rows = [propagator.object_ids.index(name) for name in self._objects]
        return [evidence.affinity[row] for row in rows]

    def _is_doubtful(self, name: ObjectId, score: float, refiner: Refiner) -> bool:
        """With hysteresis: from a poor score on until a good one."""
        settings = refiner.settings
        if score < (settings.until if name in self._doubtful else settings.below):
            self._doubtful.add(name)
        else:
            self._doubtful.discard(name)
        return name in self._doubtful
