"""What import-linter cannot see: imports that run because a parent package is imported."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from tests.folders import ROOT

TORCH = {"torch", "torchvision", "segment_anything", "label_studio_ml"}
HTTP = {"flask", "gunicorn", "label_studio_sdk"}

# Where the backend meets the models: they may load torch, everything else may not.
MEETING_TORCH = {"ml_backend.model", "ml_backend.app", "ml_backend._wsgi", "ml_backend.cli"}


def with_submodules(name: str) -> set[str]:
    folder = ROOT / name.replace(".", "/")
    found = pkgutil.walk_packages([str(folder)], name + ".")
    return {name, *(module.name for module in found)} - MEETING_TORCH


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [
        ("trackanything_core.errors", TORCH | HTTP),
        ("trackanything_core.export", TORCH | HTTP),
        ("trackanything_core.masks", TORCH | HTTP),
        ("trackanything_core.models.base", TORCH | HTTP),
        ("trackanything_core.tracking", TORCH | HTTP),
        ("trackanything_core.types", TORCH | HTTP),
        ("trackanything_core.video", TORCH | HTTP),
        ("ml_backend", TORCH),
    ],
)
def test_importing_all_of_it_does_not_load(package, unwanted):
    program = (
        "import importlib, sys\n"
        f"for name in {sorted(with_submodules(package))}: importlib.import_module(name)\n"
        f"print(*sorted({unwanted} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []
