"""Tests without their data skip for a developer and fail in CI."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.folders import ROOT

FILES = {
    "test_fixture.py": "def test_pictures(data_dir): pass",
    "test_module.py": (
        "import pytest\n"
        "from tests import folders\n"
        "pytest.skip(folders.missing(folders.GOLDENS), allow_module_level=True)\n"
    ),
    "test_other.py": "import pytest\ndef test_device(): pytest.skip('needs a CUDA device')\n",
}
OPTIONS = "-q -n0 -p xdist -p tests.conftest -p no:cacheprovider --continue-on-collection-errors"


@pytest.mark.parametrize(
    ("forbid", "ci", "expected"),
    [
        ("", "", "3 skipped"),
        ("1", "", "1 skipped, 2 errors"),
        ("", "true", "1 skipped, 2 errors"),
        ("0", "true", "3 skipped"),
    ],
)
def test_only_missing_data_is_forbidden_and_only_where_promised(tmp_path, forbid, ci, expected):
    for name, source in FILES.items():
        (tmp_path / name).write_text(source)
    # Without the variables by which xdist knows its workers: this is a run of its own.
    environment = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
    environment |= {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TRACKANYTHING_DATA": str(tmp_path / "nowhere"),
        "TRACKANYTHING_GOLDENS": str(tmp_path / "nowhere"),
        "TRACKANYTHING_FORBID_DATA_SKIPS": forbid,
        "CI": ci,
    }
    settings = [f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS.split(), *settings, str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert expected in run.stdout.splitlines()[-1], run.stdout + run.stderr
