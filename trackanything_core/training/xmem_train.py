"""Train a narrow XMem from generated clips; `trackanything train xmem` runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from trackanything_core.errors import ConfigError
from trackanything_core.models.xmem.checkpoint import NETWORK, PROPAGATION
from trackanything_core.models.xmem.config import EMBEDDED, NetworkConfig
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.training.coco import CocoImage, hold_out
from trackanything_core.training.loader import ClipBatch, ClipLoader
from trackanything_core.training.losses import (
    bootstrapped_cross_entropy,
    dice_loss,
    index_labels,
)
from trackanything_core.training.run import Validation
from trackanything_core.training.schedule import Budget, cosine, ramp, warm_up
from trackanything_core.training.xmem_unroll import unroll
from trackanything_core.training.xmem_validation import validate_xmem


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the curriculum.

    Attributes:
        until: share of the run at which it ends, 0..1.
        size: side of a clip in pixels, a multiple of 16.
        frames: frames of a clip.
        batch: clips of a step.
        freeze_norm: batch norm uses its running statistics, for small batches.
        top_k: memory elements that a query reads; reading all is faster to train.
    """

    until: float
    size: int
    frames: int
    batch: int
    freeze_norm: bool
    top_k: int | None = None


CURRICULUM = (
    Stage(0.45, 128, 3, 8, freeze_norm=False),
    Stage(0.85, 192, 5, 4, freeze_norm=True),
    Stage(1.0, 224, 6, 3, freeze_norm=True, top_k=60),
)


SHIPPED_SETTINGS = PropagationSettings(internal_size=240, memory_every=1, top_k=60)
"""How the narrow network is best run; written beside its weights."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that decides a run besides its data and, if other than `steps`, its length.

    Attributes:
        network: what is trained.
        propagation: written beside the weights, as how they are best run.
        stages: the curriculum.
        learning_rate: at its peak; it rises over `warm_up_steps` and falls as a cosine.
        weight_decay: of AdamW.
        warm_up_steps: optimiser steps.
        gradient_norm: longer gradients are clipped to this.
        ema_decay: of the running average of the weights.
        two_object_share: how often a step follows two objects of a clip.
        amp: compute in bfloat16 where that is safe.
        steps: length of the run, unless it is told another.
        seed: of everything that chance decides.
    """

    network: NetworkConfig = EMBEDDED
    propagation: PropagationSettings = SHIPPED_SETTINGS
    stages: tuple[Stage, ...] = CURRICULUM
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up_steps: int = 100
    gradient_norm: float = 3.0
    ema_decay: float = 0.999
    two_object_share: float = 0.25
    amp: bool = True
    steps: int = 10_000
    seed: int = 0


_LEAST_STRIDED = 16


