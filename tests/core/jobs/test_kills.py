"""The model process is killed again and again, and nothing is lost and nothing done twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.core.jobs.bench import Bench, kill, undisturbed
from tests.core.jobs.small_job import CHECKPOINT_EVERY, FRAMES

KILLS = 20

pytestmark = pytest.mark.faults


def test_a_process_that_is_killed_twenty_times_gives_the_masks_of_one_that_is_not(
    tmp_path: Path,
) -> None:
    whole = undisturbed(tmp_path / "whole")
    expected = {("cat", frame) for frame in range(1, FRAMES - 1)}
    expected |= {("dog", frame) for frame in range(FRAMES) if frame != FRAMES // 3}
    assert whole.masks().keys() == expected

    draw = random.Random(time.time_ns())
    moments = sorted(draw.sample(range(1, whole.steps - 10), KILLS))
    killed = Bench(tmp_path / "killed")
    for moment in moments:
        process = killed.start()
        before = killed.steps
        # What is computed again after a kill does not count as being further.
        while killed.steps < max(moment, before + 1):
            assert process.is_alive(), f"{killed.ended()} before it was killed at {moment}"
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))
        kill(process)
    last = killed.start()
    last.join(300)

    assert killed.ended() == "done"
    assert killed.masks() == whole.masks(), f"killed at {moments}"
    assert killed.finished() == sorted(expected), f"killed at {moments}"
    again = killed.steps - whole.steps
    assert 0 < again < KILLS * CHECKPOINT_EVERY, f"killed at {moments}"
