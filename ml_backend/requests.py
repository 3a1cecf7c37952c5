"""From the task of a request to what the tracker knows of tasks."""

from __future__ import annotations

from ml_backend.label_config import FramesConfig
from ml_backend.mask_rows import read_mask_rows
from ml_backend.media import frame_addresses
from ml_backend.payloads import Task
from ml_backend.tracker import OpenWork, TaskKey, TrackingTask


def read_task(task: Task, project: str, config: FramesConfig) -> TrackingTask:
    """The task, with the session that it stands for.

    Args:
        task: as Label Studio sends it.
        project: as Label Studio names it in requests.
        config: the project's labelling configuration.

    Raises:
        MediaError: the task has no frames where the configuration says.
        RequestError: the task names a session in another form than an import writes.
    """
    shared = task.shared_session()
    return TrackingTask(
        TaskKey(project, task.id),
        frame_addresses(task.data, config.frames_key),
        session=shared.session if shared else "",
        first_frame=shared.first_frame if shared else 0,
    )


def read_work(task: Task, config: FramesConfig) -> OpenWork:
    """The draft or annotation that the editor most likely has open."""
    name, work = task.open_work()
    rows = tuple(read_mask_rows(work.result or (), config.prompt_names))
    return OpenWork(name, rows, work.saved)
