"""Stores for tests: each such test runs on SQLite, and with `-m postgres` on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

_PROGRAMS = Path("/usr/lib/postgresql")


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of our own on a socket in a temporary folder; gives its address.

    Skips where the programs are not installed; with CI=true that is a failure.
    """
    programs = _find_programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("expected PostgreSQL's programs: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # Its socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    try:
        if user:
            shutil.chown(folder, "postgres")
        data = folder / "data"
        _run([*user, str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"])
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        control = [*user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"])
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """An empty database on that server; gives its address."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _find_programs() -> Path | None:
    if (found := shutil.which("initdb")) and (Path(found).parent / "pg_ctl").exists():
        return Path(found).resolve().parent
    versions = sorted(_PROGRAMS.glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd="/tmp")
