"""The `trackanything` command, whole: the core's commands and those that know Label Studio."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ml_backend.demo_export import write_prediction
from ml_backend.project.cli import app as project_app
from ml_backend.settings import read_settings
from ml_backend.sources import worker_sources
from trackanything_core.cli.main import create_app, leave_on_terminate, run

_GUNICORN_SETTINGS = Path(__file__).with_name("gunicorn.conf.py")


def main() -> int:
    """Run the command line of this process and return its exit code."""
    leave_on_terminate()
    app = create_app(demo_exporters=[write_prediction], sources=worker_sources)
    app.command()(serve)
    app.add_typer(project_app)
    return run(app)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="all")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on.", show_default="9090")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for what the backend keeps.", show_default=False)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1, … or mps.", show_default="auto")
    ] = None,
) -> None:
    """Serve the Label Studio ML backend, until it is told to stop.

    Everything else is set by environment variables that begin with TRACKANYTHING_; the options
    here go before them.
    """
    given = {"HOST": host, "PORT": port, "DATA_DIR": data_dir, "DEVICE": device}
    chosen = {f"TRACKANYTHING_{key}": str(value) for key, value in given.items() if value}
    os.environ.update(chosen)
    read_settings()
    # gunicorn takes this process over, so that signals and the exit code are its own.
    command = [sys.executable, "-m", "gunicorn", "-c", str(_GUNICORN_SETTINGS)]
    os.execv(sys.executable, [*command, "ml_backend._wsgi:app"])
