"""What every training run does around its steps: log, pictures, checkpoints, resuming."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from trackanything_core.errors import ConfigError
from trackanything_core.training.export import describe_hardware, export_weights
from trackanything_core.training.log import StepLog
from trackanything_core.training.schedule import Budget
from trackanything_core.types import Image

REPORT_EVERY = 50
"""Steps whose means make one line on the screen."""

TRAINING = "training"
"""Name of the record of a run in the metadata of its weights."""

_CONFIG, _CHECKPOINT = "config.json", "checkpoint.pt"


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What the averaged weights make of examples that are the same all through a run.

    Attributes:
        scores: by name, 0..1.
        picture: (H, W, 3) uint8 RGB, for people.
    """

    scores: dict[str, float]
    picture: Image


class Trainer(Protocol):
    """One run; all that `state` returns is enough to go on.

    Attributes:
        name: of the network, and of its weights without ending.
        config: a dataclass with everything that decides the run, a seed among it.
        step: optimiser steps done.
        budget: the length of the run.
        device: where it computes.
        origin: how the weights were made that the run started from, or None.
    """

    name: str
    config: Any
    step: int
    budget: Budget
    device: torch.device
    origin: dict[str, Any] | None

    def train_step(self) -> dict[str, float]:
        """One optimiser step; what the log keeps of it."""

    def validate(self) -> Validation:
        """Try the averaged weights."""

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on from here."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""

    def averaged_weights(self) -> Mapping[str, torch.Tensor]:
        """The running average of the weights, which is what is shipped."""

    def metadata(self) -> dict[str, Any]:
        """JSON values that belong beside the weights: what network they are for."""


def run(
    trainer: Trainer,
    out: Path,
    *,
    checkpoint_every: int = 200,
    validate_every: int = 500,
    report: Callable[[str], None] = print,
) -> Path:
    """Train to the end of the budget, going on with what lies in `out`.

    A run whose budget is in steps is repeatable to the bit on one machine, and a run that was
    killed goes on as if it had not been: chance depends on the seed and the step alone.

    Args:
        trainer: fresh; it takes over the state of an earlier process.
        out: gets `config.json`, `log.csv`, `validation.csv`, a folder of pictures,
            `checkpoint.pt` and the weights.
        checkpoint_every: steps from one checkpoint to the next.
        validate_every: steps from one validation to the next; there is one at the end too.
        report: is told how the run goes.

    Returns:
        The file with the averaged weights.

    Raises:
        ConfigError: in `out` lies a run with another configuration.
    """
    (out / "validation").mkdir(parents=True, exist_ok=True)
    _claim(out / _CONFIG, trainer)
    if (out / _CHECKPOINT).exists():
        state = torch.load(out / _CHECKPOINT, weights_only=True, map_location=trainer.device)
        trainer.load_state(state)
        trainer.budget.spent = state["spent"]
        report(f"going on from step {trainer.step}")
    recent: list[dict[str, float]] = []
    with (
        StepLog(out / "log.csv", trainer.step) as log,
        StepLog(out / "validation.csv", trainer.step) as validations,
    ):
        while trainer.budget.progress(trainer.step) < 1:
            torch.manual_seed(trainer.config.seed * 1_000_003 + trainer.step)
            values = trainer.train_step()
            log.write(trainer.step, values)
            recent.append(values)
            done = trainer.budget.progress(trainer.step) >= 1
            if done or trainer.step % REPORT_EVERY == 0:
                report(_line(trainer, recent))
                recent.clear()
            if done or trainer.step % validate_every == 0:
                _validate(trainer, out / "validation", validations, report)
            if trainer.step % checkpoint_every == 0:
                _save(trainer, out)
    return _save(trainer, out)


def _claim(path: Path, trainer: Trainer) -> None:
    """Write down what decides this run, or see that it agrees with what lies there."""
    # JSON knows no tuples: compare what was read with what would be.
    own = json.loads(json.dumps({"network": trainer.name, "config": asdict(trainer.config)}))
    if not path.exists():
        path.write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")
    elif json.loads(path.read_text(encoding="utf-8")) != own:
        raise ConfigError(
            f"{path.parent} holds a run with another configuration (see {path.name}): "
            "name another --out, or give the configuration and the seed of that run"
        )


def _line(trainer: Trainer, rows: list[dict[str, float]]) -> str:
    means = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    shown = ", ".join(f"{name} {value:.3g}" for name, value in means.items())
    seconds = trainer.budget.seconds_left(trainer.step)
    left = f"{seconds / 60:.0f} min left" if math.isfinite(seconds) else "time left unknown"
    return f"step {trainer.step}: {shown}; {left}"


def _validate(trainer: Trainer, folder: Path, log: StepLog, report: Callable[[str], None]) -> None:
    found = trainer.validate()
    log.write(trainer.step, found.scores)
    path = folder / f"step_{trainer.step:06d}.jpg"
    cv2.imwrite(str(path), np.ascontiguousarray(found.picture[..., ::-1]))
    shown = ", ".join(f"{name} {value:.3f}" for name, value in found.scores.items())
    report(f"step {trainer.step}: validation {shown}; {path}")


def _save(trainer: Trainer, out: Path) -> Path:
    checkpoint, weights = out / _CHECKPOINT, out / f"{trainer.name}.safetensors"
    temporary = checkpoint.with_suffix(".tmp")
    torch.save({**trainer.state(), "spent": trainer.budget.elapsed}, temporary)
    temporary.replace(checkpoint)
    training: dict[str, Any] = {
        "steps": trainer.step,
        "seed": trainer.config.seed,
        "minutes": trainer.budget.elapsed / 60,
        "hardware": describe_hardware(trainer.device),
    }
    if trainer.origin is not None:
        training["after"] = trainer.origin
    export_weights(weights, trainer.averaged_weights(), {**trainer.metadata(), TRAINING: training})
    return weights
