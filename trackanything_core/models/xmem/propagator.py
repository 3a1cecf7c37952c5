"""XMem as tracking sees it: pictures and named masks in, probabilities out, all NumPy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from trackanything_core.errors import CheckpointError, MaskError, VideoError
from trackanything_core.models.base import Evidence
from trackanything_core.models.xmem.checkpoint import load_network
from trackanything_core.models.xmem.core import XMemCore
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.models.xmem.pass_state import fingerprint, pack_pass, unpack_pass
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.types import Image, Mask, ObjectId, SoftMask

_WIDEST_ASPECT = 4
"""Pictures more elongated than this are scaled by their long side, so that none is enlarged
beyond all bounds."""


class XMemPropagator:
    """One pass over a video; implements `ResumablePropagator` and `SearchingPropagator`.

    Args:
        network: in evaluation mode, on `device`.
        settings: of the pass.
        device: where to compute.
        autocast: as for `XMemPropagatorFactory`.
        made_by: what `state` says of weights and settings, JSON.
    """

    def __init__(
        self,
        network: XMemNetwork,
        settings: PropagationSettings,
        *,
        device: torch.device,
        autocast: torch.dtype | None = None,
        made_by: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._core = XMemCore(network, settings)
        self._settings = settings
        self._device = device
        self._autocast = autocast
        self._made_by = made_by
        self._object_ids: list[ObjectId] = []
        self._size: tuple[int, int] | None = None

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        return tuple(self._object_ids)

    @torch.inference_mode()
    def remember(
        self, image: Image, masks: Mapping[ObjectId, Mask | SoftMask], *, step: int
    ) -> None:
        """As `Propagator.remember`; errors as for `step`."""
        size = self._accept(image, masks)
        with self._precision():
            self._core.remember(self._inner_image(image), self._inner_masks(masks, size), step)

    @torch.inference_mode()
    def step(
        self,
        image: Image,
        given: Mapping[ObjectId, Mask | SoftMask] | None = None,
        *,
        context: SoftMask | None = None,
        last: bool = False,
    ) -> npt.NDArray[np.float32]:
        """As `Propagator.step`.

        Raises:
            VideoError: the picture is no (H, W, 3) uint8, or its size differs from the first's.
            MaskError: a mask has another size than the picture, or values outside 0..1.
        """
        given = given or {}
        size = self._accept(image, given, context)
        if not self._object_ids:
            return np.ones((1, *size), np.float32)
        labels = [i for i, name in enumerate(self._object_ids, start=1) if name in given]
        others = None
        if context is not None:
            others = _resized_mask(torch.from_numpy(context).to(self._device)[None], self._inner)[0]
        with self._precision():
            probabilities = self._core.step(
                self._inner_image(image),
                self._inner_masks(given, size) if given else None,
                labels or None,
                context=others,
                last=last,
            )
        restored: npt.NDArray[np.float32] = _resized(probabilities, size).cpu().numpy()
        return restored

    def look(self, image: Image, *, context: SoftMask | None = None) -> npt.NDArray[np.float32]:
        """As `SearchingPropagator.look`; errors as for `step`."""
        # What nothing follows on is not remembered.
        return self.step(image, context=context, last=True)

    def evidence(self) -> Evidence | None:
        """As `Propagator.evidence`."""
        affinity = self._core.affinity
        return None if affinity is None else Evidence(affinity.clamp(0, 1).cpu().numpy())

    @torch.inference_mode()
    def correct(self, masks: Mapping[ObjectId, Mask | SoftMask]) -> None:
        """As `Propagator.correct`.

        Raises:
            MaskError: a mask has another size than the picture, values outside 0..1, or lacks.
        """
        if self._size is None or set(masks) != set(self._object_ids):
            raise MaskError(
                f"expected masks of all objects, {', '.join(self._object_ids) or '(none yet)'}, "
                f"after a step, got {', '.join(masks) or 'none'}"
            )
        for object_id, mask in masks.items():
            _check_mask(f"object {object_id!r}", mask, self._size)
        with self._precision():
            self._core.correct(self._inner_masks(masks, self._size))

    def state(self) -> bytes:
        """As `ResumablePropagator.state`."""
        facts = {"made_by": self._made_by(), "objects": self._object_ids, "size": self._size}
        return pack_pass(self._core.state(), facts)

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go back to what `state` gave, unpacked.

        Raises:
            CheckpointError: something is missing.
        """
        try:
            self._object_ids = list(facts["objects"])
            self._size = None if facts["size"] is None else tuple(facts["size"])
            self._core.restore(tensors)
        except (KeyError, ValueError) as error:
            raise CheckpointError(
                f"expected the state of a pass of XMem, got one without {error}: "
                "start the pass anew"
            ) from error

    @property
    def _inner(self) -> tuple[int, int]:
        """Height and width at which the network works in this pass."""
        assert self._size is not None
        return inner_size(self._size, self._settings.internal_size)

    def _precision(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, dtype=self._autocast, enabled=self._autocast is not None
        )

    def _accept(
        self,
        image: Image,
        masks: Mapping[ObjectId, Mask | SoftMask],
        context: SoftMask | None = None,
    ) -> tuple[int, int]:
        """Note size and names of what is fed, unless something does not fit; give the size."""
        size = self._checked_size(image)
        for object_id, mask in masks.items():
            _check_mask(f"object {object_id!r}", mask, size)
        if context is not None:
            _check_mask("the context", context, size)
        self._size = size
        self._object_ids += [object_id for object_id in masks if object_id not in self._object_ids]
        return size

    def _checked_size(self, image: Image) -> tuple[int, int]:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise VideoError(
                f"expected a picture (height, width, 3) of uint8, got {image.shape} {image.dtype}"
            )
        size = (image.shape[0], image.shape[1])
        if self._size not in (None, size):
            raise VideoError(
                f"expected a frame of {self._size} (height, width) like the first one of this "
                f"pass, got {size}; start a new pass where the size changes"
            )
        return size

    def _inner_image(self, image: Image) -> Tensor:
        frame = normalise(torch.from_numpy(image).to(self._device).permute(2, 0, 1))
        return _resized(frame, self._inner, antialias=True)

    def _inner_masks(
        self, given: Mapping[ObjectId, Mask | SoftMask], size: tuple[int, int]
    ) -> Tensor:
        """One channel for each object, empty where none was given."""
        masks = torch.zeros(len(self._object_ids), *size, device=self._device)
        for index, object_id in enumerate(self._object_ids):
            if object_id in given:
                masks[index] = torch.from_numpy(np.asarray(given[object_id], np.float32))
        return _resized_mask(masks, self._inner)


