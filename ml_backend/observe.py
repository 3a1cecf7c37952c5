"""What operators look at: `/status` for people, `/metrics` for Prometheus."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ml_backend.journal import Journal
from ml_backend.loading import BackgroundLoader
from ml_backend.tasks import TaskKey, Tasks, TaskState

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


def add_status(
    app: Flask, version: str, loader: BackgroundLoader[Any], tasks: Tasks, journal: Journal
) -> None:
    """Add `/status`: the networks, the tasks that are remembered, the newest problems."""

    @app.get("/status")
    def status() -> dict[str, Any]:
        return {
            "model": {
                "version": version,
                "state": loader.state,
                "problem": loader.problem,
            },
            "tasks": [_describe(key, state) for key, state in reversed(tasks.states())],
            "problems": journal.newest(),
        }


def add_metrics(app: Flask, tasks: Tasks) -> None:
    """Add `/metrics`: requests by route and status, their seconds, live sessions."""
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
    live = Gauge("trackanything_live_sessions", "Sessions in memory", registry=registry)
    live.set_function(lambda: sum(state.live is not None for _, state in tasks.states()))

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
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _describe(key: TaskKey, state: TaskState) -> dict[str, Any]:
    memory = state.memory
    return {
        "project": key.project,
        "task": key.task,
        "frames": len(state.addresses),
        "live": state.live is not None,
        "prompted": {label: memory.frames(label) for label in memory.rows},
    }
