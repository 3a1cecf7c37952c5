"""Where the data sets and reference values of the tests lie.

They are not part of the repository. A test that needs one skips where it is missing, with a
reason that starts with `MISSING`; `tests/conftest.py` turns such a skip into a failure in CI.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MISSING = "data missing"

DATA = "TRACKANYTHING_DATA"
GOLDENS = "TRACKANYTHING_GOLDENS"
REFERENCE = "TRACKANYTHING_REFERENCE"

_DEFAULTS = {
    DATA: "../shared/data",
    GOLDENS: "../shared/reference/xmem",
    REFERENCE: "../shared/reference",
}


def folder(variable: str) -> Path:
    """The folder that an environment variable names, or its default; it may not exist.

    Args:
        variable: one of `DATA`, `GOLDENS`, `REFERENCE`. A relative path counts from the root
            of the repository.
    """
    return (ROOT / os.environ.get(variable, _DEFAULTS[variable])).resolve()


def missing(variable: str) -> str:
    """The reason to give when a test skips because a folder is not there."""
    return f"{MISSING}: no folder {folder(variable)}; set {variable} to where it is"
