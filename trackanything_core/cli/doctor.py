"""`trackanything doctor`: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trackanything_core.errors import TrackAnythingError

Status: TypeAlias = Literal["ok", "warn", "fail"]

_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_REQUIRED = ("torch", "torchvision", "segment-anything", "numpy", "opencv-python-headless", "av")
_FOR_LABEL_STUDIO = ("label-studio-sdk", "label-studio-ml", "flask", "gunicorn")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report; `advice` says what to do unless all is well."""

    name: str
    status: Status
    detail: str
    advice: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which versions, device and weights are in use, and try what tracking needs.

    The exit code is 1 if something needed does not work.
    """
    checks = list(examine())
    healthy = all(check.status != "fail" for check in checks)
    if as_json:
        typer.echo(json.dumps({"healthy": healthy, "checks": [asdict(check) for check in checks]}))
    else:
        table = Table(show_header=False, box=None)
        for check in checks:
            text = f"{check.detail}\n→ {check.advice}" if check.advice else check.detail
            status = f"[{_STYLE[check.status]}]{check.status}[/]"
            table.add_row(status, check.name, escape(text))
        Console().print(table)
    raise typer.Exit(0 if healthy else 1)


def examine() -> Iterator[Check]:
    """Make all checks, one after the other."""
    yield Check("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield from _packages()
    yield _attempt("device", _device, "see the requirements of torch for this machine")
    yield _attempt(
        "torchvision",
        _torchvision,
        "install torch and torchvision of one build, both for CPU or both for the same CUDA",
    )
    yield _attempt("video", _video, "install av again: its FFmpeg has to write and read h264")
    yield _attempt("weights", _weights, "give --segmenter-weights and --propagator-weights")


def _packages() -> Iterator[Check]:
    for needed, names in ((True, _REQUIRED), (False, _FOR_LABEL_STUDIO)):
        for name in names:
            try:
                yield Check(name, "ok", version(name))
            except PackageNotFoundError:
                purpose = "tracking needs it" if needed else "needed beside Label Studio only"
                status: Status = "fail" if needed else "warn"
                yield Check(name, status, f"missing; {purpose}", f"install {name}")


def _attempt(name: str, work: Callable[[], str], advice: str) -> Check:
    try:
        return Check(name, "ok", work())
    except TrackAnythingError as error:
        return Check(name, "fail", str(error), advice)
    except Exception as error:  # whatever is broken here is the finding
        return Check(name, "fail", f"{type(error).__name__}: {error}", advice)


def _device() -> str:
    import torch

    from trackanything_core.models.device import pick_device

    device = pick_device("auto")
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        name = torch.cuda.get_device_name(device)
        return f"{device}: {name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    return f"{device}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def _torchvision() -> str:
    import torch
    from torchvision.ops import nms  # type: ignore[import-untyped]

    nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)
    return "its operators run"


def _video() -> str:
    from trackanything_core.video.open import open_source
    from trackanything_core.video.writer import VideoWriter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.mp4"
        with VideoWriter(path, Fraction(25)) as writer:
            for level in (0, 255):
                writer.write(np.full((64, 96, 3), level, np.uint8))
        with open_source(path) as source:
            if len(source) != 2 or source.read(1).mean() < 128:
                raise RuntimeError("a video of two frames came back changed")
    return "h264 is written and read back"


def _weights() -> str:
    from trackanything_core.cli.models import load_models
    from trackanything_core.models.registry import EMBEDDED_FOLDER

    began = time.perf_counter()
    segmenter, propagators = load_models("embedded", None, "embedded", None, "auto")
    seconds = time.perf_counter() - began
    size = sum(path.stat().st_size for path in EMBEDDED_FOLDER.glob("*.safetensors")) / 1e6
    return (
        f"segmenter {segmenter.name}, propagator {propagators.name}; "
        f"{size:.1f} MB, loaded in {seconds:.2f} s"
    )
