"""The routes: what they answer, how soon, and what they never let out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from ml_backend.app import LoadModel, create_app
from ml_backend.journal import Journal
from ml_backend.model import TrackAnythingModel, build_model
from ml_backend.payloads import WebhookBody
from ml_backend.projects import ProjectOptions
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from tests.ml_backend.configs import BITMASK, BRUSH
from tests.ml_backend.fakes import DiscSegmenter, StillPropagators, disc
from tests.ml_backend.requests import click, predict_body, track
from tests.ml_backend.rows import answered, changed
from tests.ml_backend.test_tracker import still
from tests.ml_backend.web import Site, serve
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.store.store import Store

ADDRESSES = [f"/data/upload/1/{k}.png" for k in range(3)]
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def load_discs(
    settings: Settings, sources: Sources, projects: ProjectOptions, journal: Journal
) -> TrackAnythingModel:
    workspace = Workspace(
        Store.open(settings.database),
        DiscSegmenter(),
        StillPropagators(),
        sources.open,
        live_sessions=2,
    )
    return build_model(settings, workspace, sources, projects, journal)


def make_client(folder: Path, load: LoadModel = load_discs, **settings: Any) -> FlaskClient:
    return create_app(Settings(data_dir=folder, **settings), load).test_client()


def get(client: FlaskClient, path: str) -> Any:
    return client.get(path).get_json()


def regions_of(client: FlaskClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    (prediction,) = client.post("/predict", json=body).get_json()["results"]
    regions: list[dict[str, Any]] = prediction["result"]
    return regions


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(still) as running:
        yield running


@pytest.fixture
def client(tmp_path: Path, site: Site) -> FlaskClient:
    client = make_client(tmp_path)
    setup = {
        "project": "1.1795218303",
        "schema": BITMASK,
        "hostname": site.url,
        "access_token": TOKEN,
        "extra_params": None,
    }
    answer = client.post("/setup", json=setup)
    assert answer.status_code == 200
    assert answer.get_json()["model_version"].startswith("trackanything-")
    return client


def test_a_click_and_track(client: FlaskClient, site: Site) -> None:
    answer = client.post("/predict", json=predict_body([click(10, 12, frame=1)], ADDRESSES))
    assert answer.status_code == 200
    (prediction,) = answer.get_json()["results"]
    (region,) = prediction["result"]
    assert prediction["model_version"].startswith("trackanything-")
    assert (region["item_index"], region["type"]) == (1, "bitmasklabels")
    assert (region["original_width"], region["original_height"]) == (64, 36)
    assert {header for _, header in site.requests} == {f"Token {TOKEN}"}

    answer = client.post("/predict", json=predict_body([track()], ADDRESSES))
    regions = answer.get_json()["results"][0]["result"]
    assert [region["item_index"] for region in regions] == [0, 2]


def test_brush_masks(client: FlaskClient) -> None:
    body = predict_body([click(10, 12)], ADDRESSES, label_config=BRUSH)
    (region,) = regions_of(client, body)
    assert region["value"]["format"] == "rle"


def test_regions_changed_by_hand_are_not_sent_again(client: FlaskClient) -> None:
    client.post("/predict", json=predict_body([click(10, 12)], ADDRESSES))
    drafts = [
        answered("Cat", 0, disc(10, 12)),
        changed("Cat", 1, disc(20, 12)),
    ]
    body = predict_body([track()], ADDRESSES, drafts=drafts)
    regions = regions_of(client, body)
    assert [region["id"] for region in regions] == ["Cat-f2"]


@pytest.mark.parametrize("params", [{"context": None}, {}, None])
def test_a_batch_is_answered_at_once_and_leaves_nothing(
    client: FlaskClient, params: dict[str, Any] | None
) -> None:
    body = predict_body(None, ADDRESSES) | {"params": params}
    body["tasks"] *= 3
    assert client.post("/predict", json=body).get_json() == {"results": [[], [], []]}


def test_nothing_but_predictions_waits_for_the_networks(tmp_path: Path) -> None:
    go = threading.Event()

    def load(*parts: Any) -> TrackAnythingModel:
        go.wait()
        return load_discs(*parts)

    client = make_client(tmp_path, load, answer_seconds=0.01)
    assert get(client, "/health")["status"] == "UP"
    assert client.post("/setup", json={"project": "1.1", "schema": BITMASK}).status_code == 200
    assert get(client, "/status")["model"]["state"] == "loading"
    answer = client.post("/predict", json=predict_body([click(1, 1)], ADDRESSES))
    assert answer.status_code == 503
    go.set()


def test_a_backend_that_cannot_load_is_down(tmp_path: Path) -> None:
    def load(*parts: Any) -> TrackAnythingModel:
        raise ValueError("no such weights")

    client = make_client(tmp_path, load)
    assert client.post("/predict", json=predict_body([click(1, 1)], [])).status_code == 503
    assert client.get("/health").status_code == 503
    assert get(client, "/status")["model"]["problem"] == "no such weights"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (predict_body([click(10, 12, label="Bird")], ADDRESSES), 400, "'Bird'"),
        (predict_body([click(10, 12, frame=9)], ADDRESSES), 400, "beyond the video"),
        (predict_body([click(99, 12)], ADDRESSES), 400, "inside the picture"),
        (predict_body([track()], ADDRESSES), 400, "prompt an object first"),
        (predict_body([], ADDRESSES), 400, "got 0 rows"),
        (predict_body([click(1, 1)], []), 502, "a list of addresses"),
        (predict_body([click(1, 1)], ["/missing.png"]), 502, "answered 404"),
        (predict_body([click(1, 1)], ADDRESSES, label_config="<View/>"), 400, "valueList"),
        (predict_body([click(1, 1)], ADDRESSES) | {"tasks": []}, 400, "got 0 tasks"),
        ({"tasks": 1}, 400, "tasks: Input should be a valid list"),
        ({}, 400, "tasks: Field required"),
        ([], 400, "body: Input should be"),
    ],
)
def test_what_goes_wrong_is_answered_in_json_and_shown_in_the_status(
    client: FlaskClient, body: Any, status: int, message: str
) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == status
    assert message in answer.get_json()["error"]
    assert message in get(client, "/status")["problems"][0]["message"]


def test_a_request_that_is_no_json(client: FlaskClient) -> None:
    answer = client.post("/predict", data=b"{", content_type="application/json")
    assert answer.status_code == 400
    assert answer.is_json


def test_a_request_that_is_too_large(tmp_path: Path) -> None:
    client = make_client(tmp_path, request_bytes=1000)
    answer = client.post("/predict", json=predict_body([click(1, 1)] * 10, ADDRESSES))
    assert answer.status_code == 413
    assert answer.is_json


@pytest.mark.parametrize("path", ["/train", "/nothing"])
def test_other_routes_are_not_there(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "error" in answer.get_json()


def test_a_defect_shows_no_stack_trace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def predict(self, *args: Any, **kwargs: Any) -> list[Any]:
            raise KeyError("inner detail")

        def take(self, body: WebhookBody) -> None:
            raise KeyError("inner detail")

        def status(self) -> dict[str, Any]:
            return {}

    client = make_client(tmp_path, lambda *_: Broken())
    answer = client.post("/predict", json=predict_body([click(1, 1)], ADDRESSES))
    assert answer.status_code == 500
    assert answer.get_json() == {"error": "internal error: see the log of the backend"}
    assert "inner detail" in caplog.text
    assert "inner detail" not in client.get("/status").text


def test_tokens_stay_out_of_logs_and_answers(
    client: FlaskClient, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.post("/predict", json=predict_body([click(10, 12)], ADDRESSES))
    client.post("/predict", json=predict_body([click(10, 12)], ["/missing.png"]))
    refused = Response("no", status=401)
    with serve(lambda _: refused) as closed:
        client.post("/setup", json={"project": "2", "hostname": closed.url, "access_token": TOKEN})
        body = predict_body([click(10, 12)], ADDRESSES) | {"project": "2"}
        assert client.post("/predict", json=body).status_code == 502
        assert closed.requests[0][1] == f"Token {TOKEN}"
    assert TOKEN not in caplog.text
    assert TOKEN not in client.get("/status").text


def test_a_configuration_that_does_not_suit_is_connected_and_shown(client: FlaskClient) -> None:
    answer = client.post("/setup", json={"project": "1.1", "schema": "<View/>"})
    assert answer.status_code == 200
    assert "valueList" in get(client, "/status")["problems"][0]["message"]


def test_status_and_metrics_tell_of_the_work(client: FlaskClient) -> None:
    client.post("/predict", json=predict_body([click(10, 12, frame=1)], ADDRESSES))
    status = get(client, "/status")
    assert status["jobs"]["queued"] == 0
    assert len(status["open_sessions"]) == 1
    assert "trackanything_open_sessions 1.0" in client.get("/metrics").text


def test_metrics_count_requests(client: FlaskClient) -> None:
    client.post("/predict", json={})
    text = client.get("/metrics").text
    assert 'trackanything_requests_total{route="/predict",status="400"} 1.0' in text
    assert 'trackanything_request_seconds_count{route="/setup"} 1.0' in text


def test_versions(client: FlaskClient) -> None:
    answer = get(client, "/versions")
    assert answer["versions"] == [get(client, "/status")["model"]["version"]]


def test_webhooks_are_taken(client: FlaskClient) -> None:
    assert client.post("/webhook", json={"action": "ANNOTATION_CREATED"}).status_code == 200
