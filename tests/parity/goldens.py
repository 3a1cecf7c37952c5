"""Where recorded runs of the official XMem lie, and what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import folders

COMMITTED = folders.ROOT / "tests" / "data" / "xmem"


@dataclass(frozen=True)
class Golden:
    """One recorded run: its folder, its name, and its entry in goldens.json."""

    folder: Path
    name: str
    entry: dict[str, Any]

    def arrays(self) -> dict[str, Any]:
        with np.load(self.folder / self.entry["file"]) as file:
            return dict(file)

    def frames(self) -> Any:
        """(n, H, W, 3) uint8 RGB."""
        with np.load(self.folder / f"frames_{self.entry['clip']}.npz") as file:
            return file["frames"]


def goldens_in(folder: Path) -> list[Golden]:
    index = json.loads((folder / "goldens.json").read_text())
    return [Golden(folder, name, entry) for name, entry in index.items()]


def parameters() -> list[Any]:
    """The committed goldens, then those in the folder that the environment names."""
    found = [pytest.param(g, id=f"committed-{g.name}") for g in goldens_in(COMMITTED)]
    external = folders.folder(folders.GOLDENS)
    if external.is_dir():
        return found + [pytest.param(g, id=g.name) for g in goldens_in(external)]
    skip = pytest.mark.skip(reason=folders.missing(folders.GOLDENS))
    return [*found, pytest.param(None, id="external", marks=skip)]


def salt_of(folder: Path) -> str:
    return (folder / "salt.txt").read_text().strip()


def keys_of(folder: Path) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads((folder / "state_dict.json").read_text())["keys"]
    return keys
