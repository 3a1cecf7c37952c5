from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.jobs.bench import Bench, undisturbed
from tests.core.jobs.small_job import CHECKPOINT_EVERY

FRAMES = 60

pytestmark = pytest.mark.ray


@pytest.fixture
def own_network() -> list[str]:
    """What to put before a command so that it sees a loopback device and no other."""
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    try:
        tried = subprocess.run([*alone, "true"], capture_output=True, text=True, check=False)
        reason = tried.stderr.strip()
    except FileNotFoundError as error:
        reason = f"{error}"
    if reason:
        reason = f"no network namespace can be made here: {reason}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return alone


def test_a_job_whose_machine_is_lost_ends_right_on_the_other(
    own_network: list[str], tmp_path: Path
) -> None:
    whole = undisturbed(tmp_path / "whole", FRAMES)
    bench = Bench(tmp_path / "bench", FRAMES)
    settings = {
        "PYTHONPATH": os.getcwd(),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Else Ray sees `uv run` above us and has it make an environment for each worker.
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    }
    program = [sys.executable, "-m", "tests.core.jobs.ray_cluster"]
    done = subprocess.run(
        [*own_network, *program, str(bench.file), str(bench.counter), "70"],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env=os.environ | settings,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # Ray speaks on the same stream.
    (said,) = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert said["state"] == "done"
    assert said["second"] not in (None, said["first"])
    assert said["taken_away_at"] < whole.steps, "the job was done before its machine was lost"
    assert bench.masks() == whole.masks()
    assert bench.finished() == whole.finished()
    assert bench.steps - whole.steps <= CHECKPOINT_EVERY
