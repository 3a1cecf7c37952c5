"""Which Label Studio each project lives in."""

from __future__ import annotations

import threading

from cachetools import LRUCache

from ml_backend.auth import Connection
from ml_backend.settings import Settings

_MAX_PROJECTS = 1000


class Connections:
    """Knows Label Studio from the settings, or else from what it says of itself in `/setup`.

    Settings win, since the address that Label Studio names is its users', not always ours. A token
    from `/setup` is only ever used with the address that came with it.
    """

    def __init__(self, settings: Settings) -> None:
        self._fixed = None
        if settings.label_studio_url:
            self._fixed = Connection(
                settings.label_studio_url, settings.label_studio_api_key.get_secret_value()
            )
        self._lock = threading.Lock()
        self._by_project: LRUCache[str, Connection] = LRUCache(_MAX_PROJECTS)

    def introduce(self, project: str, url: str, token: str) -> None:
        """Remember what Label Studio says of itself in a project's `/setup`."""
        if self._fixed is None:
            with self._lock:
                self._by_project[project] = Connection(url, token)

    def of(self, project: str) -> Connection:
        """Where a project's pictures are; an empty connection if nobody has said."""
        with self._lock:
            found = self._fixed or self._by_project.get(project, Connection())
        return found.within(project)
