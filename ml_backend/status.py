"""What an engineer looks at: `/status`, as JSON for programs and as a page for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Flask, Response, jsonify, render_template, request

from ml_backend.journal import Journal
from ml_backend.loading import BackgroundLoader
from ml_backend.metrics import Metrics
from trackanything_core.errors import StoreError
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.jobs.status import JobStatus

_JOBS = 50


def add_status(
    app: Flask,
    version: str,
    loader: BackgroundLoader[Any],
    journal: Journal,
    queue: Callable[[], JobQueue],
    metrics: Metrics,
    device: Callable[[], dict[str, Any]],
) -> None:
    """Add `/status`: networks, device, memory, jobs with their progress, the newest problems.

    Args:
        app: gets the route.
        version: of the model.
        loader: of the networks.
        journal: of what went wrong.
        queue: gives the jobs; asked at each look, so that the page says when the database is away.
        metrics: knows the memory of this process.
        device: describes the device and what is open on it; empty while the networks load.
    """

    @app.get("/status")
    def status() -> Response | str:
        found = {
            "model": {
                "version": version,
                "state": loader.state,
                "problem": loader.problem,
            },
            "device": device(),
            "resident_bytes": metrics.resident_bytes,
            **_jobs(queue),
            "problems": journal.newest(),
        }
        wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
        if wanted == "text/html":
            return render_template("status.html", **found)
        return jsonify(found)


def _jobs(queue: Callable[[], JobQueue]) -> dict[str, Any]:
    try:
        jobs = queue()
        return {
            "queue": asdict(jobs.overview()),
            "jobs": [_describe(job) for job in jobs.all(limit=_JOBS)],
            "database_problem": "",
        }
    except StoreError as error:
        return {"queue": None, "jobs": [], "database_problem": str(error)}


def _describe(job: JobStatus) -> dict[str, Any]:
    return {**asdict(job), "seconds_left": job.seconds_left}
