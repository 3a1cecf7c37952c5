"""The model class, in the form that Label Studio's `label-studio-ml` package asks for.

Importing label-studio-ml imports torch and sets how processes start, so that nothing else here
imports it, and this module is imported where the networks are loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ml_backend.errors import RequestError
from ml_backend.journal import Journal
from ml_backend.label_config import is_video_config, parse_label_config, parse_video_config
from ml_backend.label_studio import LabelStudio
from ml_backend.measured import measure_propagators, measure_segmenter
from ml_backend.metrics import Metrics
from ml_backend.payloads import Context, PredictBody, Task, WebhookBody, read_body
from ml_backend.projects import ProjectOptions
from ml_backend.prompts import Interaction, read_interaction
from ml_backend.regions import Prediction, build_prediction
from ml_backend.requests import read_task, read_video, read_work
from ml_backend.settings import Settings
from ml_backend.shared_sessions import find_addresses
from ml_backend.sources import Sources
from ml_backend.submissions import Submissions
from ml_backend.tracker import Tracker, TrackingRequest, TrackingTask
from ml_backend.video_tracker import VideoRequest, VideoTracker, read_boxes
from trackanything_core.errors import TrackAnythingError
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.models.device import pick_device, used_bytes
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.store.store import Store
from trackanything_core.types import FrameIndex
from trackanything_core.video.base import FrameSource
from trackanything_core.video.cuts import find_cuts

logger = logging.getLogger(__name__)

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
        workspace: the sessions, and the work on them.
        tracker: answers interactive requests on lists of pictures.
        videos: answers interactive requests on videos.
        submissions: what happens beside interactive requests.
        projects: what the connections of projects say.
        version: named in predictions.
        device: describes the device and what is open on it, for `/status`.
        kwargs: for the base class.
    """

    def __init__(
        self,
        *,
        workspace: Workspace,
        tracker: Tracker,
        videos: VideoTracker,
        submissions: Submissions,
        projects: ProjectOptions,
        version: str,
        device: Callable[[], dict[str, Any]] = dict,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.device = device
        self.workspace = workspace
        self._tracker = tracker
        self._videos = videos
        self.submissions = submissions
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
            One prediction for the task; for each task of a batch one, or none.

        Raises:
            TrackAnythingError: the request cannot be answered.
        """
        if context is None:
            return [self._known(task, project, label_config) for task in tasks]
        body = read_body(
            PredictBody,
            {
                "tasks": tasks,
                "project": project,
                "label_config": label_config,
                "params": {"context": context},
            },
        )
        _one_task(body)
        if is_video_config(body.label_config):
            regions = self._videos.answer(self._read_video(body))
        else:
            regions = self._tracker.answer(*self._read(body))
        return [build_prediction(regions, self._version)]

    def fit(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Nothing is learnt from annotations here."""
        return {}

    def take(self, body: WebhookBody) -> None:
        """Take a webhook's event in, for as long as that takes.

        Raises:
            TrackAnythingError: it cannot be taken in.
        """
        self.submissions.take(body)

    def _read(self, body: PredictBody) -> tuple[TrackingRequest, Interaction]:
        task, context = _one_task(body)
        config = parse_label_config(body.label_config)
        project = body.project or str(task.project or "")
        request = TrackingRequest(
            task=read_task(task, project, config),
            config=config,
            work=read_work(task, config),
            objects=config.objects or self._projects.objects_of(project),
            user=task.open_work()[1].author,
        )
        return request, read_interaction(context.result, config)

    def _read_video(self, body: PredictBody) -> VideoRequest:
        task, context = _one_task(body)
        config = parse_video_config(body.label_config)
        key, address = read_video(task, body.project or str(task.project or ""), config)
        return VideoRequest(
            key=key,
            address=address,
            config=config,
            rate=config.rate(task.data),
            rows=read_boxes(context.result, config),
            user=task.open_work()[1].author,
        )

    def _known(self, task: Mapping[str, Any], project: str, label_config: str) -> list[Prediction]:
        """What is known of a task of a batch; nothing, rather than an error for all of them."""
        try:
            if is_video_config(label_config):
                return []
            body = read_body(PredictBody, {"tasks": [task], "project": project})
            config = parse_label_config(label_config)
            known = self.submissions.known(body.tasks[0], project, config)
        except TrackAnythingError as error:
            logger.warning("task %s has no prediction: %s", task.get("id"), error)
            return []
        return [known] if known else []


def _one_task(body: PredictBody) -> tuple[Task, Context]:
    if len(body.tasks) != 1 or body.context is None:
        raise RequestError(f"expected one task with its context, got {len(body.tasks)} tasks")
    return body.tasks[0], body.context


def load_model(
    settings: Settings,
    sources: Sources,
    projects: ProjectOptions,
    journal: Journal,
    metrics: Metrics,
) -> TrackAnythingModel:
    """Load the networks that the settings name, with clocks on them. Takes seconds to minutes.

    Raises:
        WeightsError: they are missing or do not fit.
        StoreError: the database cannot be opened.
    """
    segmenter = load_segmenter(settings.segmenter, settings.segmenter_weights, settings.device)
    propagators = load_propagator(settings.propagator, settings.propagator_weights, settings.device)
    measure_segmenter(segmenter, metrics)
    measure_propagators(propagators, metrics)

    def look_for_cuts(video: FrameSource) -> Sequence[FrameIndex]:
        return find_cuts(video) if len(video) <= settings.cut_frames else ()

    workspace = Workspace(
        Store.open(settings.database),
        segmenter,
        propagators,
        sources.open,
        find_cuts=look_for_cuts,
        live_sessions=settings.live_sessions,
        run_jobs=settings.run_jobs,
    )
    metrics.watch("open_sessions", "Sessions in memory", lambda: len(workspace.open_sessions()))
    device = pick_device(settings.device)
    metrics.watch("device_bytes", "Memory held on the device", lambda: used_bytes(device))

    def describe() -> dict[str, Any]:
        return {
            "name": str(device),
            "used_bytes": used_bytes(device),
            "segmenter": segmenter.name,
            "propagator": propagators.name,
            "sessions": workspace.open_sessions(),
        }

    return build_model(settings, workspace, sources, projects, journal, describe)


def build_model(
    settings: Settings,
    workspace: Workspace,
    sources: Sources,
    projects: ProjectOptions,
    journal: Journal,
    device: Callable[[], dict[str, Any]] = dict,
) -> TrackAnythingModel:
    """The model over a workspace; `device` describes what its networks are on."""

    def find_frames(task: TrackingTask, key: str) -> Sequence[str]:
        label_studio = LabelStudio(sources.connections.of(task.key.project))
        number = int(task.key.project.partition(".")[0])
        return find_addresses(label_studio, number, task.session, key)

    tracker = Tracker(
        workspace,
        answer_seconds=settings.answer_seconds,
        objects=settings.objects,
        find_frames=find_frames,
    )
    submissions = Submissions(
        workspace,
        tracker,
        sources.connections,
        journal,
        version=settings.model_version,
        track=settings.track_on_submit,
    )
    return TrackAnythingModel(
        workspace=workspace,
        tracker=tracker,
        videos=VideoTracker(workspace, answer_seconds=settings.answer_seconds, warn=journal.record),
        submissions=submissions,
        projects=projects,
        version=settings.model_version,
        device=device,
    )
