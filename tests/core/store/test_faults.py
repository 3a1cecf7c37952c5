"""Full disks, locked and broken files: a clear error, and a store that opens afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from tests.stores import postgres_database
from trackanything_core.errors import StoreError
from trackanything_core.store import database as database_module
from trackanything_core.store.session_rows import MaskRow
from trackanything_core.store.store import Store
from trackanything_core.tracking.session import Session
from trackanything_core.types import Click, Prompt

pytestmark = pytest.mark.faults

_KIB = 1024
_PAGE = 4 * _KIB  # of SQLite
_FRAMES = 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB; the log alone of a database takes four."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    """Leave no room on the disk of a folder; gives the file to remove."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in (64 * _KIB, _KIB):
            try:
                while True:
                    file.write(bytes(block))
            except OSError:
                continue
    return ballast


def _session(store: Store, source: FakeSource) -> Session:
    store.sessions.make("clip", {}, len(source), source.size)
    return Session(source, FakeSegmenter(), FakePropagators(), masks=store.masks("clip"))


def _masks(session: Session) -> list[bytes | None]:
    masks = [session.mask(frame, "cat") for frame in range(len(session.source))]
    return [None if mask is None else mask.tobytes() for mask in masks]


def _intact(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_full_disk_stops_tracking_and_room_lets_it_go_on(small_disk: Path) -> None:
    path = small_disk / "store.sqlite3"
    source = FakeSource(250)
    store = Store.open(path)
    session = _session(store, source)
    session.add(Prompt("cat", 0, clicks=(Click(10, 12),)))
    work = session.propagate()
    for _ in range(20):
        next(work)
    ballast = _fill(small_disk)
    with pytest.raises(StoreError, match="make room on the disk"):
        list(work)
    kept = _masks(session)
    assert None not in kept[:20]
    assert kept[-1] is None
    store.close()

    ballast.unlink()
    again = Store.open(path)
    assert _intact(path)
    session = _session(again, source)
    assert _masks(session) == kept
    list(session.propagate())
    assert session.stale() == {}
    again.close()


def test_the_session_at_hand_goes_on_too_once_there_is_room(small_disk: Path) -> None:
    store = Store.open(small_disk / "store.sqlite3")
    session = _session(store, FakeSource(250))
    session.add(Prompt("cat", 0, clicks=(Click(10, 12),)))
    ballast = _fill(small_disk)
    with pytest.raises(StoreError, match="make room on the disk"):
        list(session.propagate())
    ballast.unlink()
    list(session.propagate())
    assert session.stale() == {}
    assert None not in _masks(session)
    store.close()


def test_an_edit_that_finds_the_disk_full_changes_nothing(small_disk: Path) -> None:
    path = small_disk / "store.sqlite3"
    store = Store.open(path)
    session = _session(store, FakeSource(12))
    session.add(Prompt("cat", 0, clicks=(Click(10, 12),)))
    before = session.anchors
    ballast = _fill(small_disk)
    refused = None
    for frame in range(1, 12):  # what is free in the log takes the first of them
        try:
            session.prompt(Prompt("cat", frame, clicks=(Click(20, 12),)))
        except StoreError:
            refused = frame
            break
        before = session.anchors
    assert refused is not None
    assert session.anchors == before
    ballast.unlink()
    assert _session(Store.open(path), FakeSource(12)).anchors == before
    session.prompt(Prompt("cat", refused, clicks=(Click(20, 12),)))
    assert refused in session.anchors["cat"]


def test_a_disk_that_is_full_from_the_start_leaves_nothing_half_made(small_disk: Path) -> None:
    path = small_disk / "store.sqlite3"
    ballast = _fill(small_disk)
    with pytest.raises(StoreError, match=r"make room on the disk|may be written"):
        Store.open(path)
    ballast.unlink()
    store = Store.open(path)
    assert store.sessions.names() == []
    store.close()


def test_a_database_that_another_program_holds_is_said_to_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.sqlite3"
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.2)
    store = Store.open(path)
    session = _session(store, FakeSource(12))
    session.add(Prompt("cat", 0, clicks=(Click(10, 12),)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds it"):
            list(session.propagate())
        with pytest.raises(StoreError, match="another program holds it"):
            session.prompt(Prompt("cat", 5, clicks=(Click(20, 12),)))
        assert session.anchors == {"cat": (0,)}
        assert store.sessions.names() == ["clip"]  # who only reads need not wait
        other.execute("ROLLBACK")
    session.prompt(Prompt("cat", 5, clicks=(Click(20, 12),)))
    list(session.propagate())
    assert session.stale() == {}
    store.close()


@pytest.mark.postgres
def test_a_server_that_drops_every_connection_costs_nothing(postgres: str) -> None:
    with postgres_database(postgres) as url:
        store = Store.open(url)
        session = _session(store, FakeSource(12))
        session.add(Prompt("cat", 0, clicks=(Click(10, 12),)))
        work = session.propagate()
        for _ in range(4):
            next(work)
            with psycopg.connect(url, autocommit=True) as other:
                dropped = other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
                assert dropped
        list(work)
        assert session.stale() == {}
        assert None not in _masks(_session(store, FakeSource(12)))
        store.close()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_said_to_be_damaged(tmp_path: Path, share: float) -> None:
    path = _filled(tmp_path)
    whole = path.read_bytes()
    damaged = whole[: int(share * len(whole))]
    path.write_bytes(damaged)
    if share == 0:
        assert Store.open(path).sessions.names() == []  # an empty file is a new database
        return
    with pytest.raises(StoreError, match="put a copy in its place"):
        _read_all(path)
    path.write_bytes(whole)
    assert len(_read_all(path)) == _FRAMES


def test_a_file_with_a_broken_page_is_said_to_be_damaged_or_does_no_harm(tmp_path: Path) -> None:
    path = _filled(tmp_path)
    whole, masks = path.read_bytes(), _read_all(path)
    said: list[str] = []
    for start in range(0, len(whole), _PAGE):
        path.write_bytes(whole[:start] + bytes([0x5A]) * _PAGE + whole[start + _PAGE :])
        try:
            assert _read_all(path) == masks  # the page is one that nobody needed
        except StoreError as error:
            said.append(str(error))
        assert len(path.read_bytes()) == len(whole)
    assert len(said) > 10
    assert all("put a copy in its place" in message for message in said)
    path.write_bytes(whole)
    assert _read_all(path) == masks


def _filled(folder: Path) -> Path:
    """A store with a session of many masks, all of it in one file."""
    path = folder / "store.sqlite3"
    store = Store.open(path)
    store.sessions.make("clip", {}, _FRAMES, (24, 32))
    masks = store.masks("clip")
    masks.add_object("cat")
    masks.put_anchor("cat", 0, "abc", 1.0)
    span = masks.span_id("digest", {"start": 1})
    for frame in range(_FRAMES):
        masks.put("cat", frame, MaskRow("abc" * 50, 0.5), span)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert [file.name for file in folder.iterdir()] == [path.name]
    return path


def _read_all(path: Path) -> list[MaskRow | None]:
    """Every mask."""
    store = Store.open(path)
    try:
        masks = store.masks("clip")
        return [masks.get(place.object_id, place.frame) for place in masks.load().places]
    finally:
        store.close()
