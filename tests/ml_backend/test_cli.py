"""The whole command: the demo with its Label Studio files, and the server that it starts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import requests
from label_studio_sdk.label_interface.interface import LabelInterface

from ml_backend.demo_export import write_prediction
from trackanything_core.tracking.frame_masks import FrameMasks

PROGRAM = str(Path(sys.executable).parent / "trackanything")


def test_the_demo_prediction_is_what_label_studio_imports(tmp_path: Path) -> None:
    mask = np.zeros((24, 32), bool)
    mask[4:9, 5:20] = True
    absent = np.zeros_like(mask)
    frames = [
        FrameMasks(0, {"balloon": mask}, {"balloon": 1.0}),
        FrameMasks(1, {"balloon": mask}, {"balloon": 0.8}),
        FrameMasks(2, {"balloon": absent}, {"balloon": 0.3}),
    ]
    write_prediction(tmp_path, frames, "networks")
    prediction = json.loads((tmp_path / "prediction.json").read_text())
    interface = LabelInterface((tmp_path / "label_config.xml").read_text())
    assert interface.validate_prediction(prediction, return_errors=True) == []
    assert [row["item_index"] for row in prediction["result"]] == [0, 1]
    assert {row["type"] for row in prediction["result"]} == {"bitmasklabels"}
    assert prediction["model_version"] == "networks"


def test_serve_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen([*command, "--data-dir", str(tmp_path / "data")]) as process:
        try:
            answer = wait_for(f"http://127.0.0.1:{port}/health", process)
        finally:
            process.terminate()
        assert answer.status_code == 200
        assert process.wait(40) == 0


def test_serve_says_what_is_wrong_with_a_setting() -> None:
    environment = {**os.environ, "TRACKANYTHING_ANSWER_SECONDS": "soon"}
    done = subprocess.run(
        [PROGRAM, "serve"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the TRACKANYTHING_ settings do not fit: answer_seconds")
    assert done.stderr.count("\n") == 1


def wait_for(address: str, process: subprocess.Popen[bytes]) -> requests.Response:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return requests.get(address, timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.2)
    raise AssertionError("the server did not come up")
