"""The bodies of Label Studio's requests, as far as they are used here."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from ml_backend.errors import RequestError

Body = TypeVar("Body", bound=BaseModel)


class Context(BaseModel):
    """The editor's unaccepted smart regions."""

    result: list[dict[str, Any]] = []


class Params(BaseModel):
    """Present in every prediction request; without context it is a batch."""

    context: Context | None = None


class Work(BaseModel):
    """A draft or annotation of a task."""

    result: list[dict[str, Any]] | None = None


class Task(BaseModel):
    """A task and what people and models have made of it."""

    id: int
    project: int | None = None
    data: dict[str, Any] = {}
    drafts: list[Work] = []
    annotations: list[Work] = []

    def edited_region_ids(self) -> frozenset[str]:
        """The regions that came from a prediction and were then changed by hand."""
        return frozenset(
            str(row.get("id"))
            for work in (*self.drafts, *self.annotations)
            for row in work.result or ()
            if row.get("origin") == "prediction-changed"
        )


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


class WebhookBody(BaseModel):
    """`POST /webhook`."""

    action: str = ""


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
