"""A real Label Studio, and its own API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.e2e.processes import free_port, server

VERSION = "1.23.2"
EMAIL = "user@example.com"
PASSWORD = "e2e-password"
TOKEN = "0123456789abcdef0123456789abcdef01234567"

# The first start installs it and makes its database.
_START_SECONDS = 600


@dataclass(frozen=True)
class LabelStudio:
    """A running server, spoken to as its first user."""

    url: str

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call the API and give the JSON of the answer."""
        answer = requests.request(
            method,
            self.url + path,
            headers={"Authorization": f"Token {TOKEN}"},
            timeout=120,
            **request,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def create_project(
        self, title: str, label_config: str, backend_url: str, **connection: Any
    ) -> int:
        """Make a project that has the backend for interactive predictions."""
        project = self.call(
            "POST", "/api/projects", json={"title": title, "label_config": label_config}
        )
        self.call(
            "POST",
            "/api/ml",
            json={
                "url": backend_url,
                "project": project["id"],
                "title": "backend",
                "is_interactive": True,
                **connection,
            },
        )
        number: int = project["id"]
        return number

    def import_frames(self, project: int, pictures: Sequence[Path]) -> int:
        """Upload pictures and make one task of them, in order."""
        # Of several files under one field name, the last alone would be taken.
        files = {path.name: (path.name, path.read_bytes(), "image/jpeg") for path in pictures}
        uploaded = self.call(
            "POST", f"/api/projects/{project}/import?commit_to_project=false", files=files
        )
        names = {}
        for upload in uploaded["file_upload_ids"]:
            stored = self.call("GET", f"/api/import/file-upload/{upload}")["file"]
            # upload/<project>/<eight digits>-<name>
            names[stored.rsplit("/", 1)[-1].split("-", 1)[1]] = f"/data/{stored}"
        frames = [names[path.name] for path in pictures]
        self.call("POST", f"/api/projects/{project}/import", json=[{"data": {"frames": frames}}])
        tasks = self.call("GET", f"/api/tasks?project={project}")["tasks"]
        number: int = tasks[-1]["id"]
        return number

    def draft(self, task: int) -> list[dict[str, Any]]:
        """The rows of the newest draft of a task; none where there is no draft."""
        drafts: list[dict[str, Any]] = self.call("GET", f"/api/tasks/{task}/drafts")
        return drafts[-1]["result"] if drafts else []

    def annotation(self, task: int) -> list[dict[str, Any]]:
        """The rows of the newest annotation of a task."""
        rows: list[dict[str, Any]] = self.call("GET", f"/api/tasks/{task}/annotations/")[-1][
            "result"
        ]
        return rows

    def touch(self, task: int) -> None:
        """Save the newest annotation of a task once more, as it is."""
        newest = self.call("GET", f"/api/tasks/{task}/annotations/")[-1]
        self.call("PATCH", f"/api/annotations/{newest['id']}/", json={"result": newest["result"]})

    def predictions(self, task: int) -> list[dict[str, Any]]:
        """The predictions of a task."""
        found: list[dict[str, Any]] = self.call("GET", f"/api/predictions/?task={task}")
        return found

    def import_video(self, project: int, video: Path) -> int:
        """Upload a video and make one task of it."""
        files = {"video": (video.name, video.read_bytes(), "video/mp4")}
        self.call("POST", f"/api/projects/{project}/import", files=files)
        tasks = self.call("GET", f"/api/tasks?project={project}")["tasks"]
        number: int = tasks[-1]["id"]
        return number

    def interact(self, project: int, task: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """What the editor does on a smart click: ask the backend through Label Studio."""
        (backend,) = self.call("GET", f"/api/ml?project={project}")
        answer: dict[str, Any] = self.call(
            "POST",
            f"/api/ml/{backend['id']}/interactive-annotating",
            json={"task": task, "context": {"result": rows}},
        )
        return answer

    def personal_token(self) -> str:
        """Make a personal access token."""
        token: str = self.call("POST", "/api/token/", json={})["token"]
        return token


@contextmanager
def run_label_studio(folder: Path) -> Iterator[LabelStudio]:
    """Run Label Studio with a fresh database in a folder, on 127.0.0.1."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_USERNAME": EMAIL,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_HOST": url,
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    command = ["uvx", "--from", f"label-studio=={VERSION}", "label-studio", "start"]
    command += ["--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    log = folder / "label-studio.log"
    with server(command, environment, url=f"{url}/health", log=log, seconds=_START_SECONDS):
        yield LabelStudio(url)
