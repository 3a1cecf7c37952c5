"""What is asked of a workspace of sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, ObjectId


class LiveSession(Protocol):
    session: Session
    notes: dict[str, Any]
    labels: dict[ObjectId, str]

    @property
    def mark(self) -> int: ...
    def changed_since(self, mark: int) -> Collection[tuple[ObjectId, FrameIndex]]: ...


class JobStatus(Protocol):
    @property
    def state(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def error(self) -> str: ...


class Workspace(Protocol):
    def edit(
        self, session_id: str, source: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[LiveSession]: ...
    def track(self, session_id: str, *, user: str = "", project: str = "") -> Any: ...
    def cancel(self, session_id: str) -> None: ...
    def job(self, session_id: str) -> JobStatus | None: ...
    def wait(
        self, session_id: str, seconds: float, until: Callable[[], bool] | None = None
    ) -> JobStatus | None: ...
    def close(self) -> None: ...
