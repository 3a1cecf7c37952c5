"""Clicks and Track through Label Studio's own API, and back."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ml_backend.auth import Connection
from ml_backend.file_cache import FileCache
from ml_backend.media import Media
from tests.e2e.conftest import FRAMES, Bench
from trackanything_core.video.open import open_source

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NUMBERS = itertools.count()

POINT = (918, 416)
"""Pixel on the object of the clip, on frame 0."""


def click(bench: Bench, label: str, frame: int = 0, *, positive: bool = True) -> dict[str, Any]:
    """A row as the editor makes it."""
    height, width = bench.size
    x, y = POINT
    return {
        "id": f"{label}-{next(NUMBERS)}",
        "from_name": "prompt",
        "to_name": "frames",
        "type": "keypointlabels",
        "origin": "manual",
        "item_index": frame,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "is_positive": positive,
        "value": {
            "x": (x + 0.5) / width * 100,
            "y": (y + 0.5) / height * 100,
            "width": 0.2,
            "labels": [label],
            "keypointlabels": [label],
        },
    }


def interact(bench: Bench, row: dict[str, Any]) -> list[dict[str, Any]]:
    answer = bench.label_studio.interact(bench.project, bench.task, [row])
    assert "errors" not in answer, bench.backend.problems()
    regions: list[dict[str, Any]] = answer["data"]["result"]
    return regions


def check_region(bench: Bench, region: dict[str, Any], label: str, frame: int) -> None:
    height, width = bench.size
    assert region["item_index"] == frame
    assert (region["original_height"], region["original_width"]) == (height, width)
    assert (region["from_name"], region["to_name"]) == ("mask", "frames")
    assert region["value"]["bitmasklabels"] == [label]
    png = base64.b64decode(region["value"]["imageDataURL"].partition(",")[2])
    picture = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    assert picture.shape == (height, width, 4)
    assert picture[..., 3].any()


def test_the_backend_is_connected(bench: Bench) -> None:
    (backend,) = bench.label_studio.call("GET", f"/api/ml?project={bench.project}")
    assert backend["readable_state"] == "Connected"
    versions = bench.label_studio.call("GET", f"/api/ml/{backend['id']}/versions")
    assert versions["versions"][0].startswith("trackanything-")


def test_batch_predictions_are_answered_and_leave_nothing(bench: Bench) -> None:
    bench.label_studio.call(
        "POST",
        f"/api/dm/actions?id=retrieve_tasks_predictions&project={bench.project}",
        json={"selectedItems": {"all": True, "excluded": []}},
    )
    task = bench.label_studio.call("GET", f"/api/tasks/{bench.task}")
    assert task["predictions"] == []


def test_a_click_gives_the_mask_of_its_frame(bench: Bench) -> None:
    (region,) = interact(bench, click(bench, "Object 1"))
    check_region(bench, region, "Object 1", 0)


def test_track_gives_the_masks_of_all_frames(bench: Bench) -> None:
    interact(bench, click(bench, "Object 1"))
    # On a busy machine one answer may come before all is done; the next has the rest.
    regions: list[dict[str, Any]] = []
    while len(regions) < FRAMES - 1:
        found = interact(bench, click(bench, "Track", frame=3))
        assert found
        regions += found
    assert sorted(region["item_index"] for region in regions) == list(range(1, FRAMES))
    for region in regions:
        check_region(bench, region, "Object 1", region["item_index"])


def test_what_goes_wrong_is_an_error_to_label_studio_and_shows_in_the_status(bench: Bench) -> None:
    answer = bench.label_studio.interact(
        bench.project, bench.task, [click(bench, "Object 1", frame=FRAMES)]
    )
    assert "400" in answer["errors"][0]
    assert "beyond the video" in bench.backend.problems()[0]["message"]


def test_label_studio_accepts_the_answer_as_a_prediction(bench: Bench) -> None:
    result = interact(bench, click(bench, "Object 1"))
    stored = bench.label_studio.call(
        "POST", "/api/predictions/", json={"task": bench.task, "result": result, "score": 0.5}
    )
    assert stored["result"] == result


def test_pictures_come_with_a_personal_access_token(bench: Bench, tmp_path: Path) -> None:
    token = bench.label_studio.personal_token()
    media = Media(FileCache(tmp_path, limit=10**9), file_limit=10**8)
    frames = bench.label_studio.call("GET", f"/api/tasks/{bench.task}")["data"]["frames"]
    lease = media.lease(frames, Connection(bench.label_studio.url, token))
    with open_source(lease.paths) as source:
        assert (len(source), source.size) == (FRAMES, bench.size)
