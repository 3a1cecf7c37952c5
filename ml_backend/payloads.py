"""The bodies of Label Studio's requests, as far as they are used here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, NonNegativeInt, StringConstraints, ValidationError

from ml_backend.errors import RequestError

Body = TypeVar("Body", bound=BaseModel)


class Context(BaseModel):
    """The editor's unaccepted smart regions."""

    result: list[dict[str, Any]] = []


class Params(BaseModel):
    """Present in every prediction request; without context it is a batch."""

    context: Context | None = None


class Work(BaseModel):
    """A draft or an annotation of a task.

    Attributes:
        id: its number.
        annotation: of a draft, the number of the annotation that it changes.
        result: its rows.
        updated_at: when it was saved last.
        user: whose draft it is.
        completed_by: whose annotation it is.
    """

    id: int = 0
    annotation: int | None = None
    result: list[dict[str, Any]] | None = None
    updated_at: datetime | None = None
    user: str | int | None = None
    completed_by: Any = None

    @property
    def saved(self) -> float:
        """When it was saved last, in seconds since the epoch; 0 where nothing was saved."""
        return _seconds(self.updated_at)

    @property
    def author(self) -> str:
        """Who made it, "" where nobody says so."""
        return str(self.user or self.completed_by or "")


class TaskData(BaseModel):
    """What an import by `trackanything project` adds to a task's data.

    Attributes:
        session: the session that all tasks of one video share.
        first_frame: frame of the session that is frame 0 of the task.
    """

    session: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    first_frame: NonNegativeInt = 0


class Task(BaseModel):
    """A task and what people and models have made of it."""

    id: int
    project: int | None = None
    data: dict[str, Any] = {}
    drafts: list[Work] = []
    annotations: list[Work] = []
    predictions: list[dict[str, Any]] = []

    def open_work(self) -> tuple[str, Work]:
        """What the editor most likely has open, with a name that stays while it is worked on.

        A request does not say so. Label Studio sends the drafts of the user who asks and of
        nobody else; without one, the newest annotation is taken, and else a new one.
        """
        for works, kind in ((self.drafts, "draft"), (self.annotations, "annotation")):
            if works:
                newest = max(works, key=lambda work: (work.saved, work.id))
                if newest.annotation is not None:
                    return f"annotation {newest.annotation}", newest
                return f"{kind} {newest.id}", newest
        return "new", Work()

    def shared_session(self) -> TaskData | None:
        """The session that this task shares with others, if it does.

        Raises:
            RequestError: the task's data says so, but not in the form that an import writes.
        """
        data = self.data.get("trackanything")
        return None if data is None else read_body(TaskData, data)


def _seconds(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0


class PredictBody(BaseModel):
    """`POST /predict`."""

    tasks: list[Task]
    project: str | None = None
    label_config: str = ""
    params: Params | None = None

    @property
    def context(self) -> Context | None:
        """The editor's regions, or None for a batch."""
        return self.params.context if self.params else None


class SetupBody(BaseModel):
    """`POST /setup`."""

    project: str = ""
    label_config: str = Field("", alias="schema")
    hostname: str | None = None
    access_token: str | None = None
    extra_params: str | dict[str, Any] | None = None

    @property
    def objects(self) -> Literal["one", "many"] | None:
        """How many objects a label has by the connection's extra parameters, if they say so."""
        extra = self.extra_params
        if isinstance(extra, str):
            try:
                extra = json.loads(extra)
            except ValueError:
                return None
        if not isinstance(extra, dict):
            return None
        given: dict[Any, Literal["one", "many"]] = {"one": "one", "many": "many"}
        return given.get(extra.get("objects"))


class Project(BaseModel):
    """A project, as webhooks describe it."""

    id: int
    created_at: datetime | None = None
    label_config: str = ""

    @property
    def name(self) -> str:
        """As Label Studio names it in the other requests: number and time of making."""
        return f"{self.id}.{int(_seconds(self.created_at))}"


class WebhookBody(BaseModel):
    """`POST /webhook`: one of many events; what is missing does not belong to it."""

    action: str = ""
    annotation: Work | None = None
    task: Task | None = None
    project: Project | None = None


def read_body(kind: type[Body], data: Any) -> Body:
    """Check a request's JSON.

    Raises:
        RequestError: it is not formed as Label Studio forms it.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise RequestError(
            f"expected the request of Label Studio 1.23, got one with {where}: {first['msg']}"
        ) from None
