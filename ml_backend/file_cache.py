"""Fetched files on disk, bounded in bytes, whole or not there."""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from typing_extensions import Self

from trackanything_core.files import replaced_on_success

_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Files that stay on disk until they are given back.

    Attributes:
        paths: the files, in the order asked for.
        release: gives them back; call it once.
        fetched: how many of them were not there yet.
    """

    paths: tuple[Path, ...]
    release: Callable[[], None]
    fetched: int = 0


class FileCache:
    """Files by name, fetched once; the least recently leased are dropped first.

    Safe for many threads. Leased files are never dropped, so that what is on lease may exceed
    the limit.

    Args:
        folder: where the files lie; made if it is missing.
        limit: bytes that may stay.
        workers: files fetched at the same time.
    """

    def __init__(self, folder: Path, *, limit: int, workers: int = 8) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limit = limit
        self._workers = workers
        self._lock = threading.Lock()
        self._leases: Counter[Path] = Counter()
        self._drop_abandoned()

    @classmethod
    def of_this_process(cls, folder: Path, *, limit: int) -> Self:
        """A cache that no other process touches: in `folder`, else in `folder-1`, `folder-2`, ….

        Which files are on lease is known to one process alone, so that another would drop them.
        """
        for number in itertools.count():
            own = folder.with_name(f"{folder.name}-{number}") if number else folder
            own.mkdir(parents=True, exist_ok=True)
            claim = os.open(own / ".claim", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                # The system lets go of it when the process ends, in whatever way.
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(claim)
                continue
            cache = cls(own, limit=limit)
            weakref.finalize(cache, os.close, claim)
            return cache
        raise AssertionError  # there is always a further number

    def lease(self, names: Sequence[str], fetch: Callable[[str, Path], None]) -> Lease:
        """Have files on disk, fetching those that are missing.

        Args:
            names: anything that says which file; may repeat.
            fetch: called with a name and the path to write to, in several threads at once. What
                it raises is raised here, and that file is not kept.
        """
        paths = tuple(self._folder / sha256(name.encode()).hexdigest() for name in names)
        names_by_path = dict(zip(paths, names, strict=True))
        with self._lock:
            self._leases.update(names_by_path.keys())
        try:
            missing = [path for path in names_by_path if not _touch(path)]
            with ThreadPoolExecutor(self._workers) as pool:
                # Leaving the loop by an exception cancels the fetches that have not begun.
                for _ in pool.map(lambda path: _fetch(fetch, names_by_path[path], path), missing):
                    pass
        except BaseException:
            self._return(names_by_path)
            raise
        self._shrink()
        return Lease(paths, lambda: self._return(names_by_path), len(missing))

    def _return(self, paths: Iterable[Path]) -> None:
        with self._lock:
            for path in paths:
                self._leases[path] -= 1
                if not self._leases[path]:
                    del self._leases[path]
        self._shrink()

    def _shrink(self) -> None:
        """Drop files that are not leased, oldest first, until the rest fits."""
        with self._lock:
            files = [(path, path.stat()) for path in self._folder.glob("[0-9a-f]*")]
            excess = sum(stat.st_size for _, stat in files) - self._limit
            for path, stat in sorted(files, key=lambda file: file[1].st_mtime_ns):
                if excess <= 0:
                    return
                if path not in self._leases:
                    path.unlink(missing_ok=True)
                    excess -= stat.st_size

    def _drop_abandoned(self) -> None:
        """Remove what a killed process left half-written; another may still be at work."""
        for path in self._folder.glob(".*.part"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()


def _fetch(fetch: Callable[[str, Path], None], name: str, path: Path) -> None:
    with replaced_on_success(path) as temporary:
        fetch(name, temporary)


def _touch(path: Path) -> bool:
    """Whether the file is there, which counts as use."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
