"""The option that names the database of sessions and jobs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from trackanything_core.store.store import Store

DatabaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="TRACKANYTHING_DATABASE_URL",
        help="Address of the database, such as postgresql://user@host/name.",
        show_default="a file in the data folder",
    ),
]


def database_url(given: str | None) -> str:
    """The address that was given, else that of the file in the data folder."""
    if given:
        return given
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    folder = Path(os.environ.get("TRACKANYTHING_DATA_DIR") or Path(base) / "trackanything")
    return f"sqlite:///{folder / 'trackanything.db'}"


def open_store(given: str | None) -> Store:
    """Open the store.

    Raises:
        StoreError: it cannot be reached, is damaged, or was written by a newer version.
    """
    from trackanything_core.store.store import Store

    return Store.open(database_url(given))
