"""A submitted annotation counts, and what it lacks comes back as a prediction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.wrappers import Request, Response

from tests.ml_backend.configs import BITMASK
from tests.ml_backend.fakes import disc
from tests.ml_backend.requests import click, predict_body
from tests.ml_backend.rows import changed, masks_of, painted
from tests.ml_backend.test_app import ADDRESSES, TOKEN, make_client
from tests.ml_backend.test_push import Shelf
from tests.ml_backend.test_tracker import still
from tests.ml_backend.web import serve


@dataclass
class Office:
    """A backend, and a Label Studio with pictures and predictions."""

    client: FlaskClient
    shelf: Shelf

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def submit(self, *rows: dict[str, Any], action: str = "ANNOTATION_CREATED") -> None:
        """Send the webhook and wait until it is dealt with."""
        self.post("/webhook", webhook(list(rows), action))
        self.client.application.extensions["inbox"].join()
        model = self.client.application.extensions["loader"].wait(60)
        assert model.submissions.completions.join(60)

    def problems(self) -> list[str]:
        found = self.client.get("/status").get_json()["problems"]
        return [problem["message"] for problem in found]


def webhook(rows: list[dict[str, Any]], action: str) -> dict[str, Any]:
    return {
        "action": action,
        "annotation": {
            "id": 5,
            "result": rows,
            "updated_at": "2026-11-20T23:51:08.379287Z",
            "completed_by": 1,
        },
        "task": {"id": 1, "data": {"frames": ADDRESSES}, "project": 1},
        "project": {
            "id": 1,
            "created_at": "2026-11-20T23:45:03.417426Z",
            "label_config": BITMASK,
        },
    }


def open_office(folder: Path, shelf: Shelf | None = None, **settings: Any) -> Iterator[Office]:
    shelf = shelf or Shelf()

    def answer(request: Request) -> Response:
        return shelf.answer(request) if request.path.startswith("/api") else still(request)

    with serve(answer) as site:
        client = make_client(
            folder, label_studio_url=site.url, label_studio_api_key=TOKEN, **settings
        )
        yield Office(client, shelf)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    yield from open_office(tmp_path, track_on_submit=True)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Office]:
    yield from open_office(tmp_path)


def masks(prediction: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {row.id: row.decode() for row in masks_of(*prediction["result"])}


def test_missing_masks_come_back_as_a_prediction(office: Office) -> None:
    answer = office.post("/predict", predict_body([click(10, 12)], ADDRESSES))
    office.submit(*answer["results"][0]["result"])
    (prediction,) = office.shelf.kept.values()
    assert prediction["task"] == 1
    found = masks(prediction)
    assert found.keys() == {"Cat-f0", "Cat-f1", "Cat-f2"}
    assert all(np.array_equal(mask, disc(10, 12)) for mask in found.values())
    (note,) = prediction["result"][0]["meta"]["text"]
    assert note == "Tracked on submit: 1 object, all frames done."


def test_what_was_painted_before_submitting_is_tracked(office: Office) -> None:
    office.submit(painted("x", "Dog", 1, disc(30, 20)))
    (prediction,) = office.shelf.kept.values()
    found = masks(prediction)
    assert found.keys() == {"Dog-f0", "Dog-f1", "Dog-f2"}
    assert all(np.array_equal(mask, disc(30, 20)) for mask in found.values())


def test_a_second_submission_replaces_the_prediction(office: Office) -> None:
    office.submit(painted("x", "Dog", 1, disc(30, 20)))
    office.submit(painted("x", "Dog", 1, disc(20, 20)), action="ANNOTATION_UPDATED")
    ((number, prediction),) = office.shelf.kept.items()
    assert number == 2
    assert np.array_equal(masks(prediction)["Dog-f0"], disc(20, 20))


def test_a_failure_is_told_in_words(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, *args: Any, **more: Any) -> Any:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr("tests.ml_backend.fakes.StillPropagator.step", fail)
    office.submit(painted("x", "Dog", 1, disc(30, 20)))
    (prediction,) = office.shelf.kept.values()
    assert masks(prediction).keys() == {"Dog-f1"}
    (note,) = prediction["result"][0]["meta"]["text"]
    assert note.startswith("Tracking on submit FAILED")


def test_what_a_process_did_not_come_to_the_next_one_does(tmp_path: Path) -> None:
    for office in open_office(tmp_path, track_on_submit=True):
        model = office.client.application.extensions["loader"].wait(60)
        # As if it were killed before the work has ended.
        model.submissions.completions._look_after = lambda *_: None
        office.post(
            "/webhook", webhook([painted("x", "Dog", 1, disc(30, 20))], "ANNOTATION_CREATED")
        )
        office.client.application.extensions["inbox"].join()
        shelf = office.shelf
    assert shelf.kept == {}
    for office in open_office(tmp_path, shelf, track_on_submit=True):
        model = office.client.application.extensions["loader"].wait(60)
        end = time.monotonic() + 60
        while not shelf.kept and time.monotonic() < end:
            time.sleep(0.05)
    (prediction,) = shelf.kept.values()
    assert masks(prediction).keys() == {"Dog-f0", "Dog-f1", "Dog-f2"}


def test_nothing_is_written_back_unless_it_is_asked_for(plain: Office) -> None:
    plain.submit(painted("x", "Dog", 1, disc(30, 20)))
    assert plain.shelf.kept == {}
    # The painted mask is known all the same.
    answer = plain.post("/predict", predict_body([click(32, 20, frame=1, label="Dog")], ADDRESSES))
    assert [region["id"] for region in answer["results"][0]["result"]] == ["Dog-f1"]


def test_an_annotation_without_masks_is_passed_over(office: Office) -> None:
    office.submit()
    assert office.shelf.kept == {}
    assert office.problems() == []


@pytest.mark.parametrize("action", ["ANNOTATIONS_DELETED", "TASKS_CREATED", "PROJECT_UPDATED"])
def test_other_events_change_nothing(office: Office, action: str) -> None:
    office.submit(painted("x", "Dog", 1, disc(30, 20)), action=action)
    assert office.shelf.kept == {}


def test_a_refused_prediction_shows_in_the_status(office: Office) -> None:
    office.shelf.status = 403
    office.submit(painted("x", "Dog", 1, disc(30, 20)))
    assert "answered 403" in office.problems()[0]


def test_a_task_with_a_prediction_of_ours_gets_no_second_one(plain: Office) -> None:
    plain.post("/predict", predict_body([click(10, 12)], ADDRESSES))
    batch = predict_body(None, ADDRESSES)
    assert plain.post("/predict", batch)["results"] == [[]]
    end = time.monotonic() + 10
    while time.monotonic() < end and plain.post("/predict", batch)["results"] == [[]]:
        time.sleep(0.05)
    ((prediction,),) = plain.post("/predict", batch)["results"]
    assert masks(prediction).keys() == {"Cat-f0", "Cat-f1", "Cat-f2"}
    batch["tasks"][0]["predictions"] = [{"id": 1, "model_version": prediction["model_version"]}]
    assert plain.post("/predict", batch)["results"] == [[]]


def test_one_task_that_cannot_be_read_does_not_spoil_a_batch(plain: Office) -> None:
    batch = predict_body(None, ADDRESSES)
    batch["tasks"].append({"id": 2, "data": {}})
    assert plain.post("/predict", batch)["results"] == [[], []]


def test_hand_work_of_an_annotation_is_taken_over_once(plain: Office) -> None:
    plain.post("/predict", predict_body([click(10, 12)], ADDRESSES))
    row = changed("Cat", 0, disc(30, 20))
    plain.submit(row)
    body = predict_body([click(32, 20, positive=False, id="n")], ADDRESSES, drafts=[row])
    (region,) = plain.post("/predict", body)["results"][0]["result"]
    (found,) = masks_of(region)
    assert np.array_equal(found.decode(), disc(30, 20) & ~disc(32, 20))
