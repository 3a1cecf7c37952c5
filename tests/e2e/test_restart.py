"""Nothing is lost with a process, and several processes share what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.backend import Backend, run_backend
from tests.e2e.conftest import FRAMES, Bench
from tests.e2e.processes import free_port
from tests.e2e.test_api import click

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def predict(backend: Backend, bench: Bench, row: dict[str, Any]) -> list[str]:
    """The ids of the regions that a backend answers to a click on the bench's task."""
    task = bench.label_studio.call("GET", f"/api/tasks/{bench.task}")
    project = bench.label_studio.call("GET", f"/api/projects/{bench.project}")
    body = {
        "tasks": [{"id": task["id"], "data": task["data"], "project": bench.project}],
        "project": f"{bench.project}.1",
        "label_config": project["label_config"],
        "params": {"context": {"result": [row]}},
    }
    answer = requests.post(f"{backend.url}/predict", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["results"]
    return [region["id"] for region in prediction["result"]]


def names(frames: range) -> set[str]:
    return {f"Object 1-f{frame}" for frame in frames}


def test_a_backend_that_was_killed_goes_on_where_it_was(bench: Bench, tmp_path: Path) -> None:
    port = free_port()
    with run_backend(tmp_path, bench.label_studio, port, stop_hard=True) as backend:
        assert predict(backend, bench, click(bench, "Object 1")) == ["Object 1-f0"]
    with run_backend(tmp_path, bench.label_studio, port) as backend:
        # Neither the click nor that it was answered is forgotten.
        assert set(predict(backend, bench, click(bench, "Track"))) == names(range(1, FRAMES))


def test_a_click_on_one_backend_and_track_on_another(bench: Bench, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with (
        run_backend(folders[0], bench.label_studio, database_url=url) as one,
        run_backend(folders[1], bench.label_studio, database_url=url) as two,
    ):
        assert predict(one, bench, click(bench, "Object 1")) == ["Object 1-f0"]
        assert set(predict(two, bench, click(bench, "Track"))) == names(range(1, FRAMES))
        assert predict(one, bench, click(bench, "Track")) == []
        assert "Object 1-f3" in predict(one, bench, click(bench, "Object 1", frame=3))
        answered = set(predict(two, bench, click(bench, "Track")))
        assert answered <= names(range(1, FRAMES)) - {"Object 1-f3"}
