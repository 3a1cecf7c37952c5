"""The frames of a video that is several tasks are found again, whole and in order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from ml_backend.auth import Connection
from ml_backend.errors import LabelStudioError, MediaError
from ml_backend.label_studio import LabelStudio
from ml_backend.payloads import Task
from ml_backend.shared_sessions import find_addresses, join_addresses, task_data, window_of
from tests.ml_backend.web import serve


def parts(count: int, size: int, session: str = "s") -> list[dict[str, Any]]:
    addresses = [f"/{session}/{k}" for k in range(count)]
    return [
        task_data(
            addresses[first : first + size],
            key="frames",
            session=session,
            first_frame=first,
            frames=count,
            video="a.mp4",
            times=None,
        )
        for first in range(0, count, size)
    ]


@pytest.mark.property
@given(st.data(), st.integers(1, 60), st.integers(1, 20))
def test_parts_in_any_order_and_among_others_are_the_whole(
    data: st.DataObject, count: int, size: int
) -> None:
    others: list[dict[str, Any]] = [{"frames": ["/x"]}, {"text": "t"}, *parts(5, 2, "other")]
    shuffled = data.draw(st.permutations([*parts(count, size), *others]))
    assert join_addresses("s", "frames", shuffled) == tuple(f"/s/{k}" for k in range(count))


def test_a_missing_part_is_named() -> None:
    first, _, last = parts(30, 10)
    with pytest.raises(MediaError, match="no task that begins at frame 10"):
        join_addresses("s", "frames", [first, last])
    with pytest.raises(MediaError, match="no task of the project is part of session s"):
        join_addresses("s", "frames", parts(3, 3, "other"))


def test_the_backend_reads_what_the_import_writes() -> None:
    data = parts(30, 10)[1]
    shared = Task(id=1, data=data).shared_session()
    window = window_of(data)
    assert shared is not None
    assert window is not None
    assert (shared.session, shared.first_frame) == (window.session, window.first_frame) == ("s", 10)


def test_tasks_come_in_pages_and_the_token_stays_with_label_studio() -> None:
    tasks = [{"id": k, "data": data} for k, data in enumerate(parts(230, 1))]

    def answer(request: Request) -> Response:
        page, size = int(request.args["page"]), int(request.args["page_size"])
        found = tasks[(page - 1) * size : page * size]
        return Response(json.dumps({"tasks": found, "total": len(tasks)}))

    with serve(answer) as site:
        label_studio = LabelStudio(Connection(site.url, "abc"))
        assert len(find_addresses(label_studio, 7, "s", "frames")) == 230
        assert {token for _, token in site.requests} == {"Token abc"}
        assert len(site.requests) == 3


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            Response("no", status=403),
            r"answered 403 \(no\): set TRACKANYTHING_LABEL_STUDIO_API_KEY",
        ),
        (Response("broken", status=500), "answered 500: broken"),
    ],
)
def test_refusals_are_told_without_the_token(response: Response, message: str) -> None:
    with serve(lambda _: response) as site:
        label_studio = LabelStudio(Connection(site.url, "secret-token"))
        with pytest.raises(LabelStudioError, match=message) as caught:
            label_studio.project(1)
    assert "secret-token" not in str(caught.value)


def test_a_redirect_is_not_followed() -> None:
    with serve(lambda _: Response("{}")) as other:
        moved = Response(status=302, headers={"Location": f"{other.url}/"})
        with (
            serve(lambda _: moved) as site,
            pytest.raises(LabelStudioError, match="answered 302"),
        ):
            LabelStudio(Connection(site.url, "abc")).project(1)
        assert other.requests == []


def test_label_studio_must_be_known() -> None:
    with pytest.raises(LabelStudioError, match="TRACKANYTHING_LABEL_STUDIO_URL"):
        LabelStudio(Connection())
