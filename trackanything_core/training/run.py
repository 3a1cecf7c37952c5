"""What every training run does around its steps: log, checkpoints, resuming, the command line."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from trackanything_core.training.export import describe_hardware, export_weights
from trackanything_core.training.schedule import Budget

LOG_EVERY = 50
"""Steps whose means make one line of the log."""


class Trainer(Protocol):
    """One run; all that `state` returns is enough to go on."""

    step: int
    budget: Budget
    device: torch.device

    def train_step(self) -> dict[str, float]:
        """One optimiser step; what the log keeps of it."""

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
    config: Mapping[str, Any],
    *,
    name: str,
    seed: int,
    checkpoint_every: int = 500,
) -> Path:
    """Train to the end of the budget, going on with what lies in `out`.

    Args:
        trainer: fresh; it takes over the state of an earlier process.
        out: gets `config.json`, `log.csv`, `checkpoint.pt` and the weights.
        config: written there for the record.
        name: of the weights, without ending.
        seed: of the run, for the record.
        checkpoint_every: steps from one checkpoint to the next.

    Returns:
        The file with the averaged weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, weights = out / "checkpoint.pt", out / f"{name}.safetensors"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=trainer.device)
        trainer.load_state(state)
        trainer.budget.spent = state["spent"]
    (out / "config.json").write_text(json.dumps(config, indent=2))
    recent: list[dict[str, float]] = []
    with (out / "log.csv").open("a", newline="") as file:
        log = csv.writer(file)
        while trainer.budget.progress(trainer.step) < 1:
            # Chance depends on the step alone: a run that goes on equals an undisturbed one.
            torch.manual_seed(seed * 1_000_003 + trainer.step)
            recent.append(trainer.train_step())
            if trainer.step % LOG_EVERY == 0:
                _write_means(log, trainer, recent, with_names=file.tell() == 0)
                file.flush()
                recent.clear()
            if trainer.step % checkpoint_every == 0:
                _save(trainer, checkpoint, weights, seed)
    _save(trainer, checkpoint, weights, seed)
    return weights


def _write_means(
    log: Any, trainer: Trainer, rows: list[dict[str, float]], *, with_names: bool
) -> None:
    means = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    if with_names:
        log.writerow(["step", "elapsed", *means])
    elapsed = round(trainer.budget.elapsed)
    log.writerow([trainer.step, elapsed, *(f"{value:.4g}" for value in means.values())])
    left = trainer.budget.seconds_left(trainer.step) / 60
    shown = ", ".join(f"{name} {value:.3g}" for name, value in means.items())
    print(f"step {trainer.step}: {shown}; {left:.0f} min left", flush=True)


def _save(trainer: Trainer, checkpoint: Path, weights: Path, seed: int) -> None:
    temporary = checkpoint.with_suffix(".tmp")
    torch.save({**trainer.state(), "spent": trainer.budget.elapsed}, temporary)
    temporary.replace(checkpoint)
    training = {
        "steps": trainer.step,
        "seed": seed,
        "minutes": trainer.budget.elapsed / 60,
        "hardware": describe_hardware(trainer.device),
    }
    export_weights(
        weights, trainer.averaged_weights(), {**trainer.metadata(), "training": training}
    )


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a training command is told."""

    data: Path
    out: Path
    budget: Budget
    seed: int
    device: torch.device


def parse_arguments(description: str | None) -> Arguments:
    """Read the command line of a training module, and set the threads that it asks for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="pictures with segments, as COCO")
    parser.add_argument("--out", type=Path, required=True, help="a run that lies there goes on")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="length in wall time")
    length.add_argument("--steps", type=int, help="length in steps, which is repeatable")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    return Arguments(
        data=given.data,
        out=given.out,
        budget=Budget(steps=given.steps, minutes=given.minutes),
        seed=given.seed,
        device=torch.device(given.device),
    )
