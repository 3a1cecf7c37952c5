"""Files are fetched once, dropped oldest first, and never while leased."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from ml_backend.file_cache import FileCache


def write(name: str, path: Path) -> None:
    path.write_bytes(name.encode() * 10)


def test_gives_the_files_in_order_and_fetches_each_once(tmp_path: Path) -> None:
    fetched: list[str] = []

    def fetch(name: str, path: Path) -> None:
        fetched.append(name)
        write(name, path)

    cache = FileCache(tmp_path, limit=10**6)
    names = ["b", "a", "b"]
    for _ in range(2):
        lease = cache.lease(names, fetch)
        assert [path.read_bytes() for path in lease.paths] == [n.encode() * 10 for n in names]
        lease.release()
    assert sorted(fetched) == ["a", "b"]


def test_the_least_recently_leased_goes_first(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, limit=20)
    paths = {}
    for age, name in ((3, "a"), (2, "b")):
        lease = cache.lease([name], write)
        paths[name] = lease.paths[0]
        lease.release()
        os.utime(lease.paths[0], (time.time() - age,) * 2)
    cache.lease(["a"], write).release()
    cache.lease(["c"], write).release()
    assert paths["a"].exists()
    assert not paths["b"].exists()


def test_leased_files_stay_until_the_last_lease_ends(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, limit=0)
    first, second = cache.lease(["a", "a"], write), cache.lease(["a"], write)
    first.release()
    assert second.paths[0].exists()
    second.release()
    assert not second.paths[0].exists()


def test_a_failed_fetch_leaves_nothing_and_stops_the_rest(tmp_path: Path) -> None:
    started: list[str] = []

    def fail(name: str, path: Path) -> None:
        started.append(name)
        path.write_bytes(b"half")
        time.sleep(0.01)  # or one thread may go through all before the other hears of an error
        raise ValueError(name)

    cache = FileCache(tmp_path, limit=0, workers=1)
    with pytest.raises(ValueError, match="0"):
        cache.lease([str(i) for i in range(100)], fail)
    assert list(tmp_path.iterdir()) == []
    assert len(started) < 100
    # Nothing is left on lease either: the limit of 0 holds again.
    cache.lease(["0"], write).release()
    assert list(tmp_path.iterdir()) == []


def test_half_written_files_of_killed_processes_go(tmp_path: Path) -> None:
    old, new = tmp_path / ".old.part", tmp_path / ".new.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    FileCache(tmp_path, limit=10)
    assert list(tmp_path.iterdir()) == [new]


def test_many_threads_share_it(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, limit=50)
    wrong: list[str] = []

    def work(seed: int) -> None:
        for i in range(20):
            names = [str((seed * i + k) % 10) for k in range(3)]
            lease = cache.lease(names, write)
            if [path.read_bytes() for path in lease.paths] != [n.encode() * 10 for n in names]:
                wrong.append(str(names))
            lease.release()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 50


def test_two_processes_have_folders_of_their_own(tmp_path: Path) -> None:
    # A lock belongs to the file that was opened, so that one process can stand for two.
    first = FileCache.of_this_process(tmp_path / "media", limit=0)
    second = FileCache.of_this_process(tmp_path / "media", limit=0)
    lease = first.lease(["a"], write)
    other = second.lease(["a"], write)
    assert lease.fetched == other.fetched == 1
    assert {path.parent.name for path in (*lease.paths, *other.paths)} == {"media", "media-1"}
    other.release()
    assert lease.paths[0].exists()
    lease.release()


def test_the_next_process_goes_on_with_the_files_of_one_that_ended(tmp_path: Path) -> None:
    cache = FileCache.of_this_process(tmp_path / "media", limit=10**6)
    cache.lease(["a"], write).release()
    del cache
    again = FileCache.of_this_process(tmp_path / "media", limit=10**6)
    assert again.lease(["a"], write).fetched == 0
