"""The HTTP side: what Label Studio 1.23 calls.

Label Studio waits one second for `/health` and webhooks and three for `/setup`, so that none of
them waits for the networks or for a task at work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Protocol

from flask import Flask, g, request

from ml_backend.connections import Connections
from ml_backend.error_answers import answer_errors
from ml_backend.errors import LabelConfigError
from ml_backend.inbox import Inbox
from ml_backend.journal import Journal
from ml_backend.label_config import is_video_config, parse_label_config, parse_video_config
from ml_backend.loading import BackgroundLoader
from ml_backend.metrics import Metrics
from ml_backend.payloads import PredictBody, SetupBody, WebhookBody, read_body
from ml_backend.projects import ProjectOptions
from ml_backend.regions import no_predictions
from ml_backend.settings import Settings
from ml_backend.sources import Sources, make_sources
from ml_backend.status import add_status
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.store.database import Database

logger = logging.getLogger(__name__)


class Model(Protocol):
    """What the app asks of the model class; `TrackAnythingModel.predict` says more."""

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        context: Mapping[str, Any] | None = None,
        *,
        project: str = "",
        label_config: str = "",
    ) -> Sequence[Any]:
        """Answer what `/predict` asks."""

    def take(self, body: WebhookBody) -> None:
        """Take a webhook's event in."""

    def device(self) -> dict[str, Any]:
        """What `/status` shows of the device and of what is open on it."""


_LOADING_SECONDS = 600.0
"""How long an event waits for the networks."""

LoadModel = Callable[[Settings, Sources, ProjectOptions, Journal], Model]


def create_app(settings: Settings, load_model: LoadModel | None = None) -> Flask:
    """Make the WSGI application, and begin to load the networks in the background.

    Args:
        settings: all that can be set.
        load_model: makes the model; the networks that the settings name by default.
    """
    app = Flask("ml_backend")
    app.config["MAX_CONTENT_LENGTH"] = settings.request_bytes
    journal = Journal()
    connections = Connections(settings)
    projects = ProjectOptions()
    metrics = Metrics()
    load = load_model or partial(_load_networks, metrics=metrics)
    sources = make_sources(settings, connections, metrics)
    loader = app.extensions["loader"] = BackgroundLoader(
        lambda: load(settings, sources, projects, journal)
    )
    # Opened when somebody looks: the application starts without its database, and says so.
    queue = cache(lambda: JobQueue(Database.open(settings.database)))

    def device() -> dict[str, Any]:
        model = loader.ready
        return model.device() if model else {}

    answer_errors(app, journal)
    metrics.add_to(app)
    metrics.watch_queue(lambda: queue().overview())
    add_status(app, settings.model_version, loader, journal, queue, metrics, device)
    _add_label_studio(app, settings, connections, projects, loader, journal)
    return app


def _load_networks(
    settings: Settings,
    sources: Sources,
    projects: ProjectOptions,
    journal: Journal,
    *,
    metrics: Metrics,
) -> Model:
    # Imports torch, which takes seconds.
    from ml_backend.model import load_model

    return load_model(settings, sources, projects, journal, metrics)


def _add_label_studio(
    app: Flask,
    settings: Settings,
    connections: Connections,
    projects: ProjectOptions,
    loader: BackgroundLoader[Model],
    journal: Journal,
) -> None:
    inbox = app.extensions["inbox"] = Inbox(journal)

    @app.get("/health")
    @app.get("/")
    def health() -> tuple[dict[str, str], int]:
        # Label Studio shows a backend that is down, and nothing else that goes wrong.
        if loader.state == "failed":
            return {"status": "DOWN", "error": loader.problem}, 503
        return {"status": "UP", "model_class": "TrackAnythingModel"}, 200

    @app.post("/setup")
    def setup() -> dict[str, str]:
        body = read_body(SetupBody, request.get_json(force=True))
        connections.introduce(body.project, body.hostname or "", body.access_token or "")
        projects.introduce(body.project, body.objects)
        if body.label_config:
            try:
                if is_video_config(body.label_config):
                    parse_video_config(body.label_config)
                else:
                    parse_label_config(body.label_config)
            except LabelConfigError as error:
                # Not a reason to refuse: the configuration may be edited after the connection.
                journal.record(f"project {body.project}", str(error))
        return {"model_version": settings.model_version}

    @app.post("/predict")
    def predict() -> dict[str, Sequence[Any]]:
        data = request.get_json(force=True)
        body = read_body(PredictBody, data)
        if body.context is None and loader.state == "loading":
            # Asked again when the task is opened; nobody waits for this one.
            return {"results": no_predictions(len(body.tasks))}
        g.where = f"project {body.project} task {', '.join(str(task.id) for task in body.tasks)}"
        results = loader.wait(settings.answer_seconds).predict(
            data["tasks"],
            context=data["params"]["context"] if body.context else None,
            project=body.project or "",
            label_config=body.label_config,
        )
        return {"results": results}

    @app.post("/webhook")
    def webhook() -> dict[str, str]:
        body = read_body(WebhookBody, request.get_json(force=True))
        logger.info("webhook %.40s", body.action)
        inbox.put(
            f"webhook {body.action:.40}",
            lambda: loader.wait(_LOADING_SECONDS).take(body),
        )
        return {"status": "ok"}

    @app.get("/versions")
    def versions() -> dict[str, Any]:
        return {"versions": [settings.model_version], "message": "ok"}
