"""The threads of the networks leave the cores to others while they wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="torch has another OpenMP there")


def test_openmp_is_told_before_it_is_loaded() -> None:
    assert _wait_policy("import trackanything_core.models.device") == "'PASSIVE'"


def test_who_has_set_it_keeps_it() -> None:
    assert _wait_policy("import trackanything_core, torch", set_to="ACTIVE") == "'ACTIVE'"


def _wait_policy(program: str, set_to: str | None = None) -> str:
    """What OpenMP itself says of it, in a process of its own."""
    own = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    given = {"OMP_WAIT_POLICY": set_to} if set_to else {}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=own | given | {"OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line.partition(" = ") for line in done.stderr.splitlines())
    return next(value for name, _, value in lines if name.strip() == "OMP_WAIT_POLICY")