class XMemTrainer:
    """One run. Close it, to end the processes that make its clips.

    Args:
        config: what to train and how.
        budget: how long.
        images: to make clips of; a few are held out for validation.
        device: where to compute.
        workers: processes that make clips; what they make does not depend on their number.

    Raises:
        ConfigError: this machine cannot train so narrow a network with several threads.
    """

    name = "xmem"

    def __init__(
        self,
        config: TrainingConfig,
        budget: Budget,
        images: Sequence[CocoImage],
        device: torch.device,
        workers: int = 1,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.budget, self.device = config, budget, device
        self.images, self.held_out = hold_out(images)
        self._workers = workers
        self.network = XMemNetwork(config.network).to(device)
        _check_widths(self.network, device)
        # Parameters of four dimensions in this order make convolutions faster.
        for parameter in self.network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.average = AveragedModel(
            self.network, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True
        )
        self.average.eval()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0
        self.origin: dict[str, Any] | None = None
        self._loader: ClipLoader | None = None
        self._loading: Stage | None = None

    def close(self) -> None:
        """End the processes that make clips."""
        if self._loader is not None:
            self._loader.close()

    def train_step(self) -> dict[str, float]:
        """One optimiser step; what the log keeps of it."""
        progress = self.budget.progress(self.step)
        rate = self.config.learning_rate * cosine(progress)
        rate *= warm_up(self.step, self.config.warm_up_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        stage = next((s for s in self.config.stages if progress < s.until), self.config.stages[-1])
        batch = self._next_batch(stage)

        self.network.train()
        if stage.freeze_norm:
            for module in self.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        rng = np.random.default_rng((self.config.seed, self.step))
        frames, masks = self._to_device(batch, rng)
        times, remembered = _draw_memory(rng, frames.shape[1])
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.amp):
            outputs = unroll(
                self.network,
                frames,
                masks[:, 0],
                times=times,
                remembered=remembered,
                top_k=stage.top_k,
            )
        keep = 1 - 0.75 * ramp(progress, 0.1, 0.6)
        entropy = torch.stack(
            [
                bootstrapped_cross_entropy(p, index_labels(masks[:, t]), keep=keep)
                for t, p in enumerate(outputs, start=1)
            ]
        ).mean()
        dice = torch.stack(
            [dice_loss(p[:, 1:], masks[:, t]) for t, p in enumerate(outputs, start=1)]
        ).mean()
        loss = entropy + dice
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.average.update_parameters(self.network)
        self.step += 1
        return {
            "entropy": entropy.item(),
            "dice": dice.item(),
            "rate": rate,
            "norm": norm.item(),
        }

    def _next_batch(self, stage: Stage) -> ClipBatch:
        if self._loader is None or stage != self._loading:
            self.close()
            self._loading = stage
            self._loader = ClipLoader(
                self.images,
                seed=self.config.seed,
                batch=stage.batch,
                size=stage.size,
                frames=stage.frames,
                start=self.step,
                workers=self._workers,
            )
        return next(self._loader)

    def _to_device(self, batch: ClipBatch, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        frames = torch.from_numpy(batch.frames).to(self.device)
        masks = torch.from_numpy(batch.masks).to(self.device, torch.float32)
        if rng.random() < self.config.two_object_share:
            # Twice the objects cost twice the work: half the clips keep steps alike.
            half = max(len(frames) // 2, 1)
            frames, masks = frames[:half], masks[:half]
        else:
            masks = masks[:, :, :1]
        return normalise(frames.movedim(-1, 2)), masks

    def validate(self) -> Validation:
        """Follow objects of clips made of the pictures that were held out."""
        return validate_xmem(
            cast(XMemNetwork, self.average.module),
            self.held_out,
            seed=self.config.seed,
            size=max(stage.size for stage in self.config.stages),
            device=self.device,
        )

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on from here."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def start_from(
        self, weights: Mapping[str, Tensor], origin: dict[str, Any] | None = None
    ) -> None:
        """Take trained weights, and how they were made, before the first step."""
        self.origin = origin
        self.network.load_state_dict(weights)
        self.average.module.load_state_dict(weights)

    def averaged_weights(self) -> Mapping[str, Tensor]:
        """The running average of the weights, which is what is shipped."""
        return self.average.module.state_dict()

    def metadata(self) -> dict[str, Any]:
        """What is needed to run the weights."""
        return {
            NETWORK: self.config.network.to_dict(),
            PROPAGATION: self.config.propagation.to_dict(),
        }


def _draw_memory(rng: np.random.Generator, length: int) -> tuple[list[float], list[list[int]]]:
    """Frame times, and for each frame after the first what it reads.

    The first frame is always read, of the others each with probability 0.7, so that memories
    of all ages are met. The time between frames varies for the same reason.
    """
    gap = float(rng.choice([1, 2, 3, 5]))
    times = [gap * t for t in range(length)]
    remembered = [[0, *(m for m in range(1, t) if rng.random() < 0.7)] for t in range(1, length)]
    return times, remembered


def _check_widths(network: nn.Module, device: torch.device) -> None:
    """Refuse what would end in a broken heap.

    The backward pass of oneDNN 3.12 writes beyond its memory where a 1x1 convolution with a
    stride has fewer than 16 input channels and works on several threads.
    """
    is_narrow = any(
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels < _LEAST_STRIDED
        for module in network.modules()
    )
    if is_narrow and device.type == "cpu" and torch.get_num_threads() > 1:
        raise ConfigError(
            f"expected key_widths and value_widths of at least {_LEAST_STRIDED} to train on more "
            "than one thread of a CPU: make the network wider, or give --threads 1"
        )
