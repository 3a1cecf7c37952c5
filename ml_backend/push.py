"""Predictions written back to Label Studio, in place of those that were written before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import requests

from ml_backend.auth import Connection
from ml_backend.errors import PushError
from ml_backend.regions import Prediction

OURS = "trackanything-"
"""What the versions of this backend's predictions begin with."""

_TIMEOUT_SECONDS = (5.0, 60.0)


def push_prediction(connection: Connection, task: int, prediction: Prediction) -> None:
    """Store a prediction of a task, then delete the older ones of this backend.

    An editor shows it after the page is loaded again; nothing can be pushed into an open one.

    Args:
        connection: to Label Studio; its token is sent nowhere else.
        task: number of the task.
        prediction: with a `model_version` that begins with `trackanything-`.

    Raises:
        PushError: Label Studio cannot be reached or refuses.
    """
    if not connection.base_url:
        raise PushError(
            "the address of Label Studio is not known: "
            "set TRACKANYTHING_LABEL_STUDIO_URL and TRACKANYTHING_LABEL_STUDIO_API_KEY"
        )
    older = _call(connection, "GET", "api/predictions/", params={"task": task}).json()
    _call(connection, "POST", "api/predictions/", json={"task": task, **prediction})
    # Only now, so that there is one at any time.
    for old in older:
        if is_ours(old):
            _call(connection, "DELETE", f"api/predictions/{old['id']}/")


def is_ours(prediction: Mapping[str, Any]) -> bool:
    """Whether a prediction, as Label Studio has it, comes from this backend."""
    return str(prediction.get("model_version") or "").startswith(OURS)


def with_note(prediction: Prediction, note: str) -> Prediction:
    """A prediction that says in words what it is: in its version and at its first region.

    Args:
        prediction: not changed.
        note: one line for the person who opens the task.
    """
    result: list[Mapping[str, Any]] = list(prediction["result"])
    if result:
        result[0] = {**result[0], "meta": {"text": [note]}}
        return {**prediction, "result": result}
    # Without a region there is no other place that the editor shows.
    return {**prediction, "model_version": f"{prediction['model_version']}: {note}"}


def _call(connection: Connection, method: str, path: str, **request: Any) -> requests.Response:
    url = urljoin(connection.base_url, path)
    try:
        answer = requests.request(
            method,
            url,
            auth=connection.auth_for(url),
            allow_redirects=False,
            timeout=_TIMEOUT_SECONDS,
            **request,
        )
    except requests.RequestException as error:
        raise PushError(f"cannot reach {url}: {type(error).__name__}") from None
    if not answer.ok or answer.is_redirect:
        raise PushError(
            f"{method} {url} answered {answer.status_code}: set "
            "TRACKANYTHING_LABEL_STUDIO_API_KEY to an account that may change the project"
        )
    return answer
