"""Train a narrow XMem from generated clips.

python -m trackanything_core.training.xmem_train --data DIR --out DIR --minutes 90
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from trackanything_core.models.xmem.checkpoint import NETWORK, PROPAGATION
from trackanything_core.models.xmem.config import EMBEDDED, NetworkConfig
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.training.coco import load_coco
from trackanything_core.training.export import describe_hardware, export_weights
from trackanything_core.training.loader import ClipBatch, ClipLoader
from trackanything_core.training.losses import (
    bootstrapped_cross_entropy,
    dice_loss,
    index_labels,
)
from trackanything_core.training.preview import save_preview
from trackanything_core.training.schedule import Budget, cosine, ramp, warm_up
from trackanything_core.training.xmem_unroll import unroll


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the curriculum.

    Attributes:
        until: share of the run at which it ends, 0..1.
        size: side of a clip in pixels, a multiple of 16.
        frames: frames of a clip.
        batch: clips of a step.
        freeze_norm: batch norm uses its running statistics, for small batches.
    """

    until: float
    size: int
    frames: int
    batch: int
    freeze_norm: bool


CURRICULUM = (
    Stage(0.65, 128, 3, 8, freeze_norm=False),
    Stage(1.0, 192, 5, 4, freeze_norm=True),
)


SHIPPED_SETTINGS = PropagationSettings(internal_size=240, top_k=60)
"""How the narrow network is best run; written beside its weights."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that decides a run besides its data and its budget."""

    network: NetworkConfig = EMBEDDED
    propagation: PropagationSettings = SHIPPED_SETTINGS
    stages: tuple[Stage, ...] = CURRICULUM
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up_steps: int = 100
    gradient_norm: float = 3.0
    ema_decay: float = 0.999
    two_object_share: float = 0.25
    seed: int = 0


class Trainer:
    """One run; all that `save` writes is enough to go on."""

    def __init__(self, config: TrainingConfig, budget: Budget, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.budget, self.device = config, budget, device
        self.network = XMemNetwork(config.network).to(device)
        # Parameters of four dimensions in this order make convolutions faster.
        for parameter in self.network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.average = AveragedModel(
            self.network, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0

    @property
    def averaged_network(self) -> XMemNetwork:
        """The running average of the weights, which is what is shipped."""
        network = self.average.module
        assert isinstance(network, XMemNetwork)
        return network

    @property
    def stage(self) -> int:
        """Index of the part of the curriculum that is due."""
        done = self.budget.progress(self.step)
        return next((i for i, s in enumerate(self.config.stages) if done < s.until), -1)

    def train_step(self, batch: ClipBatch, stage: Stage) -> dict[str, float]:
        """One optimiser step; the losses by name."""
        progress = self.budget.progress(self.step)
        rate = self.config.learning_rate * cosine(progress)
        rate *= warm_up(self.step, self.config.warm_up_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

        self.network.train()
        if stage.freeze_norm:
            for module in self.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        rng = np.random.default_rng((self.config.seed, self.step))
        frames, masks = self._to_device(batch, rng)
        times, remembered = _draw_memory(rng, frames.shape[1])
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            outputs = unroll(self.network, frames, masks[:, 0], times=times, remembered=remembered)
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
            "entropy": float(entropy.detach()),
            "dice": float(dice.detach()),
            "rate": rate,
            "norm": float(norm),
        }

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

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on from here."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent": self.budget.elapsed,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.budget.spent = state["spent"]


def _draw_memory(rng: np.random.Generator, length: int) -> tuple[list[float], list[list[int]]]:
    """Frame times, and for each frame after the first what it reads.

    The first frame is always read, of the others each with probability 0.7, so that memories
    of all ages are met. The time between frames varies for the same reason.
    """
    gap = float(rng.choice([1, 2, 3, 5]))
    times = [gap * t for t in range(length)]
    remembered = [[0, *(m for m in range(1, t) if rng.random() < 0.7)] for t in range(1, length)]
    return times, remembered


def train(
    data: Path, out: Path, config: TrainingConfig, budget: Budget, device: torch.device
) -> Path:
    """Run to the end of the budget, resuming what lies in `out`.

    Returns:
        The file with the averaged weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    images = load_coco(data)
    trainer = Trainer(config, budget, device)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load_state(torch.load(checkpoint, weights_only=True, map_location=device))
    (out / "config.json").write_text(json.dumps(asdict(config), indent=2))
    with (out / "log.csv").open("a", newline="", buffering=1) as log:
        writer = csv.writer(log)
        for stage in _stages(trainer):
            with ClipLoader(
                images,
                seed=config.seed + trainer.step,
                batch=stage.batch,
                size=stage.size,
                frames=stage.frames,
            ) as loader:
                _run_stage(trainer, stage, loader, writer, out)
    _save_checkpoint(trainer, checkpoint)
    return _export(trainer, out / "xmem.safetensors")


def _stages(trainer: Trainer) -> Iterator[Stage]:
    while (index := trainer.stage) >= 0:
        yield trainer.config.stages[index]


def _run_stage(
    trainer: Trainer, stage: Stage, batches: Iterator[ClipBatch], writer: Any, out: Path
) -> None:
    index = trainer.stage
    while trainer.stage == index:
        batch = next(batches)
        losses = trainer.train_step(batch, stage)
        if trainer.step % 20 == 0:
            writer.writerow([trainer.step, round(trainer.budget.elapsed), *losses.values()])
        if trainer.step % 200 == 0:
            left = trainer.budget.seconds_left(trainer.step) / 60
            print(f"step {trainer.step} {losses} {left:.0f} min left", flush=True)
            _save_checkpoint(trainer, out / "checkpoint.pt")
            _export(trainer, out / "xmem.safetensors")
        if trainer.step % 1000 == 0:
            save_preview(trainer.averaged_network, batch, out / f"preview-{trainer.step:06d}.png")


def _save_checkpoint(trainer: Trainer, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(trainer.state(), temporary)
    temporary.replace(path)


def _export(trainer: Trainer, path: Path) -> Path:
    metadata = {
        NETWORK: trainer.config.network.to_dict(),
        PROPAGATION: trainer.config.propagation.to_dict(),
        "training": {
            "steps": trainer.step,
            "seed": trainer.config.seed,
            "minutes": trainer.budget.elapsed / 60,
            "hardware": describe_hardware(trainer.device),
        },
    }
    export_weights(path, trainer.averaged_network.state_dict(), metadata)
    return path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float)
    length.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = replace(TrainingConfig(), seed=arguments.seed)
    budget = Budget(steps=arguments.steps, minutes=arguments.minutes)
    print(train(arguments.data, arguments.out, config, budget, torch.device(arguments.device)))


if __name__ == "__main__":
    main()
