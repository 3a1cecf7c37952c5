"""The database of sessions and jobs as one thing to hand round."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from trackanything_core.store.checkpoint import SessionCheckpoint
from trackanything_core.store.database import Database
from trackanything_core.store.session_masks import SessionMasks
from trackanything_core.store.sessions import Sessions


class Store:
    """All that is kept. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, url: str | Path) -> Store:
        """Open the store, and make or update its tables.

        Args:
            url: `postgresql://user@host/name`, `sqlite:///folder/file.sqlite3`, or the path of
                such a file.

        Raises:
            StoreError: it cannot be reached, is damaged, or was written by a newer version.
        """
        return cls(Database.open(f"sqlite:///{url}" if isinstance(url, Path) else url))

    @classmethod
    def temporary(cls) -> Store:
        """A store of this process alone that goes with it; large ones lie on disk."""
        return cls(Database.temporary())

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions."""
        return Sessions(self.database)

    def masks(self, session_id: str) -> SessionMasks:
        """The masks of a session that exists."""
        return SessionMasks(self.database, session_id)

    def checkpoint(self, session_id: str) -> SessionCheckpoint:
        """The checkpoint of the work on a session that exists."""
        return SessionCheckpoint(self.database, session_id)

    def close(self) -> None:
        """Close the idle connections."""
        self.database.close()
