"""The `trackanything` command: gathers the commands and speaks of errors in one line.

This is the core's part of it. The installed script starts in `ml_backend.cli`, which adds what
belongs to Label Studio.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import typer

from trackanything_core.cli.demo import DemoExporter, make_demo
from trackanything_core.cli.doctor import doctor
from trackanything_core.cli.evaluate import evaluate
from trackanything_core.cli.ordered import OrderedCommand
from trackanything_core.cli.track import track
from trackanything_core.cli.train import train
from trackanything_core.errors import TrackAnythingError

_EXIT_ERROR = 2
_EXIT_TERMINATED = 128 + signal.SIGTERM


def create_app(demo_exporters: Sequence[DemoExporter] = ()) -> typer.Typer:
    """Make the command with everything that the core can do.

    Args:
        demo_exporters: write what the demo found in further formats.
    """
    app = typer.Typer(
        name="trackanything",
        help="A few clicks become masks on every frame of a video.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.command(cls=OrderedCommand)(track)
    app.command("demo")(make_demo(demo_exporters))
    app.command()(evaluate)
    app.command()(train)
    app.command()(doctor)
    return app


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    What the user can mend is one line on the error stream and code 2; Ctrl-C is 130. Whatever
    happens, no half-written output stays.

    Args:
        app: from `create_app`.
        arguments: without the program's name; those of this process if None.
    """
    try:
        app(arguments, prog_name="trackanything")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except (TrackAnythingError, OSError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return _EXIT_ERROR
    return 0


def leave_on_terminate() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that half-written outputs are removed."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(_EXIT_TERMINATED))
