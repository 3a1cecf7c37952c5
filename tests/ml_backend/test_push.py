"""Predictions go back to Label Studio, one at a time, and the token nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from ml_backend.auth import Connection
from ml_backend.errors import PushError
from ml_backend.push import is_ours, push_prediction, with_note
from tests.ml_backend.web import Site, serve

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PREDICTION: dict[str, Any] = {
    "result": [{"id": "a"}, {"id": "b"}],
    "score": 0.5,
    "model_version": "trackanything-1",
}


@dataclass
class Shelf:
    """The predictions of a Label Studio, by number."""

    kept: dict[int, dict[str, Any]] = field(default_factory=dict)
    status: int = 200

    def answer(self, request: Request) -> Response:
        if self.status != 200:
            return Response("no", status=self.status, headers={"Location": "http://127.0.0.1:9/"})
        if request.method == "GET":
            task = int(request.args["task"])
            found = [{"id": k, **v} for k, v in self.kept.items() if v["task"] == task]
            return Response(json.dumps(found), content_type="application/json")
        if request.method == "POST":
            number = max(self.kept, default=0) + 1
            self.kept[number] = request.get_json()
        if request.method == "DELETE":
            number = int(request.path.strip("/").rpartition("/")[2])
            del self.kept[number]
        return Response("{}", content_type="application/json")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def site(shelf: Shelf) -> Iterator[Site]:
    with serve(shelf.answer) as running:
        yield running


def test_a_prediction_replaces_the_older_ones_of_ours_and_no_others(
    shelf: Shelf, site: Site
) -> None:
    shelf.kept = {
        1: {"task": 7, "model_version": "trackanything-0"},
        2: {"task": 7, "model_version": "someone else's"},
        3: {"task": 8, "model_version": "trackanything-0"},
        4: {"task": 7, "model_version": None},
    }
    push_prediction(Connection(site.url, TOKEN), 7, PREDICTION)
    assert sorted(shelf.kept) == [2, 3, 4, 5]
    assert shelf.kept[5] == {"task": 7, **PREDICTION}
    assert {header for _, header in site.requests} == {f"Token {TOKEN}"}


def test_nothing_is_deleted_where_nothing_can_be_written(shelf: Shelf, site: Site) -> None:
    shelf.kept = {1: {"task": 7, "model_version": "trackanything-0"}}
    shelf.status = 403
    with pytest.raises(PushError, match="answered 403"):
        push_prediction(Connection(site.url, TOKEN), 7, PREDICTION)
    assert sorted(shelf.kept) == [1]


def test_a_redirect_is_not_followed(shelf: Shelf, site: Site) -> None:
    shelf.status = 302
    with pytest.raises(PushError, match="answered 302"):
        push_prediction(Connection(site.url, TOKEN), 7, PREDICTION)


@pytest.mark.parametrize(
    ("connection", "message"),
    [(Connection(), "LABEL_STUDIO_URL"), (Connection("http://127.0.0.1:9", TOKEN), "cannot reach")],
)
def test_a_label_studio_that_is_not_there(connection: Connection, message: str) -> None:
    with pytest.raises(PushError, match=message) as error:
        push_prediction(connection, 7, PREDICTION)
    assert TOKEN not in str(error.value)


def test_the_note_stands_at_the_first_region_or_else_in_the_version() -> None:
    noted = with_note(PREDICTION, "all done")
    assert noted["result"] == [{"id": "a", "meta": {"text": ["all done"]}}, {"id": "b"}]
    assert "meta" not in PREDICTION["result"][0]
    empty = with_note({**PREDICTION, "result": []}, "no luck")
    assert empty["model_version"] == "trackanything-1: no luck"
    assert is_ours(empty)
