"""How far the work on a session has got, in named parts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from trackanything_core.store.database import Database
from trackanything_core.store.schema import checkpoints


class SessionCheckpoint:
    """The one checkpoint of a session. Safe for many threads and processes.

    Args:
        database: where it is.
        session_id: of a session that exists.
    """

    def __init__(self, database: Database, session_id: str) -> None:
        self._database = database
        self._session_id = session_id

    def put(self, parts: Mapping[str, bytes], *, keep: bool) -> None:
        """Write parts, all or none.

        Args:
            parts: by name, at most 64 characters; each replaces an older one of its name.
            keep: leave parts of other names; else they go.

        Raises:
            StoreError: the database cannot be written; the checkpoint is as it was.
        """
        mine = checkpoints.c.session_id == self._session_id
        with self._database.write() as connection:
            now = self._database.now(connection)
            gone = mine if not keep else mine & checkpoints.c.name.in_(list(parts))
            connection.execute(delete(checkpoints).where(gone))
            for name, data in parts.items():  # one by one: they are large
                connection.execute(
                    insert(checkpoints).values(
                        session_id=self._session_id, name=name, data=data, made=now
                    )
                )

    def get(self, name: str) -> bytes | None:
        """A part; None where there is none of that name."""
        query = select(checkpoints.c.data).where(
            checkpoints.c.session_id == self._session_id, checkpoints.c.name == name
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def names(self) -> frozenset[str]:
        """The names of all parts."""
        query = select(checkpoints.c.name).where(checkpoints.c.session_id == self._session_id)
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def clear(self) -> None:
        """Remove all parts."""
        with self._database.write() as connection:
            connection.execute(
                delete(checkpoints).where(checkpoints.c.session_id == self._session_id)
            )
