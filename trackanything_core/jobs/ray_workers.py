"""Workers on the machines of a Ray cluster: an executor, never the queue.

Each worker is an actor that works off the queue in the database, as a process of its own would.
Ray starts one for each GPU, or each few CPU cores, and starts it elsewhere when its machine is
lost; the jobs themselves come back by their lease and go on from their checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trackanything_core.errors import ConfigError
from trackanything_core.jobs.workspace import Workspace

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Where a worker is.

    Attributes:
        runner: its name, as the leases of its jobs bear it.
        node: the id of its machine in the cluster.
    """

    runner: str
    node: str


class _Worker:
    """What an actor is; Ray starts it anew, with an empty memory, wherever there is room."""

    def __init__(self, make: Callable[[], Workspace]) -> None:
        import ray

        self._workspace = make()
        self._place = WorkerPlace(
            self._workspace.runner_name, ray.get_runtime_context().get_node_id()
        )

    def place(self) -> WorkerPlace:
        return self._place

    def close(self) -> None:
        self._workspace.close()


class RayWorkers:
    """Workers all over a cluster, as many as it has room for.

    Args:
        address: of the cluster, as `ray.init` takes it.
        make: makes a worker's workspace, on the worker's machine; sent there by pickle. All must
            reach the same database, so it cannot be a file unless all are on one machine.
        cores: CPU cores of a worker where the cluster has no GPUs.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at that address.
    """

    def __init__(self, address: str, make: Callable[[], Workspace], cores: int = 1) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ConfigError(
                "Ray is not installed: install trackanything-label-studio[ray]"
            ) from error
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise ConfigError(
                f"expected the address of a Ray cluster, got {address!r}: {error}"
            ) from error
        self._ray, self._make, self._cores = ray, make, cores
        self._workers: list[Any] = []
        self.fill()

    def fill(self) -> int:
        """Start workers where machines have joined; how many there are now."""
        room = self._ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(room.get("GPU", 0))
        wanted = gpus or int(room.get("CPU", 0)) // self._cores
        needs = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": self._cores}
        for _ in range(len(self._workers), wanted):
            actor = self._ray.remote(_Worker).options(
                **needs,
                max_restarts=-1,
                max_task_retries=-1,
                scheduling_strategy="SPREAD",
            )
            self._workers.append(actor.remote(self._make))
            logger.info("worker %d of %d started", len(self._workers), wanted)
        return len(self._workers)

    def places(self, seconds: float) -> list[WorkerPlace]:
        """Where the workers are that answer within some seconds."""
        asked = [worker.place.remote() for worker in self._workers]
        if not asked:
            return []
        ready, _ = self._ray.wait(asked, num_returns=len(asked), timeout=seconds)
        return list(self._ray.get(ready))

    def close(self) -> None:
        """Stop all workers after the frame at hand, and leave the cluster; nothing is lost."""
        asked = [worker.close.remote() for worker in self._workers]
        if asked:
            self._ray.wait(asked, num_returns=len(asked), timeout=_CLOSE_SECONDS)
        self._ray.shutdown()
