"""From what a run is told to a trainer that is ready to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch

from trackanything_core.errors import ConfigError
from trackanything_core.models.sam.checkpoint import described_config
from trackanything_core.models.sam.config import ConvEncoderConfig
from trackanything_core.models.weights import apply_state_dict, load_metadata, load_state_dict
from trackanything_core.models.xmem.checkpoint import load_network
from trackanything_core.training import sam_train, xmem_train
from trackanything_core.training.coco import CocoImage
from trackanything_core.training.configs import read_config
from trackanything_core.training.run import TRAINING
from trackanything_core.training.schedule import Budget

Kind: TypeAlias = Literal["xmem", "sam"]


def start_xmem(
    config: str,
    images: Sequence[CocoImage],
    *,
    seed: int = 0,
    steps: int | None = None,
    minutes: float | None = None,
    init: Path | None = None,
    device: torch.device,
    workers: int = 1,
) -> xmem_train.XMemTrainer:
    """Make a trainer for XMem.

    Args:
        config: a preset or a file; see `read_config`.
        images: to make clips of; without any, all is drawn.
        seed: of everything that chance decides.
        steps: length of the run; without it and `minutes`, what the configuration says.
        minutes: length of the run in wall time; such a run cannot be repeated exactly.
        init: weights to start from. They bring their network, and the settings to run it with.
        device: where to compute.
        workers: processes that make clips.

    Raises:
        ConfigError: the configuration has no meaning.
        WeightsError: `init` is missing, truncated or made for another model.
    """
    chosen = replace(read_config(xmem_train.TrainingConfig(), "xmem", config), seed=seed)
    weights = None
    if init is not None:
        network, settings = load_network(init)
        chosen = replace(chosen, network=network.config, propagation=settings)
        weights = network.state_dict()
    if chosen.network.hidden_dim:
        raise ConfigError(
            "expected a network without sensory memory (hidden_dim 0), which is what training "
            f"covers, got hidden_dim {chosen.network.hidden_dim}"
        )
    trainer = xmem_train.XMemTrainer(
        chosen, _budget(steps, minutes, chosen.steps), images, device, workers
    )
    if weights is not None:
        trainer.start_from(weights, _origin(init))
    return trainer


def start_sam(
    config: str,
    images: Sequence[CocoImage],
    *,
    seed: int = 0,
    steps: int | None = None,
    minutes: float | None = None,
    init: Path | None = None,
    device: torch.device,
) -> sam_train.SamTrainer:
    """Make a trainer for SAM; arguments and errors as for `start_xmem`."""
    chosen = replace(read_config(sam_train.TrainingConfig(), "sam", config), seed=seed)
    if init is not None:
        chosen = replace(chosen, network=described_config(init))
    if not isinstance(chosen.network.encoder, ConvEncoderConfig):
        raise ConfigError(
            "expected a network with the convolutional image encoder, which is what training "
            "covers, got one with a vision transformer"
        )
    trainer = sam_train.SamTrainer(chosen, _budget(steps, minutes, chosen.steps), images, device)
    if init is not None:
        weights = load_state_dict(init)
        expected = "the SAM network that its metadata describes"
        apply_state_dict(trainer.network, weights, source=init, expected=expected)
        trainer.start_from(weights, _origin(init))
    return trainer


def _origin(init: Path | None) -> dict[str, Any] | None:
    """What the file of the weights says of how they were made."""
    return None if init is None else load_metadata(init).get(TRAINING)


def _budget(steps: int | None, minutes: float | None, default: int) -> Budget:
    if steps is None and minutes is None:
        steps = default
    return Budget(steps=steps, minutes=minutes)
