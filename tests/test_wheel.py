"""What a user installs."""

from __future__ import annotations

import subprocess
import zipfile

import pytest

from tests.folders import ROOT
from tests.test_repository import kept_files

pytestmark = pytest.mark.slow


def test_the_wheel_holds_both_packages_whole_and_nothing_else(tmp_path):
    subprocess.run(["uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {path.as_posix() for path in kept_files("trackanything_core", "ml_backend")}
    ours |= {f"ml_backend/label_configs/{p.name}" for p in kept_files("label_config")}
    assert packed == ours
    assert {"trackanything_core/py.typed", "ml_backend/py.typed"} <= packed
