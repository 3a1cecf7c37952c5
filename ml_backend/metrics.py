"""What Prometheus reads at `/metrics`: requests, stages of the work, the queue, the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from flask import Flask, Response, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from trackanything_core.errors import StoreError
from trackanything_core.jobs.status import QueueOverview

Stage: TypeAlias = Literal["fetch", "embed", "segment", "propagate"]
"""A part of the work: pictures are fetched, SAM encodes one, SAM answers, XMem takes a frame."""

_SECONDS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    """All measurements of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "trackanything_requests",
            "Requests answered",
            ["route", "status"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "trackanything_request_seconds",
            "Time to answer a request",
            ["route"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._stage_seconds = Histogram(
            "trackanything_stage_seconds",
            "Time that a part of the work takes",
            ["stage"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._cache = Counter(
            "trackanything_cache",
            "Pictures and embeddings that were asked for",
            ["cache", "outcome"],
            registry=self._registry,
        )

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Time a part of the work, also where it fails."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._stage_seconds.labels(stage).observe(time.monotonic() - started)

    def cached(self, cache: Literal["media", "embeddings"], *, hits: int, misses: int) -> None:
        """Count what a cache had and what it had not."""
        self._cache.labels(cache, "hit").inc(hits)
        self._cache.labels(cache, "miss").inc(misses)

    def watch(self, name: str, explanation: str, value: Callable[[], float]) -> None:
        """Report a number that is asked for whenever somebody looks."""
        Gauge(f"trackanything_{name}", explanation, registry=self._registry).set_function(value)

    def watch_queue(self, overview: Callable[[], QueueOverview]) -> None:
        """Report the queue of jobs; nothing of it while the database is away."""
        self._registry.register(_QueueCollector(overview))

    def collect(self) -> Iterable[Metric]:
        """All measurements as they are now."""
        return self._registry.collect()

    @property
    def resident_bytes(self) -> int:
        """Memory of this process; 0 where the system does not say."""
        return int(self._registry.get_sample_value("process_resident_memory_bytes") or 0)

    def add_to(self, app: Flask) -> None:
        """Measure every request of an application, and add `/metrics`."""

        @app.before_request
        def start() -> None:
            g.started = time.monotonic()

        @app.after_request
        def count(response: Response) -> Response:
            route = request.url_rule.rule if request.url_rule else "other"
            self._requests.labels(route, str(response.status_code)).inc()
            self._request_seconds.labels(route).observe(time.monotonic() - g.started)
            return response

        @app.get("/metrics")
        def metrics() -> Response:
            return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)


class _QueueCollector(Collector):
    def __init__(self, overview: Callable[[], QueueOverview]) -> None:
        self._overview = overview

    def describe(self) -> Iterable[Metric]:
        return []  # so that registering asks no database

    def collect(self) -> Iterable[Metric]:
        try:
            overview = self._overview()
        except StoreError:
            return
        for name, explanation, value in (
            ("jobs_queued", "Jobs that wait", overview.queued),
            ("jobs_running", "Jobs that are worked on", overview.running),
            ("jobs_oldest_seconds", "How long the oldest has waited", overview.oldest_seconds),
            ("frames_per_second", "Frames of all running jobs", overview.frames_per_second),
        ):
            yield GaugeMetricFamily(f"trackanything_{name}", explanation, value=float(value))
