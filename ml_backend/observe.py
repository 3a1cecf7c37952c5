"""What operators look at: `/status` for people, `/metrics` for Prometheus."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ml_backend.journal import Journal
from ml_backend.loading import BackgroundLoader

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


def add_status(app: Flask, version: str, loader: BackgroundLoader[Any], journal: Journal) -> None:
    """Add `/status`: the networks, the work, the newest problems."""

    @app.get("/status")
    def status() -> dict[str, Any]:
        return {
            "model": {
                "version": version,
                "state": loader.state,
                "problem": loader.problem,
            },
            **_at_work(loader),
            "problems": journal.newest(),
        }


def add_metrics(app: Flask, loader: BackgroundLoader[Any]) -> None:
    """Add `/metrics`: requests by route and status, their seconds, the queue, open sessions."""
    registry = CollectorRegistry()
    requests = Counter(
        "trackanything_requests", "Requests answered", ["route", "status"], registry=registry
    )
    seconds = Histogram(
        "trackanything_request_seconds",
        "Time to answer a request",
        ["route"],
        registry=registry,
        buckets=_SECONDS,
    )

    jobs = Gauge("trackanything_jobs", "Jobs by state", ["state"], registry=registry)
    speed = Gauge("trackanything_frames_per_second", "Frames tracked per second", registry=registry)
    opened = Gauge("trackanything_open_sessions", "Sessions in memory", registry=registry)

    @app.before_request
    def start() -> None:
        g.started = time.monotonic()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "other"
        requests.labels(route, str(response.status_code)).inc()
        seconds.labels(route).observe(time.monotonic() - g.started)
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        if work := _at_work(loader):
            for state in ("queued", "running"):
                jobs.labels(state).set(work["jobs"][state])
            speed.set(work["jobs"]["frames_per_second"])
            opened.set(len(work["open_sessions"]))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _at_work(loader: BackgroundLoader[Any]) -> dict[str, Any]:
    """What the model says of its work; nothing before it is there."""
    if loader.state != "ready":
        return {}
    work: dict[str, Any] = loader.wait(0).status()
    return work
