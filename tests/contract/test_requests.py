"""Requests as Label Studio 1.23.2 makes them, and the answers that it documents."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient
from label_studio_sdk.label_interface.interface import LabelInterface
from werkzeug.wrappers import Request, Response

from ml_backend.app import create_app
from ml_backend.settings import Settings
from tests.folders import ROOT
from tests.ml_backend.test_app import load_discs
from tests.ml_backend.web import serve
from trackanything_core.video.writer import VideoWriter

pytestmark = pytest.mark.contract

EXCERPTS = sorted((ROOT / "tests" / "data" / "label_studio").glob("*.json"))
PICTURE = bytes(cv2.imencode(".jpg", np.zeros((360, 640, 3), np.uint8))[1])


def picture(_: Request) -> Response:
    return Response(PICTURE, content_type="image/jpeg")


def video_server(path: Path) -> Callable[[Request], Response]:
    """A server of sixty grey frames at ten per second."""
    with VideoWriter(path, Fraction(10)) as writer:
        for _ in range(60):
            writer.write(np.full((360, 640, 3), 90, np.uint8))
    data = path.read_bytes()
    return lambda _: Response(data, content_type="video/mp4")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with serve(picture) as site:
        settings = Settings(data_dir=tmp_path, label_studio_url=site.url)
        yield create_app(settings, load_discs).test_client()


@pytest.fixture
def payloads(reference_dir: Path) -> Path:
    return reference_dir / "label_studio" / "payloads"


def recorded_body(payloads: Path, number: int) -> dict[str, Any]:
    (path,) = payloads.glob(f"{number:02}_*.json")
    record = json.loads(path.read_text())
    body: dict[str, Any] = record.get("body", record)
    return body


def predicted(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    """The prediction that answers an interactive request, checked by Label Studio's SDK."""
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.get_json()["results"]
    interface = LabelInterface(body["label_config"])
    assert interface.validate_prediction(prediction, return_errors=True) == []
    result: dict[str, Any] = prediction
    return result


