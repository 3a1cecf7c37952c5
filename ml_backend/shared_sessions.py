"""One video as several tasks that share a session: what stands in their data, and the way back.

Label Studio's editor is at ease with a hundred frames, videos are longer. The data of each task
names the session, its own first frame in it and the number of frames of all. The frames of the
others are found by asking Label Studio for the tasks of the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, NonNegativeInt, PositiveInt, StringConstraints, ValidationError

from ml_backend.errors import MediaError
from ml_backend.label_studio import LabelStudio

KEY = "trackanything"
"""Where it stands in a task's data."""


class TaskWindow(BaseModel):
    """The part of a session that a task shows.

    Attributes:
        session: name of the session.
        first_frame: frame of the session that is frame 0 of the task.
        frames: of the whole session.
        video: name of the file.
        times: seconds of each of the task's frames on the clock of the file.
    """

    session: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    first_frame: NonNegativeInt
    frames: PositiveInt
    video: str = ""
    times: list[float] | None = None


def task_data(
    addresses: Sequence[str],
    *,
    key: str,
    session: str,
    first_frame: int,
    frames: int,
    video: str,
    times: Sequence[float] | None,
) -> dict[str, Any]:
    """The data of a task.

    Args:
        addresses: of its own frames.
        key: of the list of frames, as the labelling configuration has it.
        session: as in `TaskWindow`, like those that follow.
    """
    window = TaskWindow(
        session=session,
        first_frame=first_frame,
        frames=frames,
        video=video,
        times=None if times is None else list(times),
    )
    return {key: list(addresses), KEY: window.model_dump(mode="json", exclude_none=True)}


def window_of(data: Mapping[str, Any]) -> TaskWindow | None:
    """What a task shows of a session, or None where it was not imported as part of one."""
    try:
        return TaskWindow.model_validate(data.get(KEY))
    except ValidationError:
        return None


def find_addresses(
    label_studio: LabelStudio, project: int, session: str, key: str
) -> tuple[str, ...]:
    """The frames of a whole session, from all tasks that show parts of it.

    Args:
        label_studio: where they are.
        project: number of the project.
        session: its name.
        key: of the list of frames in the tasks' data.

    Raises:
        LabelStudioError: it cannot be reached, or refuses.
        MediaError: parts are missing.
    """
    data = [task["data"] for task in label_studio.tasks(project)]
    return join_addresses(session, key, data)


def join_addresses(session: str, key: str, tasks: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Put the frames of a session together from the data of tasks, in any order.

    Raises:
        MediaError: some of them are missing.
    """
    parts: dict[int, Sequence[str]] = {}
    count = 0
    for data in tasks:
        window = window_of(data)
        if window is not None and window.session == session:
            parts[window.first_frame] = data[key]
            count = window.frames
    joined: list[str] = []
    while len(joined) < count:
        part = parts.get(len(joined))
        if not part:
            raise MediaError(
                f"expected all {count} frames of session {session} among the project's tasks, "
                f"found no task that begins at frame {len(joined)}: "
                "run `trackanything project import` again, it adds what is missing"
            )
        joined.extend(part)
    if not joined:
        raise MediaError(f"no task of the project is part of session {session}")
    return tuple(joined)
