"""Train a narrow SAM from annotated pictures; `trackanything train sam` runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from trackanything_core.models.sam.build import build_sam, set_image_size
from trackanything_core.models.sam.config import NARROW, SamConfig
from trackanything_core.models.sam.packing import unpack
from trackanything_core.training.affinity import AffinityLoss
from trackanything_core.training.coco import CocoImage, hold_out
from trackanything_core.training.run import Validation
from trackanything_core.training.sam_rounds import Batch, Opening, play
from trackanything_core.training.sam_start import align_attention
from trackanything_core.training.sam_validation import validate_sam
from trackanything_core.training.schedule import Budget, cosine, warm_up
from trackanything_core.training.stills import draw_targets, random_still


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the curriculum: small pictures teach more per minute, large ones the borders.

    Attributes:
        until: share of the run at which it ends, 0..1.
        size: longer side of the pictures in pixels, a multiple of 32.
        batch: pictures of a step.
    """

    until: float
    size: int
    batch: int


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that decides a run besides its data and, if other than `steps`, its length.

    Attributes:
        targets: masks asked for in each picture.
        max_rounds: longest dialogue about a mask; the length is drawn for each step.
        candidate_share: how often a first click is answered by three candidates. A network that
            is not to weigh them answers with its single mask, which must learn first clicks too.
        openings: how often a dialogue starts in each way: by a click, a box, a poor mask, a poor
            mask and a click.
        affinity_weight: of the loss on the likeness of places.
        amp: compute in bfloat16 where that is safe.
        steps: length of the run, unless it is told another.
        seed: of everything that chance decides.
    """

    network: SamConfig = NARROW
    stages: tuple[Stage, ...] = (Stage(0.25, 128, 6), Stage(0.55, 192, 5), Stage(1.0, 256, 4))
    targets: int = 3
    max_rounds: int = 6
    candidate_share: float = 0.3
    openings: tuple[float, float, float, float] = (0.55, 0.2, 0.1, 0.15)
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    affinity_weight: float = 1.0
    warm_up_steps: int = 200
    gradient_norm: float = 1.0
    ema_decay: float = 0.998
    amp: bool = True
    steps: int = 10_000
    seed: int = 0


class SamTrainer:
    """One run.

    Args:
        config: what to train and how.
        budget: how long.
        images: to make pictures of; a few are held out for validation.
        device: where to compute.
    """

    name = "sam"

    def __init__(
        self,
        config: TrainingConfig,
        budget: Budget,
        images: Sequence[CocoImage],
        device: torch.device,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.budget, self.device = config, budget, device
        self.images, self.held_out = hold_out(images)
        self.network = build_sam(config.network).to(device, memory_format=torch.channels_last)
        align_attention(self.network)
        self.average = AveragedModel(
            self.network, multi_avg_fn=self._average_towards, use_buffers=True
        )
        self.average.eval()
        self.affinity = AffinityLoss(config.network.embed_dim).to(device)
        self.optimizer = torch.optim.AdamW(
            [*self.network.parameters(), *self.affinity.parameters()],
            config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self.step = 0
        self.origin: dict[str, Any] | None = None

    def train_step(self) -> dict[str, float]:
        """One optimiser step; what the log keeps of it."""
        rng = np.random.default_rng((self.config.seed, self.step))
        progress = self.budget.progress(self.step)
        rate = cosine(progress) * warm_up(self.step, self.config.warm_up_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate
        stage = next((s for s in self.config.stages if progress < s.until), self.config.stages[-1])
        set_image_size(self.network, self.config.network.at_size(stage.size))

        batch = self._draw(rng, stage)
        opening: Opening = rng.choice(get_args(Opening), p=self.config.openings)
        rounds = int(rng.integers(1, self.config.max_rounds + 1))
        candidates = bool(rng.random() < self.config.candidate_share)
        self.network.train()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.amp):
            embeddings = self.network.image_encoder(batch.images)
            stride = self.config.network.encoder.stride
            cells = batch.labels[:, stride // 2 :: stride, stride // 2 :: stride]
            affinity = self.affinity(unpack(embeddings)[0], cells)
            losses = play(
                self.network, embeddings, batch, opening, rounds, rng, candidates=candidates
            )
        mask = torch.stack([loss.mask for loss in losses]).mean()
        iou = torch.stack([loss.iou for loss in losses]).mean()
        self.optimizer.zero_grad(set_to_none=True)
        (mask + iou + self.config.affinity_weight * affinity).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.average.update_parameters(self.network)
        self.step += 1
        best = [loss.overlap.gather(1, loss.best[:, None]).mean() for loss in losses]
        return {
            "size": stage.size,
            "rate": rate,
            "mask_loss": mask.item(),
            "iou_loss": iou.item(),
            "affinity_loss": affinity.item(),
            "first_iou": best[0].item(),
            "last_iou": best[-1].item(),
            "norm": norm.item(),
        }

    def _average_towards(self, averages: Any, values: Any, _: Any) -> None:
        """Exponential mean whose horizon grows with the run, so that early noise is forgotten."""
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)

    def _draw(self, rng: np.random.Generator, stage: Stage) -> Batch:
        images = torch.zeros(stage.batch, 3, stage.size, stage.size)
        labels = torch.zeros(stage.batch, stage.size, stage.size, dtype=torch.uint8)
        masks = np.zeros((stage.batch, self.config.targets, stage.size, stage.size), np.bool_)
        done = 0
        while done < stage.batch:
            still = random_still(rng, self.images, stage.size)
            targets = draw_targets(rng, still, self.config.targets)
            if not targets:
                continue
            height, width = still.labels.shape
            pixels = torch.from_numpy(still.image).permute(2, 0, 1).to(self.device)
            images[done] = self.network.preprocess(pixels)
            labels[done, :height, :width] = torch.from_numpy(still.labels)
            masks[done, :, :height, :width] = targets
            done += 1
        images = images.to(self.device, memory_format=torch.channels_last)
        return Batch(images, labels.to(self.device), masks.reshape(-1, stage.size, stage.size))

    def validate(self) -> Validation:
        """Click on regions of pictures made of those that were held out."""
        network = self.config.network
        set_image_size(self.average.module, network)
        return validate_sam(self.average.module, self.held_out, network, seed=self.config.seed)

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on from here."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "affinity": self.affinity.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.affinity.load_state_dict(state["affinity"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def start_from(
        self, weights: Mapping[str, torch.Tensor], origin: dict[str, Any] | None = None
    ) -> None:
        """Take trained weights, and how they were made, before the first step."""
        self.origin = origin
        self.network.load_state_dict(weights)
        self.average.module.load_state_dict(weights)

    def averaged_weights(self) -> Mapping[str, torch.Tensor]:
        """The running average of the weights, which is what is shipped."""
        return self.average.module.state_dict()

    def metadata(self) -> dict[str, Any]:
        """What is needed to run the weights."""
        return {"network": self.config.network.to_dict()}
