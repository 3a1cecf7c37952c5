"""From the task of a request to what the tracker knows of tasks."""

from __future__ import annotations

from ml_backend.errors import MediaError
from ml_backend.label_config import FramesConfig, VideoConfig
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


def read_video(task: Task, project: str, config: VideoConfig) -> tuple[TaskKey, str]:
    """The task, and the address of its video.

    Raises:
        MediaError: the task has no video where the configuration says.
    """
    address = task.data.get(config.video_key)
    if not isinstance(address, str) or not address:
        raise MediaError(
            f"expected the address of the video in data.{config.video_key}, "
            f"got {type(address).__name__}: see label_config/README.md"
        )
    return TaskKey(project, task.id), address


def read_work(task: Task, config: FramesConfig) -> OpenWork:
    """The draft or annotation that the editor most likely has open."""
    name, work = task.open_work()
    rows = tuple(read_mask_rows(work.result or (), config.prompt_names))
    return OpenWork(name, rows, work.saved)
