"""The connection to the database: transactions, migrations, and errors that people understand."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    Float,
    StaticPool,
    cast,
    create_engine,
    event,
    extract,
    func,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from trackanything_core.errors import StoreError
from trackanything_core.store.schema import metadata

_BUSY_SECONDS = 30
_ALEMBIC = threading.Lock()  # it keeps what it works on in a module of its own
_MIGRATION_LOCK = 0x7472_6163  # any number that is ours; PostgreSQL's advisory locks are numbers
_SQLITE_NOW = select((func.julianday("now") - 2440587.5) * 86400.0)
_POSTGRESQL_NOW = select(cast(extract("epoch", func.clock_timestamp()), Float))


class Database:
    """Transactions on one database. Safe for many threads and many processes.

    Args:
        engine: connections; SQLite's must come from `open` or `temporary`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._under_way = threading.local()  # the connection that writes, if one does
        weakref.finalize(self, engine.dispose)

    @classmethod
    def open(cls, url: str) -> Database:
        """Open a database and bring its tables up to date.

        Args:
            url: `sqlite:///folder/file.sqlite3` or `postgresql://user:password@host/name`.

        Raises:
            StoreError: it cannot be reached, is damaged, or was written by a newer version.
        """
        database = cls(_engine(url))
        with database.write() as connection:
            _migrate(connection, url)
        return database

    @classmethod
    def temporary(cls) -> Database:
        """A database of this process alone, which moves to the disk as it grows and then goes."""
        engine = create_engine(
            "sqlite://",
            # SQLite keeps a database without a name in a file that is deleted when it is closed.
            creator=lambda: sqlite3.connect("", check_same_thread=False),
            poolclass=StaticPool,
        )
        _prepare_sqlite(engine, durable=False)
        database = cls(engine)
        with database.write() as connection:
            metadata.create_all(connection)
        return database

    @property
    def url(self) -> str:
        """Where it is, without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite; then all who use it are on one machine."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees the database as it was at its start.

        Raises:
            StoreError: the database cannot be read.
        """
        joined = self._joined()
        if joined is not None:
            yield joined
            return
        with self._transaction({"isolation_level": "REPEATABLE READ"}) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is kept whole, or not at all where anything is raised.

        What a thread reads and writes while it has one open is part of it.

        Raises:
            StoreError: the database cannot be written: the disk is full, or it is locked for long.
        """
        joined = self._joined()
        if joined is not None:
            yield joined
            return
        with self._transaction({"writes": True}) as connection:
            self._under_way.connection = connection
            try:
                yield connection
            finally:
                self._under_way.connection = None

    def now(self, connection: Connection) -> float:
        """Seconds since the epoch by the clock of the database, the same for all who ask."""
        query = _SQLITE_NOW if self.is_sqlite else _POSTGRESQL_NOW
        return float(connection.execute(query).scalar_one())

    def close(self) -> None:
        """Close the idle connections; the next use opens new ones."""
        self._engine.dispose()

    def _joined(self) -> Connection | None:
        """The transaction that this thread has open for writing."""
        return getattr(self._under_way, "connection", None)

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        if self.is_sqlite:
            options.pop("isolation_level", None)  # its readers see a snapshot anyway
        try:
            with (
                self._engine.connect().execution_options(**options) as connection,
                connection.begin(),
            ):
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(self._explain(error)) from error

    def _explain(self, error: SQLAlchemyError) -> str:
        cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        cause = cause.strip().splitlines()[0] if cause.strip() else type(error).__name__
        return f"the database {self.url} cannot be used: {cause}: {_advice(cause)}"


def _advice(cause: str) -> str:
    lower = cause.lower()
    if "full" in lower or "no space" in lower or "disk i/o" in lower:
        return "make room on the disk, and go on; nothing that was written is lost"
    if "locked" in lower or "busy" in lower:
        return "another program holds it; try again, or stop that program"
    if "malformed" in lower or "not a database" in lower:
        return "the file is damaged; put a copy in its place"
    if "readonly" in lower or "unable to open" in lower:
        return "check that the folder exists and may be written"
    return "check that the server runs, and the address"


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"expected a database address such as sqlite:///data/store.sqlite3 or "
            f"postgresql://user@host/name, got {url!r:.80}"
        ) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"{error.name} is not installed: install trackanything-label-studio[postgres]"
        ) from error
    if parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder of the database {parsed.database} cannot be made: {error.strerror}: "
                "choose another, or make it and let this program write there"
            ) from error
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
    _prepare_sqlite(engine, durable=True)
    return engine


def _prepare_sqlite(engine: Engine, *, durable: bool) -> None:
    """Make SQLite begin transactions when told, see snapshots, and wait for its turn to write."""

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # else Python's driver begins transactions by itself
        connection.execute("PRAGMA foreign_keys = ON")
        if durable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        else:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        # A transaction that begins to read and then wants to write may find that it is too late.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: Connection, url: str) -> None:
    """Bring the tables up to date; several programs may start at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    try:
        with _ALEMBIC:
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database {make_url(url).render_as_string(hide_password=True)} was written by "
            f"another version of this program ({error}): update the program"
        ) from error
