"""What import-linter cannot see: imports that run because a parent package is imported."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from tests.folders import ROOT

LIGHT = [
    "trackanything_core.errors",
    "trackanything_core.types",
    "trackanything_core.export",
    "trackanything_core.masks",
    "trackanything_core.models.base",
    "trackanything_core.tracking",
    "trackanything_core.video",
]
"""Modules and packages that must work without torch; keep in step with pyproject.toml."""


def with_submodules(name: str) -> list[str]:
    folder = ROOT / name.replace(".", "/")
    return [name, *(found.name for found in pkgutil.walk_packages([str(folder)], name + "."))]


@pytest.mark.parametrize("package", LIGHT)
def test_importing_it_does_not_load_torch(package):
    program = (
        "import importlib, sys\n"
        f"for name in {with_submodules(package)}: importlib.import_module(name)\n"
        "print(*sorted({'torch', 'torchvision', 'label_studio_ml', 'flask'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []
