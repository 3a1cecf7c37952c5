"""What a project's connection says of it, as `/setup` tells."""

from __future__ import annotations

import threading
from typing import Literal

from cachetools import LRUCache

_MAX_PROJECTS = 1000


class ProjectOptions:
    """The extra parameters of connections, by project. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: LRUCache[str, Literal["one", "many"] | None] = LRUCache(_MAX_PROJECTS)

    def introduce(self, project: str, objects: Literal["one", "many"] | None) -> None:
        """Remember how many objects a label may have; None where the project does not say."""
        with self._lock:
            self._objects[project] = objects

    def objects_of(self, project: str) -> Literal["one", "many"] | None:
        """How many objects a label may have; None where the project did not say."""
        with self._lock:
            return self._objects.get(project)
