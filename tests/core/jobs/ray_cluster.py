"""A Ray cluster of two machines, one of which is lost in the middle of a job.

Ray listens on the machine's own address whatever it is told, so this runs as a program in a network
namespace of its own: `unshare --net`, with loopback only.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from tests.core.jobs.small_job import SESSION, open_workspace
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.jobs.ray_workers import RayWorkers
from trackanything_core.store.store import Store

_PATIENCE_SECONDS = 180


def owner(file: Path) -> str | None:
    with sqlite3.connect(file) as connection:
        return connection.execute("SELECT owner FROM jobs ORDER BY id DESC").fetchone()[0]


def main(file: Path, counter: Path, steps: int) -> None:
    """Begin the job, take its machine away after some steps, and say what happened."""
    url, deadline = f"sqlite:///{file}", time.monotonic() + _PATIENCE_SECONDS
    small: dict[str, Any] = {"object_store_memory": 80 * 2**20}
    # The head has no room for workers, so that each of the two machines has one.
    queue = JobQueue(Store.open(url).database)
    queue.cancel(SESSION)  # asked for again once all workers are there
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    nodes = [cluster.add_node(num_cpus=1, **small) for _ in range(2)]
    workers = RayWorkers(cluster.address, partial(open_workspace, url, counter))
    found: dict[str, str] = {}
    while len(found) < 2:
        assert time.monotonic() < deadline, str(found)
        found = {place.runner: place.node for place in workers.places(1.0)}
    queue.put(SESSION)
    while owner(file) not in found or counter.stat().st_size < steps:
        assert time.monotonic() < deadline, f"{found} {owner(file)} {counter.stat().st_size}"
        time.sleep(0.01)
    first = owner(file)
    lost = next(node for node in nodes if node.node_id == found[first or ""])
    taken_away_at = counter.stat().st_size
    cluster.remove_node(lost, allow_graceful=False)
    second = None
    while (job := queue.newest(SESSION)) is not None and job.is_active:
        assert time.monotonic() < deadline, str(job)
        time.sleep(0.1)
        if (now := owner(file)) not in (None, first):
            second = now
    assert job is not None
    said = {
        "state": f"{job.state} {job.error}".strip(),
        "first": found[first or ""],
        "second": found.get(second or ""),
        "taken_away_at": taken_away_at,
    }
    print(json.dumps(said), flush=True)
    workers.close()
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
