"""Nothing is lost with a process, and several processes share what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.backend import Backend, run_backend
from tests.e2e.conftest import FRAMES, Bench
from tests.e2e.processes import free_port
from tests.e2e.test_api import click

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@dataclass
class Desk:
    """What an editor with the bench's task holds."""

    bench: Bench
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, backend: Backend, row: dict[str, Any]) -> set[str]:
        """The ids of the regions that a backend answers to a click; they are accepted."""
        regions = predict(backend, self.bench, row, list(self.rows.values()))
        self.rows |= {region["id"]: region for region in regions}
        return {region["id"] for region in regions}


def predict(
    backend: Backend, bench: Bench, row: dict[str, Any], shown: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    task = bench.label_studio.call("GET", f"/api/tasks/{bench.task}")
    project = bench.label_studio.call("GET", f"/api/projects/{bench.project}")
    body = {
        "tasks": [
            {
                "id": task["id"],
                "data": task["data"],
                "project": bench.project,
                "drafts": [{"id": 1, "result": shown}],
            }
        ],
        "project": f"{bench.project}.1",
        "label_config": project["label_config"],
        "params": {"context": {"result": [row]}},
    }
    answer = requests.post(f"{backend.url}/predict", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["results"]
    regions: list[dict[str, Any]] = prediction["result"]
    return regions


def names(frames: range) -> set[str]:
    return {f"Object 1-f{frame}" for frame in frames}


def test_a_backend_that_was_killed_goes_on_where_it_was(bench: Bench, tmp_path: Path) -> None:
    desk, port = Desk(bench), free_port()
    with run_backend(tmp_path, bench.label_studio, port, stop_hard=True) as backend:
        assert desk.ask(backend, click(bench, "Object 1")) == {"Object 1-f0"}
    with run_backend(tmp_path, bench.label_studio, port) as backend:
        # Neither the click nor that it was answered is forgotten.
        assert desk.ask(backend, click(bench, "Track")) == names(range(1, FRAMES))
        assert desk.ask(backend, click(bench, "Track")) == set()


def test_a_click_on_one_backend_and_track_on_another(bench: Bench, tmp_path: Path) -> None:
    desk = Desk(bench)
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with (
        run_backend(folders[0], bench.label_studio, database_url=url) as one,
        run_backend(folders[1], bench.label_studio, database_url=url) as two,
    ):
        assert desk.ask(one, click(bench, "Object 1")) == {"Object 1-f0"}
        assert desk.ask(two, click(bench, "Track")) == names(range(1, FRAMES))
        assert desk.ask(one, click(bench, "Track")) == set()
        assert "Object 1-f3" in desk.ask(one, click(bench, "Object 1", frame=3))
        answered = desk.ask(two, click(bench, "Track"))
        assert answered <= names(range(1, FRAMES)) - {"Object 1-f3"}
