from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from trackanything_core.errors import StoreError
from trackanything_core.store.database import Database
from trackanything_core.store.schema import metadata
from trackanything_core.store.store import Store


def test_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    with store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_opening_again_keeps_everything(store_url: str) -> None:
    Store.open(store_url).sessions.make("clip", {"path": "clip.mp4"}, 5, (4, 6))
    assert Store.open(store_url).sessions.get("clip").source == {"path": "clip.mp4"}


def _open(url: str) -> None:
    Store.open(url).close()


def test_several_programs_may_open_a_new_database_at_once(store_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_open, [store_url] * 3)
    assert Store.open(store_url).sessions.names() == []


def test_a_database_of_a_newer_program_is_refused(store_url: str) -> None:
    store = Store.open(store_url)
    with store.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="update the program"):
        Store.open(store_url)


def test_what_raises_in_a_transaction_leaves_nothing(store: Store) -> None:
    store.sessions.make("clip", {}, 5, (4, 6))
    with pytest.raises(KeyError), store.database.write() as connection:  # noqa: PT012
        connection.execute(text("DELETE FROM sessions"))
        raise KeyError
    assert store.sessions.names() == ["clip"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no address", "expected a database address"),
        ("postgresql://user:hidden@127.0.0.1:1/name", "check that the server runs"),
        ("sqlite:////proc/nowhere/store.sqlite3", "the folder of the database"),
    ],
)
def test_a_database_that_is_not_there_is_said_in_words(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        Database.open(url)
    assert "hidden" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(b"something else, and long enough to be looked at" * 50)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="put a copy in its place"):
        Store.open(path)
    assert path.read_bytes() == before
