"""The backend as it is deployed: gunicorn, its own configuration, the package's weights."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.e2e.processes import free_port, server
from tests.folders import ROOT

_START_SECONDS = 60
_LOAD_SECONDS = 120


@contextmanager
def run_backend(folder: Path) -> Iterator[str]:
    """Run the backend with its data in a folder, on 127.0.0.1; give its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "TRACKANYTHING_HOST": "127.0.0.1",
        "TRACKANYTHING_PORT": str(port),
        "TRACKANYTHING_DATA_DIR": str(folder),
    }
    settings = str(ROOT / "ml_backend" / "gunicorn.conf.py")
    command = [sys.executable, "-m", "gunicorn", "-c", settings, "ml_backend._wsgi:app"]
    log = folder / "backend.log"
    with server(command, environment, url=f"{url}/health", log=log, seconds=_START_SECONDS):
        _wait_for_networks(url)
        yield url


def _wait_for_networks(url: str) -> None:
    end = time.monotonic() + _LOAD_SECONDS
    model = {"state": "loading"}
    while model["state"] == "loading" and time.monotonic() < end:
        time.sleep(0.5)
        model = requests.get(f"{url}/status", timeout=30).json()["model"]
    assert model["state"] == "ready", model
