"""Where commands put their results: whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trackanything_core.errors import ConfigError

SUMMARY = "summary.json"
"""Every output folder has this file; only a folder that has it is ever overwritten."""


@contextmanager
def staged_directory(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A folder to write to, which becomes `target` if all goes well and vanishes if not.

    Args:
        target: the folder that is wanted; missing parents are made.
        overwrite: replace an older output of this program.

    Raises:
        ConfigError: the target exists, and must not or cannot be overwritten.
    """
    _check_target(target, overwrite)
    made = [parent for parent in target.absolute().parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.parent / f".{target.name}.{os.getpid()}.partial"
    try:
        staged.mkdir()
        yield staged
        _replace(target, staged)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        for parent in made:
            parent.rmdir()
        raise


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON object, readable by people too."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_target(target: Path, overwrite: bool) -> None:
    if not (target.exists() or target.is_symlink()):
        return
    if not overwrite:
        raise ConfigError(f"{target} exists already: name another --out, or add --overwrite")
    is_ours = target.is_dir() and not target.is_symlink()
    if not is_ours or not ((target / SUMMARY).is_file() or not any(target.iterdir())):
        raise ConfigError(
            f"{target} is not an output of this program (it has no {SUMMARY}), so it is left "
            "alone: name another --out"
        )


def _replace(target: Path, staged: Path) -> None:
    old = staged.with_suffix(".old")
    if target.exists():
        target.rename(old)
    staged.rename(target)
    shutil.rmtree(old, ignore_errors=True)
