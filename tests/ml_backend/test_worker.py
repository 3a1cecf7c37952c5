"""A server and a worker, two processes on one store: what the one is asked for, the other does."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests
from werkzeug.wrappers import Request, Response

from tests.ml_backend.requests import click, predict_body, track
from tests.ml_backend.test_cli import PROGRAM, wait_for
from tests.ml_backend.web import Site, serve
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.store.store import Store

FRAMES = 4
ADDRESSES = [f"/data/upload/1/{frame}.png" for frame in range(FRAMES)]
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def moving_disc(request: Request) -> Response:
    """Let in who has the token; a red disc on grey, a little further on each picture."""
    if request.headers.get("Authorization") != f"Token {TOKEN}":
        return Response(status=401)
    picture = np.full((36, 64, 3), 110, np.uint8)
    cv2.circle(picture, (20 + 2 * int(Path(request.path).stem), 16), 9, (30, 30, 230), -1)
    return Response(bytes(cv2.imencode(".png", picture)[1]))


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(moving_disc) as running:
        yield running


@pytest.fixture
def environment(site: Site, tmp_path: Path) -> dict[str, str]:
    """The settings, the same for both."""
    return os.environ | {
        "TRACKANYTHING_DATA_DIR": str(tmp_path),
        "TRACKANYTHING_LABEL_STUDIO_URL": site.url,
        "TRACKANYTHING_LABEL_STUDIO_API_KEY": TOKEN,
        "TRACKANYTHING_RUN_JOBS": "false",  # a worker does not look at it
        "TRACKANYTHING_ANSWER_SECONDS": "30",
        "TRACKANYTHING_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env=environment) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def ask(server: str, row: dict[str, Any]) -> list[int]:
    """The frames of the masks in the answer."""
    answer = requests.post(f"{server}/predict", json=predict_body([row], ADDRESSES), timeout=90)
    assert answer.status_code == 200, answer.text
    return [region["item_index"] for region in answer.json()["results"][0]["result"]]


@pytest.mark.slow
def test_a_worker_does_the_jobs_that_a_server_is_asked_for(
    server: str, environment: dict[str, str], site: Site, tmp_path: Path
) -> None:
    assert ask(server, click(20, 16)) == [0]
    fetched = len(site.requests)
    assert fetched == FRAMES
    with subprocess.Popen([PROGRAM, "worker"], env=environment) as worker:
        try:
            # The server does no jobs, so that each of these masks is the worker's.
            assert ask(server, track()) == [1, 2, 3]
        finally:
            worker.terminate()
    assert worker.returncode == 143
    # Each process has pictures of its own, which the other cannot drop under its hands.
    assert len(site.requests) == 2 * fetched
    assert {path.name for path in tmp_path.glob("media*")} == {"media", "media-1"}
    store = Store.open(f"sqlite:///{tmp_path / 'trackanything.db'}")
    (job,) = JobQueue(store.database).all()
    assert (job.state, job.error, job.done) == ("done", "", job.total)
    store.close()


@pytest.mark.slow
def test_a_job_that_a_worker_cannot_open_says_why(
    environment: dict[str, str], tmp_path: Path
) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'trackanything.db'}")
    source = {"kind": "frames", "project": "1.1", "addresses": ADDRESSES}
    store.sessions.make("task", source, FRAMES, (36, 64))
    queue = JobQueue(store.database)
    number = queue.put("task")
    for name in ("URL", "API_KEY"):
        del environment[f"TRACKANYTHING_LABEL_STUDIO_{name}"]
    done = subprocess.run(
        [PROGRAM, "worker", "--until-idle"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "TRACKANYTHING_LABEL_STUDIO_URL is not set" in done.stderr
    job = queue.get(number)
    assert job is not None
    assert job.state == "failed"
    assert "set TRACKANYTHING_LABEL_STUDIO_URL" in job.error
    store.close()
