"""Label Studio's own API, as far as projects, files and tasks are concerned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

import requests

from ml_backend.auth import Connection
from ml_backend.errors import LabelStudioError

_TIMEOUT_SECONDS = (5.0, 120.0)
_PAGE = 100


class LabelStudio:
    """Label Studio, spoken to with the token of a connection and nothing else.

    Args:
        connection: where it is; its token is sent nowhere else, nor across a redirect.
    """

    def __init__(self, connection: Connection) -> None:
        if not connection.base_url:
            raise LabelStudioError(
                "the address of Label Studio is not known: "
                "set TRACKANYTHING_LABEL_STUDIO_URL and TRACKANYTHING_LABEL_STUDIO_API_KEY"
            )
        self._connection = connection

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return self._connection.base_url.rstrip("/")

    def projects(self) -> Iterator[dict[str, Any]]:
        """All projects that the account sees."""
        return self._pages("api/projects/", {}, "results")

    def project(self, number: int) -> dict[str, Any]:
        """One project."""
        found: dict[str, Any] = self.call("GET", f"api/projects/{number}/")
        return found

    def create_project(self, title: str, label_config: str) -> dict[str, Any]:
        """Make a project."""
        made: dict[str, Any] = self.call(
            "POST", "api/projects/", json={"title": title, "label_config": label_config}
        )
        return made

    def backends(self, project: int) -> list[dict[str, Any]]:
        """The ML backends of a project, with the state that Label Studio finds them in now."""
        found: list[dict[str, Any]] = self.call("GET", "api/ml/", params={"project": project})
        return found

    def connect(self, project: int, backend: str, extra: Mapping[str, Any]) -> None:
        """Connect an ML backend to a project, for interactive predictions."""
        body = {
            "url": backend,
            "project": project,
            "title": "Track Anything",
            "is_interactive": True,
            "extra_params": dict(extra),
        }
        self.call("POST", "api/ml/", json=body)

    def uploads(self, project: int) -> dict[str, str]:
        """Addresses of the files that this account has uploaded to a project, by their names."""
        listed = self.call("GET", f"api/projects/{project}/file-uploads", params={"all": "true"})
        return {_name(upload["file"]): f"/data/{upload['file']}" for upload in listed}

    def upload(self, project: int, files: Mapping[str, bytes], kind: str) -> None:
        """Upload files without making tasks of them.

        Args:
            project: number of the project.
            files: contents by name.
            kind: their media type.
        """
        # Of several files under one field name, the last alone would be taken.
        fields = {name: (name, content, kind) for name, content in files.items()}
        self.call(
            "POST",
            f"api/projects/{project}/import",
            params={"commit_to_project": "false"},
            files=fields,
        )

    def add_task(self, project: int, data: Mapping[str, Any]) -> None:
        """Make one task."""
        self.call("POST", f"api/projects/{project}/import", json=[{"data": dict(data)}])

    def tasks(self, project: int) -> Iterator[dict[str, Any]]:
        """The tasks of a project with their data, without annotations."""
        return self._pages("api/tasks/", {"project": project}, "tasks")

    def annotations(self, task: int) -> list[dict[str, Any]]:
        """The annotations of a task."""
        found: list[dict[str, Any]] = self.call("GET", f"api/tasks/{task}/annotations/")
        return found

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call the API and give the JSON of the answer.

        Raises:
            LabelStudioError: it cannot be reached, or refuses.
        """
        url = urljoin(self._connection.base_url, path)
        try:
            answer = requests.request(
                method,
                url,
                auth=self._connection.auth_for(url),
                allow_redirects=False,
                timeout=_TIMEOUT_SECONDS,
                **request,
            )
        except requests.RequestException as error:
            # The text of the error may quote the request: name its kind alone.
            raise LabelStudioError(f"cannot reach {url}: {type(error).__name__}") from None
        if not answer.ok or answer.is_redirect:
            raise LabelStudioError(_refusal(method, url, answer))
        return answer.json()

    def _pages(self, path: str, query: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
        page, seen = 1, 0
        while True:
            answer = self.call("GET", path, params={**query, "page": page, "page_size": _PAGE})
            found: Sequence[dict[str, Any]] = answer[key]
            yield from found
            seen += len(found)
            if not found or seen >= answer.get("total", answer.get("count", 0)):
                return
            page += 1


def _name(path: str) -> str:
    """The name that a file was uploaded under: `upload/<project>/<eight digits>-<name>`."""
    return path.rsplit("/", 1)[-1].partition("-")[2]


def _refusal(method: str, url: str, answer: requests.Response) -> str:
    message = f"{method} {url} answered {answer.status_code}"
    if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        return (
            f"{message} ({answer.text[:200]}): set TRACKANYTHING_LABEL_STUDIO_API_KEY to a "
            "personal access token of an account that may change the project"
        )
    return f"{message}: {answer.text[:300]}" if answer.text else message
