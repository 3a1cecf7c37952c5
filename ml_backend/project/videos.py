"""A video into a project: pictures first, then tasks; whatever is there already is kept.

Nothing is noted on this machine. Pictures are named after the content of the video and the number
of the frame, tasks after their session and first frame, so that Label Studio itself knows how far
an import has come: one that was killed goes on where it stopped, also on another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_backend.errors import LabelStudioError
from ml_backend.label_config import is_video_config, parse_label_config
from ml_backend.label_studio import LabelStudio
from ml_backend.project.pictures import PictureFormat, VideoKey, encode_picture, video_key
from ml_backend.shared_sessions import task_data, window_of
from trackanything_core.video.base import FrameSource
from trackanything_core.video.reader import VideoReader

MAX_TASK_FRAMES = 100
"""Label Studio's editor gets slow with more."""

_BATCH_FILES = 16
_BATCH_BYTES = 64 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to.

    Attributes:
        session: that the tasks share.
        frames: of the session.
        tasks: in all.
        new_pictures: uploaded by this run.
        new_tasks: made by this run.
    """

    session: str
    frames: int
    tasks: int
    new_pictures: int
    new_tasks: int


def import_video(
    label_studio: LabelStudio,
    project: int,
    path: Path,
    *,
    format: PictureFormat = PictureFormat.PNG,
    frames: int | None = None,
    task_frames: int = MAX_TASK_FRAMES,
    progress: Progress = lambda done, total: None,
) -> Imported:
    """Bring a video's frames into a project as tasks that share one session.

    Args:
        label_studio: where to.
        project: its number; its labelling configuration must show lists of frames.
        path: the video file.
        format: how frames are stored.
        frames: the first so many only.
        task_frames: of a task, at most.
        progress: called with the frames that are there and the frames in all.

    Raises:
        VideoError: the file cannot be decoded.
        LabelStudioError: Label Studio cannot be reached, refuses, or shows no frames.
    """
    frames_key = _frames_key(label_studio, project)
    with VideoReader(path) as video:
        count = len(video) if frames is None else min(frames, len(video))
        key = video_key(path, format)
        addresses, new_pictures = _upload(label_studio, project, video, key, count, progress)
        session = key.session(project, count)
        there = _first_frames(label_studio, project, session)
        new_tasks = 0
        for first in range(0, count, task_frames):
            if first in there:
                continue
            window = range(first, min(first + task_frames, count))
            data = task_data(
                [addresses[k] for k in window],
                key=frames_key,
                session=session,
                first_frame=first,
                frames=count,
                video=path.name,
                times=None if video.times is None else [float(video.times[k]) for k in window],
            )
            label_studio.add_task(project, data)
            new_tasks += 1
    return Imported(session, count, len(there) + new_tasks, new_pictures, new_tasks)


def _frames_key(label_studio: LabelStudio, project: int) -> str:
    config = label_studio.project(project)["label_config"]
    if is_video_config(config):
        raise LabelStudioError(
            f"project {project} shows whole videos: upload them in Label Studio itself, or make "
            "a project for frames with `trackanything project create`"
        )
    return parse_label_config(config).frames_key


def _upload(
    label_studio: LabelStudio,
    project: int,
    video: FrameSource,
    key: VideoKey,
    count: int,
    progress: Progress,
) -> tuple[list[str], int]:
    """Upload the pictures that are not there yet.

    Returns:
        The addresses of all, and how many are new.
    """
    there = label_studio.uploads(project)
    missing = [k for k in range(count) if key.picture(k) not in there]
    done = count - len(missing)
    progress(done, count)
    for batch in _batches(video, key, missing):
        label_studio.upload(project, batch, key.format.media_type)
        done += len(batch)
        progress(done, count)
    if missing:
        there = label_studio.uploads(project)
    lost = [k for k in range(count) if key.picture(k) not in there]
    if lost:
        raise LabelStudioError(
            f"expected Label Studio to keep all {count} pictures, {len(lost)} of them are missing "
            f"(frame {lost[0]} is the first): run the import again"
        )
    return [there[key.picture(k)] for k in range(count)], len(missing)


def _batches(video: FrameSource, key: VideoKey, frames: list[int]) -> Iterator[dict[str, bytes]]:
    batch: dict[str, bytes] = {}
    for frame in frames:
        batch[key.picture(frame)] = encode_picture(video.read(frame), key.format)
        size = sum(map(len, batch.values()))
        if len(batch) == _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch = {}
    if batch:
        yield batch


def _first_frames(label_studio: LabelStudio, project: int, session: str) -> set[int]:
    found: set[int] = set()
    for task in label_studio.tasks(project):
        window: Any = window_of(task["data"])
        if window is not None and window.session == session:
            found.add(window.first_frame)
    return found
