"""The model class, in the form that Label Studio's `label-studio-ml` package asks for.

Importing label-studio-ml imports torch and sets how processes start, so that nothing else here
imports it, and this module is imported where the networks are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml_backend.errors import RequestError
from ml_backend.label_config import parse_label_config
from ml_backend.payloads import PredictBody, read_body
from ml_backend.projects import ProjectOptions
from ml_backend.prompts import read_interaction
from ml_backend.regions import Prediction, build_prediction, no_predictions
from ml_backend.requests import read_task, read_work
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from ml_backend.tracker import Tracker, TrackingRequest
from trackanything_core.models.registry import load_propagator, load_segmenter

try:
    from label_studio_ml.model import LabelStudioMLBase
except ImportError:  # it pins an old Flask, and an installation by pip may be without it

    class LabelStudioMLBase:  # type: ignore[no-redef]
        """Takes the place of the base class of label-studio-ml."""

        def __init__(self, **kwargs: Any) -> None:
            pass


class TrackAnythingModel(LabelStudioMLBase):  # type: ignore[misc]
    """Clicks in the editor become masks on the frames of a task.

    Args:
        tracker: does the work.
        projects: what the connections of projects say.
        version: named in predictions.
        kwargs: for the base class.
    """

    def __init__(
        self, *, tracker: Tracker, projects: ProjectOptions, version: str, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._tracker = tracker
        self._projects = projects
        self._version = version

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        context: Mapping[str, Any] | None = None,
        *,
        project: str = "",
        label_config: str = "",
        **kwargs: Any,
    ) -> list[Prediction] | list[list[Prediction]]:
        """Answer what `/predict` asks.

        Args:
            tasks: as Label Studio sends them; one where there is a context.
            context: the editor's unaccepted smart regions; None in a batch.
            project: as Label Studio names it in requests.
            label_config: of the project, in XML.
            kwargs: what else label-studio-ml passes on; not used.

        Returns:
            One prediction for the task; nothing for each task of a batch.

        Raises:
            TrackAnythingError: the request cannot be answered.
        """
        if context is None:
            return no_predictions(len(tasks))
        body = read_body(
            PredictBody,
            {
                "tasks": tasks,
                "project": project,
                "label_config": label_config,
                "params": {"context": context},
            },
        )
        return [build_prediction(self._tracker.answer(self._read(body)), self._version)]

    def fit(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Nothing is learnt from annotations here."""
        return {}

    def _read(self, body: PredictBody) -> TrackingRequest:
        if len(body.tasks) != 1 or body.context is None:
            raise RequestError(f"expected one task with its context, got {len(body.tasks)} tasks")
        (task,) = body.tasks
        config = parse_label_config(body.label_config)
        project = body.project or str(task.project or "")
        return TrackingRequest(
            task=read_task(task, project, config),
            config=config,
            interaction=read_interaction(body.context.result, config),
            work=read_work(task, config),
            objects=self._projects.objects_of(project),
            user=task.open_work()[1].author,
        )


def load_model(
    settings: Settings, sources: Sources, projects: ProjectOptions
) -> TrackAnythingModel:
    """Load the networks that the settings name. Takes seconds to minutes.

    Raises:
        WeightsError: they are missing or do not fit.
        StoreError: the database cannot be opened.
    """
    workspace = Workspace(
        Store.open(settings.database),
        load_segmenter(settings.segmenter, settings.segmenter_weights, settings.device),
        load_propagator(settings.propagator, settings.propagator_weights, settings.device),
        sources.open,
        live_sessions=settings.live_sessions,
    )
    return build_model(settings, workspace, projects)


def build_model(
    settings: Settings, workspace: Workspace, projects: ProjectOptions
) -> TrackAnythingModel:
    """The model over a workspace."""
    tracker = Tracker(workspace, answer_seconds=settings.answer_seconds, objects=settings.objects)
    return TrackAnythingModel(tracker=tracker, projects=projects, version=settings.model_version)
