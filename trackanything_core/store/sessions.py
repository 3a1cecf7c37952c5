"""The sessions of a store: making, finding and lending them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, or_, select, update

from trackanything_core.errors import StoreError
from trackanything_core.store.database import Database
from trackanything_core.store.schema import objects, sessions
from trackanything_core.types import FrameIndex, ObjectId

_EDIT_LEASE_SECONDS = 60.0
_EDIT_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the database has it.

    Attributes:
        id: its name.
        source: how to open the video, understood by whoever opens it.
        frames: of the video.
        size: (height, width) of the video in pixels.
        cuts: the first frames of new shots, ascending.
        notes: what a client wants to remember.
        revision: one more with every edit by a human.
        mark: one more with every change of any mask.
    """

    id: str
    source: Mapping[str, Any]
    frames: int
    size: tuple[int, int]
    cuts: tuple[FrameIndex, ...]
    notes: Mapping[str, Any]
    revision: int
    mark: int


class Sessions:
    """The sessions of one database. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self,
        session_id: str,
        source: Mapping[str, Any],
        frames: int,
        size: tuple[int, int],
        cuts: Sequence[FrameIndex] = (),
    ) -> SessionRow:
        """Make a session; where there is one of that name already, that one is returned.

        Args:
            session_id: its name.
            source: JSON; how to open the video.
            frames: of the video.
            size: (height, width) of the video in pixels.
            cuts: the first frames of new shots.

        Raises:
            StoreError: there is one of that name, of a video of another length or size.
        """
        with self._database.write() as connection:
            row = _find(connection, session_id)
            if row is None:
                now = self._database.now(connection)
                connection.execute(
                    insert(sessions).values(
                        id=session_id,
                        source=dict(source),
                        frames=frames,
                        height=size[0],
                        width=size[1],
                        cuts=list(cuts),
                        notes={},
                        revision=0,
                        mark=0,
                        made=now,
                        changed=now,
                    )
                )
                row = _found(connection, session_id)
        if (row.frames, row.size) != (frames, size):
            raise StoreError(
                f"expected session {session_id!r} to have {row.frames} frames of "
                f"{row.size[1]}x{row.size[0]} pixels, as when it was made, got {frames} of "
                f"{size[1]}x{size[0]}: give another video another session"
            )
        return row

    def find(self, session_id: str) -> SessionRow | None:
        """A session by name."""
        with self._database.read() as connection:
            return _find(connection, session_id)

    def get(self, session_id: str) -> SessionRow:
        """A session by name.

        Raises:
            StoreError: there is none.
        """
        with self._database.read() as connection:
            return _found(connection, session_id)

    def names(self) -> list[str]:
        """All sessions, newest first."""
        with self._database.read() as connection:
            query = select(sessions.c.id).order_by(sessions.c.made.desc(), sessions.c.id)
            return list(connection.execute(query).scalars())

    def remove(self, session_id: str) -> None:
        """Remove a session and all that belongs to it; nothing happens where there is none."""
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.id == session_id))

    def note(self, session_id: str, notes: Mapping[str, Any]) -> None:
        """Replace what a client wants to remember, JSON."""
        with self._database.write() as connection:
            connection.execute(
                update(sessions).where(sessions.c.id == session_id).values(notes=dict(notes))
            )

    def labels(self, session_id: str) -> dict[ObjectId, str]:
        """The label of each object, oldest first, removed ones too."""
        with self._database.read() as connection:
            query = (
                select(objects.c.id, objects.c.label)
                .where(objects.c.session_id == session_id)
                .order_by(objects.c.ordinal)
            )
            return dict(connection.execute(query).tuples().all())

    def label(self, session_id: str, labels: Mapping[ObjectId, str]) -> None:
        """Label objects; names that are no objects are left out."""
        with self._database.write() as connection:
            for name, label in labels.items():
                connection.execute(
                    update(objects)
                    .where(objects.c.session_id == session_id, objects.c.id == name)
                    .values(label=label)
                )

    @contextmanager
    def editing(self, session_id: str, seconds: float = 60.0) -> Iterator[None]:
        """Be the only one of all programs that edits a session; wait for whoever does now.

        The right ends by itself after a minute, should this program die.

        Raises:
            StoreError: others did not let go of it in time, or there is no such session.
        """
        editor, deadline = uuid4().hex, time.monotonic() + seconds
        while not self._take(session_id, editor):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"session {session_id!r} is being edited by another program for more than "
                    f"{seconds:g} s: try again"
                )
            time.sleep(_EDIT_POLL_SECONDS)
        try:
            yield
        finally:
            with self._database.write() as connection:
                connection.execute(
                    update(sessions)
                    .where(sessions.c.id == session_id, sessions.c.editor == editor)
                    .values(editor=None, editor_until=None)
                )

    def _take(self, session_id: str, editor: str) -> bool:
        with self._database.write() as connection:
            now = self._database.now(connection)
            until = sessions.c.editor_until
            # A lease that ends later than one can was given before the clock was set back.
            is_free = or_(until.is_(None), until < now, until > now + _EDIT_LEASE_SECONDS + 1)
            taken = connection.execute(
                update(sessions)
                .where(sessions.c.id == session_id, is_free)
                .values(editor=editor, editor_until=now + _EDIT_LEASE_SECONDS)
            )
            if not taken.rowcount:
                _found(connection, session_id)
            return bool(taken.rowcount)


def _find(connection: Connection, session_id: str) -> SessionRow | None:
    found = connection.execute(select(sessions).where(sessions.c.id == session_id)).mappings()
    row = found.one_or_none()
    if row is None:
        return None
    return SessionRow(
        id=row["id"],
        source=row["source"],
        frames=row["frames"],
        size=(row["height"], row["width"]),
        cuts=tuple(row["cuts"]),
        notes=row["notes"],
        revision=row["revision"],
        mark=row["mark"],
    )


def _found(connection: Connection, session_id: str) -> SessionRow:
    row = _find(connection, session_id)
    if row is None:
        raise StoreError(f"expected the name of a session, got {session_id!r}: there is none")
    return row