class XMemPropagatorFactory:
    """Weights loaded once, a propagator for each pass; implements `ResumablePropagatorFactory`.

    Args:
        network: in evaluation mode; moved to `device`.
        settings: of every pass.
        name: of the weights, for people.
        device: where to compute.
        autocast: reduced precision on CUDA, such as torch.bfloat16; None computes in float32.
    """

    def __init__(
        self,
        network: XMemNetwork,
        settings: PropagationSettings,
        *,
        name: str,
        device: torch.device | str = "cpu",
        autocast: torch.dtype | None = None,
    ) -> None:
        self._device = torch.device(device)
        self._network = network.to(self._device)
        self._settings = settings
        self._name = name
        self._autocast = autocast

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        name: str,
        device: torch.device | str = "cpu",
        autocast: torch.dtype | None = None,
    ) -> XMemPropagatorFactory:
        """Read weights and the settings that come with them; see `load_network` for errors."""
        network, settings = load_network(path)
        return cls(network, settings, name=name, device=device, autocast=autocast)

    @property
    def name(self) -> str:
        return self._name

    def start(self) -> XMemPropagator:
        """As `PropagatorFactory.start`."""
        return XMemPropagator(
            self._network,
            self._settings,
            device=self._device,
            autocast=self._autocast,
            made_by=lambda: self._identity,
        )

    def resume(self, state: bytes) -> XMemPropagator:
        """As `ResumablePropagatorFactory.resume`."""
        tensors, facts = unpack_pass(state, self._device)
        if facts.get("made_by") != self._identity:
            raise CheckpointError(
                f"expected the state of a pass with the weights and settings of {self._name}, got "
                "one that was made with others: start the pass anew"
            )
        propagator = self.start()
        propagator.restore(tensors, facts)
        return propagator

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """All on which the answers depend, but for the device; costs a read of the weights."""
        return {
            "weights": fingerprint(self._network),
            "network": json.loads(json.dumps(self._network.config.to_dict())),
            "settings": self._settings.to_dict(),
            "autocast": str(self._autocast),
        }


def inner_size(size: tuple[int, int], short_side: int | None) -> tuple[int, int]:
    """Height and width at which the network works.

    Args:
        size: (height, width) of the video.
        short_side: wanted, in pixels; None keeps the size.
    """
    if short_side is None:
        return size
    short, long = sorted(size)
    if long > _WIDEST_ASPECT * short:
        long_side = _WIDEST_ASPECT * short_side
        short_side = max(1, long_side * short // long)
    else:
        long_side = short_side * long // short
    return (short_side, long_side) if size[0] <= size[1] else (long_side, short_side)


def _resized(image: Tensor, size: tuple[int, int], *, antialias: bool = False) -> Tensor:
    """(C, H, W) at another size, bilinear."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(
        image.unsqueeze(0), size, mode="bilinear", align_corners=False, antialias=antialias
    )[0]


def _resized_mask(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, H, W) at another size, by the nearest pixel."""
    if tuple(masks.shape[-2:]) == size:
        return masks
    return F.interpolate(masks.unsqueeze(0), size, mode="nearest")[0]


def _check_mask(what: str, mask: Mask | SoftMask, size: tuple[int, int]) -> None:
    if mask.shape != size:
        raise MaskError(
            f"expected a mask of {size} (height, width) for {what}, as the picture has, "
            f"got {mask.shape}"
        )
    if mask.dtype == np.bool_:
        return
    if mask.dtype != np.float32 or not (mask.min() >= 0 and mask.max() <= 1):
        raise MaskError(
            f"expected a mask of bool, or of float32 in 0..1, for {what}, got "
            f"{mask.dtype} in {mask.min()}..{mask.max()}"
        )
