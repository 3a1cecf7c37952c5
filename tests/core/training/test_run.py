"""Whole training runs, made tiny: they end with weights that load, and go on where they stopped."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.models.sam.config import NARROW, ConvEncoderConfig
from trackanything_core.training import sam_train, xmem_train
from trackanything_core.training.coco import load_coco
from trackanything_core.training.run import run
from trackanything_core.training.schedule import Budget
from trackanything_core.types import Click

CPU = torch.device("cpu")
SAM = sam_train.TrainingConfig(
    network=replace(
        NARROW,
        encoder=ConvEncoderConfig(widths=(8, 16, 16, 32, 32), blocks=(1, 1, 1, 1)),
        image_size=64,
        embed_dim=32,
        decoder_mlp=32,
        iou_head_hidden=32,
    ),
    stages=(sam_train.Stage(0.5, 64, 2), sam_train.Stage(1.0, 96, 2)),
    targets=2,
    warm_up_steps=2,
)
XMEM = xmem_train.TrainingConfig(
    stages=(
        xmem_train.Stage(0.5, 64, 2, 2, freeze_norm=False),
        xmem_train.Stage(1.0, 80, 3, 2, freeze_norm=True),
    )
)


@pytest.fixture
def train_sam(small_coco: Path) -> Callable[..., Path]:
    images = load_coco(small_coco)

    def train(out: Path, stop_at: int | None = None) -> Path:
        trainer = sam_train.SamTrainer(SAM, Budget(steps=8), images, CPU)
        step = trainer.train_step

        def interrupted_step() -> dict[str, float]:
            if trainer.step == stop_at:
                raise KeyboardInterrupt
            return step()

        trainer.train_step = interrupted_step  # type: ignore[method-assign]
        return run(trainer, out, asdict(SAM), name="sam", seed=0, checkpoint_every=3)

    return train


@pytest.mark.slow
def test_a_killed_run_that_goes_on_ends_like_an_undisturbed_one(
    train_sam: Callable[..., Path], tmp_path: Path
) -> None:
    undisturbed = train_sam(tmp_path / "undisturbed")
    with pytest.raises(KeyboardInterrupt):
        train_sam(tmp_path / "killed", stop_at=5)  # the checkpoint is of step 3
    resumed = train_sam(tmp_path / "killed")
    states = [
        torch.load(path.with_name("checkpoint.pt"), weights_only=True)
        for path in (undisturbed, resumed)
    ]
    assert states[0]["step"] == states[1]["step"] == 8
    for name, tensor in states[0]["average"].items():
        assert torch.equal(tensor, states[1]["average"][name]), name


@pytest.mark.slow
def test_sam_ends_with_weights_that_segment(train_sam: Callable[..., Path], tmp_path: Path) -> None:
    segmenter = load_segmenter(weights=train_sam(tmp_path), device="cpu")
    embedding = segmenter.embed(np.zeros((40, 60, 3), np.uint8))
    assert segmenter.segment(embedding, clicks=[Click(3, 4)]).mask.shape == (40, 60)


@pytest.mark.slow
def test_xmem_learns_and_ends_with_weights_that_propagate(small_coco: Path, tmp_path: Path) -> None:
    trainer = xmem_train.XMemTrainer(XMEM, Budget(steps=100), load_coco(small_coco), CPU)
    with closing(trainer):
        weights = run(trainer, tmp_path, asdict(XMEM), name="xmem", seed=0)
    with (tmp_path / "log.csv").open() as log:
        first, last = csv.DictReader(log)
    assert float(last["dice"]) < float(first["dice"])

    propagator = load_propagator(weights=weights, device="cpu").start()
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    mask = np.zeros((48, 64), np.bool_)
    mask[10:30, 10:30] = True
    propagator.step(frames[0], {"thing": mask})
    assert propagator.step(frames[1], last=True).shape == (2, 48, 64)
