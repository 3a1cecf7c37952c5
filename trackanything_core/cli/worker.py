"""`trackanything worker`: a process, or a Ray cluster, that works off the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackanything_core.cli import models
from trackanything_core.cli.store_options import DatabaseUrl, database_url

if TYPE_CHECKING:
    from trackanything_core.jobs.live import OpenSource
    from trackanything_core.jobs.workspace import Workspace

_LOOK_SECONDS = 1.0


def make_worker(sources: Callable[[], OpenSource] | None) -> Callable[..., None]:
    """The command.

    Args:
        sources: gives what opens the videos of sessions, on whatever machine it is called; must be
            importable by name. Paths are opened if None.
    """

    def worker(
        database: DatabaseUrl = None,
        ray: Annotated[
            str | None,
            typer.Option(
                metavar="ADDRESS",
                help="Work on all machines of the Ray cluster there, such as auto or host:6379.",
                show_default="this process",
            ),
        ] = None,
        cores: Annotated[
            int, typer.Option(min=1, help="CPU cores of a worker where Ray has no GPUs.")
        ] = 1,
        until_idle: Annotated[bool, typer.Option(help="End when no job waits or runs.")] = False,
        segmenter: models.ServedSegmenterName = "embedded",
        segmenter_weights: models.ServedSegmenterWeights = None,
        propagator: models.ServedPropagatorName = "embedded",
        propagator_weights: models.ServedPropagatorWeights = None,
        device: models.ServedDevice = "auto",
    ) -> None:
        """Compute what is asked for in the background, until told to stop."""
        from trackanything_core.jobs.queue import JobQueue
        from trackanything_core.jobs.ray_workers import RayWorkers
        from trackanything_core.store.store import Store

        url = database_url(database)
        chosen = (segmenter, segmenter_weights, propagator, propagator_weights, device)
        make = partial(open_workspace, url, chosen, sources)
        queue = JobQueue(Store.open(url).database)
        workers = RayWorkers(ray, make, cores) if ray else make()
        try:
            while not (until_idle and not queue.all(active=True, limit=1)):
                time.sleep(_LOOK_SECONDS)
                if isinstance(workers, RayWorkers):
                    workers.fill()
        finally:
            workers.close()

    return worker


def open_workspace(
    url: str,
    chosen: tuple[str, Path | None, str, Path | None, str],
    sources: Callable[[], OpenSource] | None,
) -> Workspace:
    """The workspace of one worker, on the machine on which it is called.

    Args:
        url: of the database.
        chosen: the networks, as `load_models` takes them.
        sources: as for `make_worker`.
    """
    from trackanything_core.jobs.workspace import Workspace, open_path
    from trackanything_core.store.store import Store

    segmenter, propagators = models.load_models(*chosen)
    opens = open_path if sources is None else sources()
    return Workspace(Store.open(url), segmenter, propagators, opens)
