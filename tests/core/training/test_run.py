"""Whole training runs, made tiny, on drawn pictures: they repeat, go on, and end with weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from trackanything_core.errors import ConfigError
from trackanything_core.models.registry import EMBEDDED_FOLDER, load_propagator, load_segmenter
from trackanything_core.models.weights import load_metadata, load_state_dict
from trackanything_core.training import start
from trackanything_core.training.log import read_log
from trackanything_core.training.run import Trainer, run
from trackanything_core.training.start import Kind, start_sam, start_xmem
from trackanything_core.types import Click

CPU = torch.device("cpu")
PRESETS = Path(start.__file__).parent / "presets"
STEPS = 12
LOGS = ("log.csv", "validation.csv")


def trainer(kind: Kind, seed: int = 0, steps: int = STEPS, init: Path | None = None) -> Trainer:
    if kind == "sam":
        return start_sam("tiny", [], seed=seed, steps=steps, init=init, device=CPU)
    return start_xmem("tiny", [], seed=seed, steps=steps, init=init, device=CPU, workers=0)


def train(kind: Kind, out: Path, **options) -> Path:
    started = trainer(kind, **options)
    return run(started, out, checkpoint_every=5, validate_every=6, report=lambda _: None)


def command(kind: Kind, out: Path, steps: int = STEPS, threads: int = 1) -> list[str]:
    program = "from trackanything_core.cli.main import create_app, run; exit(run(create_app()))"
    options = ["--config", "tiny", "--steps", str(steps), "--out", str(out)]
    options += ["--threads", str(threads)]
    often = ["--checkpoint-every", "5", "--validate-every", "6", "--workers", "1"]
    return [sys.executable, "-c", program, "train", kind, *options, *often, "--device", "cpu"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xmem", "sam"])
def test_a_seed_gives_one_curve_and_another_seed_another(kind: Kind, tmp_path: Path) -> None:
    weights = [train(kind, tmp_path / name) for name in ("one", "two")]
    for log in LOGS:
        assert (tmp_path / "one" / log).read_bytes() == (tmp_path / "two" / log).read_bytes()
    assert len(read_log(tmp_path / "one" / "log.csv")["step"]) == STEPS
    states = [load_state_dict(path) for path in weights]
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name
    train(kind, tmp_path / "other", seed=1)
    assert (tmp_path / "one" / LOGS[0]).read_bytes() != (tmp_path / "other" / LOGS[0]).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xmem", "sam"])
def test_a_run_killed_between_checkpoints_ends_like_an_undisturbed_one(
    kind: Kind, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    with subprocess.Popen(command(kind, killed), stderr=subprocess.DEVNULL) as process:
        # Beyond the first checkpoint, past a validation, and not at the next checkpoint.
        while not (killed / "log.csv").exists() or len(lines(killed / "log.csv")) < 9:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (killed / f"{kind}.safetensors").exists() or len(lines(killed / "log.csv")) < STEPS
    subprocess.run(command(kind, killed), check=True, capture_output=True)
    subprocess.run(command(kind, tmp_path / "whole"), check=True, capture_output=True)
    for log in LOGS:
        assert (killed / log).read_bytes() == (tmp_path / "whole" / log).read_bytes()
    states = [
        torch.load(folder / "checkpoint.pt", weights_only=True)
        for folder in (killed, tmp_path / "whole")
    ]
    assert states[0]["step"] == STEPS
    for part in ("network", "average"):
        for name, tensor in states[0][part].items():
            assert torch.equal(tensor, states[1][part][name]), f"{part}: {name}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xmem", "sam"])
def test_a_run_on_several_threads_comes_to_its_end(kind: Kind, tmp_path: Path) -> None:
    for name in ("one", "two"):
        subprocess.run(command(kind, tmp_path / name, 30, 2), check=True, capture_output=True)
        assert len(read_log(tmp_path / name / "log.csv")["step"]) == 30
    assert (tmp_path / "one" / LOGS[0]).read_bytes() == (tmp_path / "two" / LOGS[0]).read_bytes()


def test_a_network_that_breaks_on_several_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    preset = json.loads((PRESETS / "xmem" / "tiny.json").read_text())
    preset["network"]["value_widths"] = [8, 8, 16]
    narrow = tmp_path / "narrow.json"
    narrow.write_text(json.dumps(preset))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(ConfigError, match="--threads 1"):
        start_xmem(str(narrow), [], device=CPU, workers=0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    start_xmem(str(narrow), [], device=CPU, workers=0)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.mark.slow
def test_the_processes_of_a_killed_run_end_too(tmp_path: Path) -> None:
    with subprocess.Popen(command("xmem", tmp_path), stderr=subprocess.DEVNULL) as process:
        while not (tmp_path / "log.csv").exists() or len(lines(tmp_path / "log.csv")) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGKILL)
    assert children
    deadline = time.monotonic() + 60
    while any(is_alive(int(child)) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.slow
def test_sam_ends_with_weights_that_segment_and_a_picture(tmp_path: Path) -> None:
    segmenter = load_segmenter(weights=train("sam", tmp_path, steps=6), device="cpu")
    embedding = segmenter.embed(np.zeros((40, 60, 3), np.uint8))
    assert segmenter.segment(embedding, clicks=[Click(3, 4)]).mask.shape == (40, 60)
    picture = cv2.imread(str(tmp_path / "validation" / "step_000006.jpg"))
    assert picture is not None
    assert picture.std() > 10


@pytest.mark.slow
def test_xmem_learns_and_ends_with_weights_that_propagate(tmp_path: Path) -> None:
    weights = train("xmem", tmp_path, steps=100)
    dice = read_log(tmp_path / "log.csv")["dice"]
    assert np.mean(dice[-20:]) < np.mean(dice[:20]) - 0.02
    propagator = load_propagator(weights=weights, device="cpu").start()
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    mask = np.zeros((48, 64), np.bool_)
    mask[10:30, 10:30] = True
    propagator.step(frames[0], {"thing": mask})
    assert propagator.step(frames[1], last=True).shape == (2, 48, 64)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xmem", "sam"])
def test_fine_tuning_starts_from_the_weights_that_it_is_given(kind: Kind, tmp_path: Path) -> None:
    init = EMBEDDED_FOLDER / f"{kind}.safetensors"
    started = trainer(kind, init=init)
    given = load_state_dict(init)
    for name, tensor in started.averaged_weights().items():
        assert torch.equal(tensor, given[name].to(tensor)), name
    described = json.loads(json.dumps(started.metadata()))  # JSON knows no tuples
    assert described == {name: load_metadata(init)[name] for name in described}
    assert started.origin == load_metadata(init)["training"]


@pytest.mark.slow
def test_a_folder_with_another_run_is_left_alone(tmp_path: Path) -> None:
    train("sam", tmp_path, steps=2)
    before = (tmp_path / "sam.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="another configuration"):
        train("sam", tmp_path, steps=2, seed=1)
    assert (tmp_path / "sam.safetensors").read_bytes() == before
