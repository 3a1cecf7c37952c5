"""A tracker without memory: each mask is the one before, moved along with the optical flow.

It has the interface of a real propagator, so that both can be measured in one way.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.types import Image, Mask, ObjectId, SoftMask


class FlowPropagator:
    """Moves masks along dense inverse search flow (Kroeger et al., arXiv 1603.03590)."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._grey: npt.NDArray[np.uint8] | None = None
        self._soft: dict[ObjectId, SoftMask] = {}

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        """The objects, in the order in which they were given."""
        return tuple(self._soft)

    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        """Do nothing: there is no memory to keep the frame in."""

    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        """Move the masks to the next frame; see `Propagator.step`. Context is not looked at."""
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._grey is not None:
            self._move(grey, self._grey)
        self._grey = grey
        for object_id, mask in (given or {}).items():
            self._soft[object_id] = mask.astype(np.float32)
        foreground = np.stack([np.zeros(grey.shape, np.float32), *self._soft.values()])
        foreground[0] = np.clip(1 - foreground.sum(axis=0), 0, None)
        probabilities: npt.NDArray[np.float32] = foreground / foreground.sum(axis=0)
        return probabilities

    def evidence(self) -> None:
        """Flow attends to nothing."""

    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        """Go on from better masks; see `Propagator.correct`."""
        self._soft = {name: np.asarray(mask, np.float32) for name, mask in masks.items()}

    def _move(self, now: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8]) -> None:
        # Flow from this frame to the one before says where each pixel of this frame comes from.
        flow = self._flow.calc(now, before, None)  # type: ignore[call-overload]
        rows, columns = np.mgrid[: now.shape[0], : now.shape[1]].astype(np.float32)
        for object_id, soft in self._soft.items():
            moved = cv2.remap(soft, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
            self._soft[object_id] = np.asarray(moved, np.float32)


class FlowPropagators:
    """Starts flow propagators; nothing to load."""

    @property
    def name(self) -> str:
        """What reports call this tracker."""
        return "flow"

    def start(self) -> FlowPropagator:
        """A propagator that has seen no frame."""
        return FlowPropagator()
