"""`trackanything jobs`: what the queue holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from trackanything_core.cli.store_options import DatabaseUrl, open_store

if TYPE_CHECKING:
    from trackanything_core.jobs.queue import JobQueue
    from trackanything_core.jobs.status import JobStatus

jobs = typer.Typer(help="Look at background work, and stop it.", no_args_is_help=True)

_All = Annotated[bool, typer.Option("--all", help="Show work that has ended, too.")]


@jobs.command("list")
def list_jobs(database: DatabaseUrl = None, everything: _All = False) -> None:
    """Show the jobs that wait or run."""
    Console().print(_table(_queue(database), everything))


@jobs.command()
def watch(
    database: DatabaseUrl = None,
    everything: _All = False,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time between two looks.")] = 1.0,
    until_idle: Annotated[bool, typer.Option(help="End when no job waits or runs.")] = False,
) -> None:
    """Show the jobs as they go on, until Ctrl-C."""
    queue = _queue(database)
    with Live(_table(queue, everything), auto_refresh=False) as live:
        while not (until_idle and not queue.all(active=True, limit=1)):
            time.sleep(seconds)
            live.update(_table(queue, everything), refresh=True)


@jobs.command()
def cancel(
    numbers: Annotated[list[int], typer.Argument(help="As `jobs list` shows them.")],
    database: DatabaseUrl = None,
) -> None:
    """End jobs after the frame at hand; the masks that they made stay."""
    queue = _queue(database)
    for number in numbers:
        queue.cancel_job(number)


def _queue(database: str | None) -> JobQueue:
    from trackanything_core.jobs.queue import JobQueue

    return JobQueue(open_store(database).database)


def _table(queue: JobQueue, everything: bool) -> Table:
    overview = queue.overview()
    table = Table(
        caption=f"{overview.running} running at {overview.frames_per_second:.1f} frames/s, "
        f"{overview.queued} waiting, the oldest for {overview.oldest_seconds:.0f} s"
    )
    for name in ("job", "session", "user", "project", "state", "frames", "frames/s", "left"):
        table.add_column(name)
    for job in queue.all(active=not everything):
        table.add_row(*_row(job))
    return table


def _row(job: JobStatus) -> tuple[str, ...]:
    left = job.seconds_left
    return (
        str(job.id),
        job.session_id,
        job.user,
        job.project,
        f"{job.state}: {job.error}" if job.error else job.state,
        f"{job.done}/{job.total}" if job.total else "",
        f"{job.frames_per_second:.1f}" if job.frames_per_second else "",
        f"{left:.0f} s" if left is not None and job.is_active else "",
    )