def batch(client: FlaskClient, body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The predictions for each task of a batch, checked by Label Studio's SDK."""
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    results: list[list[dict[str, Any]]] = answer.get_json()["results"]
    assert len(results) == len(body["tasks"])
    interface = LabelInterface(body["label_config"])
    for prediction in (prediction for found in results for prediction in found):
        assert interface.validate_prediction(prediction, return_errors=True) == []
    return results


def check_region(region: dict[str, Any], label: str, frame: int) -> None:
    kind = region["type"]
    assert kind in ("bitmasklabels", "brushlabels")
    assert region["id"] == f"{label}-f{frame}"
    assert region["item_index"] == frame
    assert (region["original_width"], region["original_height"]) == (640, 360)
    assert region["image_rotation"] == 0
    assert region["origin"] == "prediction"
    assert 0 <= region["score"] <= 1
    assert region["value"][kind] == [label]
    if kind == "bitmasklabels":
        assert region["value"]["imageDataURL"].startswith("data:image/png;base64,")
    else:
        assert region["value"]["format"] == "rle"


def test_excerpts_in_order(client: FlaskClient) -> None:
    assert len(EXCERPTS) == 5
    for path in EXCERPTS:
        excerpt = json.loads(path.read_text())
        if excerpt["body"]["params"]["context"] is None:
            (prediction,) = batch(client, excerpt["body"])[0]
        else:
            prediction = predicted(client, excerpt["body"])
        assert [region["id"] for region in prediction["result"]] == excerpt["regions"], path.name


def test_health(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "UP"


def test_setup(client: FlaskClient, payloads: Path) -> None:
    answer = client.post("/setup", json=recorded_body(payloads, 2))
    assert answer.status_code == 200
    assert isinstance(answer.get_json()["model_version"], str)


def test_opening_a_task(client: FlaskClient, payloads: Path) -> None:
    body = recorded_body(payloads, 3)
    # Label Studio takes a prediction or a list of them for each task. Nothing is known yet.
    assert batch(client, body) == [[]]
    predicted(client, recorded_body(payloads, 4))
    # One frame of twelve is known: the rest is begun, and nothing is stored meanwhile.
    assert batch(client, body) == [[]]
    while not (found := batch(client, body)[0]):
        time.sleep(0.05)
    (prediction,) = found
    assert [region["item_index"] for region in prediction["result"]] == list(range(12))


@pytest.mark.parametrize(
    ("number", "label", "frame", "kind"),
    [
        (4, "Cat", 4, "brushlabels"),
        (5, "Cat", 4, "brushlabels"),
        (6, "Cat", 7, "brushlabels"),
        (7, "Dog", 7, "brushlabels"),
        (8, "Cat", 7, "brushlabels"),
        (9, "Cat", 4, "brushlabels"),
        (10, "Cat", 4, "brushlabels"),
    ],
)
def test_clicks_and_boxes(
    client: FlaskClient, payloads: Path, number: int, label: str, frame: int, kind: str
) -> None:
    body = recorded_body(payloads, number)
    prediction = predicted(client, body)
    assert isinstance(prediction["model_version"], str)
    assert 0 < prediction["score"] <= 1
    # The clicked frame is answered, and with it those whose earlier answer may be lost.
    clicked = {row["item_index"] for row in body["params"]["context"]["result"]}
    regions = {region["item_index"]: region for region in prediction["result"]}
    assert frame in regions
    assert regions.keys() == clicked
    for index, region in regions.items():
        check_region(region, label, index)
        assert region["type"] == kind


def test_all_recorded_clicks_in_order(client: FlaskClient, payloads: Path) -> None:
    for number in range(4, 11):
        body = recorded_body(payloads, number)
        newest = body["params"]["context"]["result"][-1]["item_index"]
        regions = predicted(client, body)["result"]
        assert newest in {region["item_index"] for region in regions}
        assert len({region["id"] for region in regions}) == len(regions)


def test_a_click_while_a_region_is_selected(client: FlaskClient, payloads: Path) -> None:
    body = recorded_body(payloads, 21)
    # The recorded click is negative: the object must have been clicked before.
    positive = json.loads(json.dumps(body))
    row = positive["params"]["context"]["result"][0] | {"id": "earlier", "is_positive": True}
    row["value"]["x"] -= 1
    positive["params"]["context"]["result"] = [row]
    predicted(client, positive)
    (region,) = predicted(client, body)["result"]
    check_region(region, "Cat", 4)


def test_a_click_without_a_label_is_refused_where_there_are_two(
    client: FlaskClient, payloads: Path
) -> None:
    answer = client.post("/predict", json=recorded_body(payloads, 20))
    assert answer.status_code == 400
    assert "KeyPointLabels" in answer.get_json()["error"]


@pytest.mark.parametrize("number", [11, 12])
def test_relabelled_boxes_on_a_video(payloads: Path, tmp_path: Path, number: int) -> None:
    with serve(video_server(tmp_path / "v10.mp4")) as site:
        settings = Settings(data_dir=tmp_path, label_studio_url=site.url)
        client = create_app(settings, load_discs).test_client()
        body = recorded_body(payloads, number)
        (region,) = predicted(client, body)["result"]
    (row,) = body["params"]["context"]["result"]
    # The same id: the track takes the place of the box.
    assert (region["id"], region["type"]) == (row["id"], "videorectangle")
    assert (region["from_name"], region["to_name"]) == ("box", "video")
    value = region["value"]
    assert value["labels"] == row["value"]["labels"]
    assert (value["framesCount"], value["duration"]) == (60, 6)
    keys = {key["frame"]: key for key in value["sequence"]}
    for drawn in row["value"]["sequence"]:
        if number == 11:
            assert keys[drawn["frame"]]["x"] == pytest.approx(drawn["x"])
            assert keys[drawn["frame"]]["height"] == pytest.approx(drawn["height"])
    assert set(value["sequence"][0]) == {
        *("frame", "enabled", "rotation", "x", "y", "width", "height", "time")
    }


@pytest.mark.parametrize("number", range(13, 19))
def test_webhooks(client: FlaskClient, payloads: Path, number: int) -> None:
    assert client.post("/webhook", json=recorded_body(payloads, number)).status_code == 200
    client.application.extensions["inbox"].join()
    assert client.get("/status").get_json()["problems"] == []


def test_versions(client: FlaskClient) -> None:
    answer = client.get("/versions")
    assert answer.status_code == 200
    assert all(isinstance(version, str) for version in answer.get_json()["versions"])
