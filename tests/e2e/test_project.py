"""`trackanything project` against a real Label Studio: exact, once only, and after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from ml_backend.auth import Connection
from ml_backend.file_cache import FileCache
from ml_backend.media import Media
from ml_backend.project.templates import read_template, template_names
from tests.e2e.backend import Backend
from tests.e2e.conftest import CLIP
from tests.e2e.label_studio import TOKEN, LabelStudio
from tests.e2e.test_api import POINT
from trackanything_core.tracking.session_file import read_session
from trackanything_core.video.open import open_source

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PROGRAM = str(Path(sys.executable).parent / "trackanything")
FRAMES, TASK_FRAMES = 20, 8


def start(label_studio: LabelStudio, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "TRACKANYTHING_LABEL_STUDIO_URL": label_studio.url,
        "TRACKANYTHING_LABEL_STUDIO_API_KEY": TOKEN,
    }
    return subprocess.Popen(
        [PROGRAM, "project", *arguments, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(label_studio: LabelStudio, *arguments: str) -> dict[str, Any]:
    with start(label_studio, *arguments) as process:
        out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    answer: dict[str, Any] = json.loads(out)
    return answer


def uploads(label_studio: LabelStudio, project: int) -> list[str]:
    listed = label_studio.call("GET", f"/api/projects/{project}/file-uploads?all=true")
    return [upload["file"].rsplit("/", 1)[-1].partition("-")[2] for upload in listed]


def tasks_of(label_studio: LabelStudio, project: int) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = label_studio.call("GET", f"/api/tasks?project={project}")["tasks"]
    return sorted(tasks, key=lambda task: task["data"]["trackanything"]["first_frame"])


@pytest.fixture(scope="module")
def video(data_dir: Path) -> Path:
    return data_dir / "clips" / CLIP


def make_project(label_studio: LabelStudio, backend: Backend, title: str) -> int:
    made = run(label_studio, "create", title, "--label", "Cup", "--backend", backend.url)
    assert made["new"]
    number: int = made["project"]
    return number


def import_arguments(project: int, video: Path) -> list[str]:
    counts = ["--frames", str(FRAMES), "--task-frames", str(TASK_FRAMES)]
    return ["import", str(video), "--project", str(project), *counts]


@pytest.fixture(scope="module")
def project(label_studio: LabelStudio, backend: Backend, video: Path) -> int:
    """A project with the first frames of a clip in three tasks."""
    number = make_project(label_studio, backend, "imported")
    found = run(label_studio, *import_arguments(number, video))["videos"][0]
    assert (found["frames"], found["tasks"]) == (FRAMES, 3)
    assert (found["new_pictures"], found["new_tasks"]) == (FRAMES, 3)
    return number


def test_a_project_of_that_title_is_taken_as_it_is(
    label_studio: LabelStudio, backend: Backend, project: int
) -> None:
    again = run(label_studio, "create", "imported", "--label", "Cup", "--backend", backend.url)
    assert (again["project"], again["new"]) == (project, False)
    (connected,) = label_studio.call("GET", f"/api/ml?project={project}")
    assert (connected["url"], connected["is_interactive"]) == (backend.url, True)


def test_frames_are_exact_and_have_their_times(
    label_studio: LabelStudio, project: int, video: Path, tmp_path: Path
) -> None:
    tasks = tasks_of(label_studio, project)
    assert [len(task["data"]["frames"]) for task in tasks] == [8, 8, 4]
    addresses = [address for task in tasks for address in task["data"]["frames"]]
    times = [time for task in tasks for time in task["data"]["trackanything"]["times"]]
    media = Media(FileCache(tmp_path, limit=10**9), file_limit=10**8)
    lease = media.lease(addresses, Connection(label_studio.url, TOKEN))
    with open_source(video) as decoded, open_source(lease.paths) as uploaded:
        assert len(uploaded) == FRAMES
        for frame in range(FRAMES):
            np.testing.assert_array_equal(uploaded.read(frame), decoded.read(frame))
        assert decoded.times is not None
        assert times == [float(time) for time in decoded.times[:FRAMES]]


def test_a_second_run_imports_nothing_twice(
    label_studio: LabelStudio, project: int, video: Path
) -> None:
    found = run(label_studio, *import_arguments(project, video))["videos"][0]
    assert (found["tasks"], found["new_pictures"], found["new_tasks"]) == (3, 0, 0)
    names = uploads(label_studio, project)
    assert len(names) == len(set(names)) == FRAMES
    assert len(tasks_of(label_studio, project)) == 3


def test_a_killed_run_goes_on_where_it_stopped(
    label_studio: LabelStudio, backend: Backend, video: Path
) -> None:
    number = make_project(label_studio, backend, "killed")
    with start(label_studio, *import_arguments(number, video)) as process:
        while not uploads(label_studio, number):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    found = run(label_studio, *import_arguments(number, video))["videos"][0]
    assert 0 < found["new_pictures"] < FRAMES
    names = uploads(label_studio, number)
    assert len(names) == len(set(names)) == FRAMES
    assert [
        task["data"]["trackanything"]["first_frame"] for task in tasks_of(label_studio, number)
    ] == [0, 8, 16]


def interact(
    label_studio: LabelStudio, backend: Backend, project: int, task: int, label: str
) -> list[dict[str, Any]]:
    width, height = 1280, 720
    row = {
        "id": f"{label}-{task}",
        "from_name": "prompt",
        "to_name": "frames",
        "type": "keypointlabels",
        "item_index": 0,
        "original_width": width,
        "original_height": height,
        "is_positive": True,
        "value": {
            "x": (POINT[0] + 0.5) / width * 100,
            "y": (POINT[1] + 0.5) / height * 100,
            "width": 0.2,
            "keypointlabels": [label],
        },
    }
    answer = label_studio.interact(project, task, [row])
    assert "errors" not in answer, backend.problems()
    regions: list[dict[str, Any]] = answer["data"]["result"]
    return regions


def test_tracking_crosses_from_one_task_to_the_next_and_comes_back_as_files(
    label_studio: LabelStudio, backend: Backend, project: int, video: Path, tmp_path: Path
) -> None:
    first, _, third = tasks_of(label_studio, project)
    (mask,) = interact(label_studio, backend, project, first["id"], "Cup")
    assert mask["item_index"] == 0
    # The object is known in a task where nobody has clicked.
    regions = interact(label_studio, backend, project, third["id"], "Track")
    assert [region["item_index"] for region in regions] == [0, 1, 2, 3]
    label_studio.call("POST", f"/api/tasks/{third['id']}/annotations/", json={"result": regions})
    out = tmp_path / "pulled"
    summary = run(label_studio, "pull", "--project", str(project), "--out", str(out))
    (session,) = summary["sessions"]
    assert (session["annotated"], session["frames_with_masks"]) == (1, 4)
    assert session["objects"] == {"Cup": "Cup"}
    folder = out / session["session"]
    maps = sorted((folder / "masks").iterdir())
    assert len(maps) == FRAMES
    with open_source(video) as source:
        saved = read_session(folder / "session.json.gz", FRAMES, source.size)
    anchors = saved.objects["Cup"].anchors
    assert sorted(anchors) == [16, 17, 18, 19]
    for frame, path in enumerate(maps):
        painted = np.asarray(cv2.imread(str(path))).any(axis=2)
        expected = anchors[frame].decode() if frame in anchors else np.zeros_like(painted)
        np.testing.assert_array_equal(painted, expected)
    rows = {row["frame"] for row in json.loads((folder / "masks.json").read_text())["annotations"]}
    assert rows == set(anchors)

    found = run(label_studio, "status", "--project", str(project))
    assert found["sessions"][session["session"]]["annotated"] == 1
    assert found["backends"] == {backend.url: "Connected"}


def test_a_wrong_token_is_an_error_in_words(label_studio: LabelStudio) -> None:
    environment = {
        **os.environ,
        "TRACKANYTHING_LABEL_STUDIO_URL": label_studio.url,
        "TRACKANYTHING_LABEL_STUDIO_API_KEY": "no-such-token",
    }
    command = [PROGRAM, "project", "status", "--project", "1"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "answered 401" in answer.stderr
    assert "no-such-token" not in answer.stderr


@pytest.mark.parametrize("template", template_names())
def test_label_studio_accepts_the_template(label_studio: LabelStudio, template: str) -> None:
    for labels in ([], ["Cat", "Dog"]):
        answer = requests.post(
            f"{label_studio.url}/api/projects/validate/",
            json={"label_config": read_template(template, labels)},
            headers={"Authorization": f"Token {TOKEN}"},
            timeout=60,
        )
        assert answer.status_code in (200, 204), answer.text
