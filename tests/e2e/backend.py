"""The backend as it is deployed: gunicorn, its own configuration, the package's weights."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.e2e.label_studio import TOKEN, LabelStudio
from tests.e2e.processes import free_port, server
from tests.folders import ROOT

_START_SECONDS = 60
_LOAD_SECONDS = 120


@dataclass(frozen=True)
class Backend:
    """A running backend.

    Attributes:
        folder: of its data and its log.
    """

    url: str
    folder: Path

    def problems(self) -> list[dict[str, Any]]:
        """What went wrong, newest first, as `/status` shows it."""
        found: list[dict[str, Any]] = requests.get(f"{self.url}/status", timeout=30).json()[
            "problems"
        ]
        return found


@contextmanager
def run_backend(
    folder: Path,
    label_studio: LabelStudio,
    port: int | None = None,
    *,
    stop_hard: bool = False,
    **settings: str,
) -> Iterator[Backend]:
    """Run the backend with its data in a folder, on 127.0.0.1.

    Args:
        folder: for data and log.
        label_studio: where pictures are and predictions go.
        port: to listen on; a free one if None.
        stop_hard: whether it is killed at the end, at once.
        settings: further settings, in lower case.
    """
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    given = {
        "host": "127.0.0.1",
        "port": str(port),
        "data_dir": str(folder),
        "label_studio_url": label_studio.url,
        "label_studio_api_key": TOKEN,
        **settings,
    }
    environment = {f"TRACKANYTHING_{key.upper()}": value for key, value in given.items()}
    gunicorn = str(ROOT / "ml_backend" / "gunicorn.conf.py")
    command = [sys.executable, "-m", "gunicorn", "-c", gunicorn, "ml_backend._wsgi:app"]
    log = folder / "backend.log"
    with server(
        command,
        environment,
        url=f"{url}/health",
        log=log,
        seconds=_START_SECONDS,
        stop_hard=stop_hard,
    ):
        _wait_for_networks(url)
        yield Backend(url, folder)


def _wait_for_networks(url: str) -> None:
    end = time.monotonic() + _LOAD_SECONDS
    model = {"state": "loading"}
    while model["state"] == "loading" and time.monotonic() < end:
        time.sleep(0.5)
        model = requests.get(f"{url}/status", timeout=30).json()["model"]
    assert model["state"] == "ready", model
