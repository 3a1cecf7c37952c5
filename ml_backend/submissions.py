"""What happens when an annotation is submitted: its hand work counts, and what is missing follows.

The missing masks come back as a prediction, since nothing can be put into an open editor.
"""

from __future__ import annotations

import logging

from ml_backend.answers import Window, all_regions
from ml_backend.completions import Completions, Submitted
from ml_backend.connections import Connections
from ml_backend.journal import Journal
from ml_backend.label_config import FramesConfig, is_video_config, parse_label_config
from ml_backend.payloads import Task, WebhookBody
from ml_backend.push import is_ours, push_prediction, with_note
from ml_backend.regions import Prediction, build_prediction
from ml_backend.requests import read_task, read_work
from ml_backend.tracker import Tracker, TrackingRequest
from trackanything_core.jobs.status import JobStatus
from trackanything_core.jobs.view import SessionView
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.types import FrameIndex

logger = logging.getLogger(__name__)

_EVENTS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")


class Submissions:
    """Takes in events of annotations, and says what is known of tasks in a batch.

    Args:
        workspace: the sessions, and the work on them.
        tracker: takes hand work over.
        connections: where predictions are written back.
        journal: told of what fails.
        version: named in predictions.
        track: whether missing masks are computed and written back.
    """

    def __init__(
        self,
        workspace: Workspace,
        tracker: Tracker,
        connections: Connections,
        journal: Journal,
        *,
        version: str,
        track: bool,
    ) -> None:
        self._workspace = workspace
        self._tracker = tracker
        self._connections = connections
        self._version = version
        self._track = track
        self.completions = Completions(workspace, self._write_back, journal)

    def take(self, body: WebhookBody) -> None:
        """Take a webhook's event in; those that say nothing of masks are passed over.

        Raises:
            TrackAnythingError: it cannot be taken in.
        """
        if body.action not in _EVENTS or not (body.annotation and body.task and body.project):
            return
        if is_video_config(body.project.label_config):
            return
        config = parse_label_config(body.project.label_config)
        task = body.task.model_copy(update={"annotations": [body.annotation]})
        request = TrackingRequest(
            self._tracker.settle(read_task(task, body.project.name, config)),
            config,
            read_work(task, config),
            objects=config.objects,
            user=body.annotation.author,
        )
        if self._tracker.take_over(request) and self._track:
            submitted = Submitted(
                project=body.project.name,
                task=task.id,
                first_frame=request.task.first_frame,
                frames=len(request.task.addresses),
                label_config=body.project.label_config,
            )
            self.completions.add(request.task.session_id, submitted, request.user)

    def known(self, task: Task, project: str, config: FramesConfig) -> Prediction | None:
        """What is known of a task, if all of it is; else the work on it begins, if there is any.

        Nothing for a task that has a prediction of ours, or gets one for its annotation.
        """
        if any(is_ours(found) for found in task.predictions) or (self._track and task.annotations):
            return None
        asked = self._tracker.settle(read_task(task, project, config))
        if self._workspace.store.sessions.find(asked.session_id) is None:
            return None
        view = self._workspace.view(asked.session_id)
        if not view.objects:
            return None
        if view.is_stale:
            self._workspace.track(asked.session_id, project=project)
            return None
        return self._predict(config, asked.first_frame, len(asked.addresses), view)

    def _write_back(self, session_id: str, submitted: Submitted, job: JobStatus | None) -> None:
        view = self._workspace.view(session_id)
        config = parse_label_config(submitted.label_config)
        prediction = self._predict(config, submitted.first_frame, submitted.frames, view)
        push_prediction(
            self._connections.of(submitted.project),
            submitted.task,
            with_note(prediction, _what_happened(view, job)),
        )

    def _predict(
        self, config: FramesConfig, first: FrameIndex, frames: int, view: SessionView
    ) -> Prediction:
        window = Window(first, frames, view.size)
        regions = all_regions(config, window, view.labels, view.frame_masks)
        return build_prediction(regions, self._version)


def _what_happened(view: SessionView, status: JobStatus | None) -> str:
    """One line for the person who opens the task."""
    objects = len(view.objects)
    what = f"{objects} {'object' if objects == 1 else 'objects'}"
    if status is None or status.state == "done":
        return f"Tracked on submit: {what}, all frames done."
    if status.state == "failed":
        return (
            f"Tracking on submit FAILED after {status.done} of {status.total} frames: "
            f"{status.error}. The masks so far are here; submit again to go on."
        )
    return (
        f"Tracking on submit was stopped ({status.state}) after {status.done} of "
        f"{status.total} frames. The masks so far are here."
    )
