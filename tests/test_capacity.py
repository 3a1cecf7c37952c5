"""The simulation behind docs/scale.md: its rules, and what queueing theory says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.capacity import Capacity, Click, Device, Job, Load, World, simulate

QUIET = Load(spread=0.0, device_spread=0.0)
CLICKS_ONLY = Load(think=60.0, encode=0.0, click=1.0, frame=0.0, frames=1, corrections=0.0)


def empty_world(load: Load, seconds: float = 1000.0) -> tuple[World, Device]:
    """A device and no annotator."""
    world = World(load, 0, 1, 0, seconds, 0.0)
    return world, world.devices[0]


def test_one_alone_waits_for_nothing_but_the_work() -> None:
    outcome = simulate(QUIET, 1)
    first, later = QUIET.encode + QUIET.click, QUIET.click
    assert {round(seconds, 3) for seconds in outcome.clicks} == {round(first, 3), later}
    whole = QUIET.frame * QUIET.frames
    assert {round(seconds, 3) for seconds in outcome.tracks} == {whole, whole * QUIET.corrected}


def test_a_click_waits_for_the_frame_at_hand_and_no_longer() -> None:
    world, device = empty_world(replace(QUIET, frame=1.0))
    world.track(Job(0, 10, 0.0, lambda: None))
    answered: list[float] = []
    world.after(3.25, lambda: device.click(Click(0.1, 3.25, lambda: answered.append(world.now))))
    world.run()
    assert answered == [pytest.approx(4.0 + 0.1)]
    assert world.outcome.tracks == [pytest.approx(10.1)]


def test_clicks_go_before_frames_in_the_order_in_which_they_came() -> None:
    world, device = empty_world(replace(QUIET, frame=1.0))
    world.track(Job(0, 2, 0.0, lambda: None))
    order: list[int] = []
    for number in range(3):
        made = 0.1 * (number + 1)
        click = Click(0.5, made, lambda number=number: order.append(number))  # type: ignore[misc]
        world.after(made, lambda click=click: device.click(click))  # type: ignore[misc]
    world.run()
    assert order == [0, 1, 2]
    assert world.outcome.tracks == [pytest.approx(2 + 3 * 0.5)]


def test_users_take_turns_of_one_slice() -> None:
    # By turns of a little more than two seconds, equal jobs end one slice apart; one after the
    # other, the second would end twice as late as the first.
    world, _ = empty_world(replace(QUIET, frame=0.5))
    for user in (0, 1):
        world.track(Job(user, 40, 0.0, lambda: None))
    world.run()
    first, second = world.outcome.tracks
    assert second == pytest.approx(40.0)
    assert 36.0 <= first < second


def test_a_second_device_takes_the_other_job() -> None:
    world = World(replace(QUIET, frame=0.5), 0, 2, 0, 100.0, 0.0)
    for user in (0, 1):
        world.track(Job(user, 40, 0.0, lambda: None))
    world.run()
    assert world.outcome.tracks == [pytest.approx(20.0)] * 2


@pytest.mark.parametrize("annotators", [15, 30])
def test_waits_are_those_of_a_queue_with_constant_service(annotators: int) -> None:
    # Many who think for long are nearly a Poisson stream: M/D/1 waits rho / (2 (1 - rho)) services.
    load = replace(CLICKS_ONLY, spread=1.0, device_spread=0.0)
    outcome = simulate(load, annotators, seconds=400 * 3600)
    rho = outcome.busy
    wait = float(np.mean(outcome.clicks)) - load.click
    theory = rho / (2 * (1 - rho)) * load.click
    assert 0.1 < rho < 0.6
    assert wait == pytest.approx(theory, rel=0.15)


def test_no_work_is_lost_and_none_is_made() -> None:
    load = replace(Load(), corrections=0.0)
    outcome = simulate(load, 6, 2, warm_up=0.0)
    assert outcome.done == len(outcome.tracks)
    assert outcome.answers == len(outcome.clicks) + len(outcome.tracks)
    assert 0 <= outcome.asked - outcome.done <= 6  # each waits for one at most
    frames = outcome.asked * load.frames - outcome.left
    spread = np.exp(load.device_spread**2 / 2)  # a log-normal's mean over its median
    clicks = len(outcome.clicks) * (load.click + load.encode / load.clicks)
    expected = (frames * load.frame + clicks) * spread
    assert outcome.busy * 2 * outcome.hours * 3600 == pytest.approx(expected, rel=0.01)


def test_the_same_seed_gives_the_same_result_and_another_does_not() -> None:
    assert simulate(Load(), 4, seed=3) == simulate(Load(), 4, seed=3)
    assert simulate(Load(), 4, seed=3) != simulate(Load(), 4, seed=4)


def test_more_annotators_wait_longer_and_more_devices_serve_more() -> None:
    load = replace(Load(), frame=0.1)
    waits = [float(np.mean(simulate(load, n).tracks)) for n in (1, 4, 12)]
    assert waits == sorted(waits)

    def most(load: Load, devices: int = 1) -> int:
        return Capacity(load, devices, hours=2.0).most(click_bound=1.0, pace_bound=0.8)

    assert most(load, 2) >= 2 * most(load) > 0
    assert most(replace(load, frame=0.4)) < most(load)
    assert most(replace(load, click=3.0)) == 0


def test_nobody_and_nothing_are_refused() -> None:
    for annotators, devices in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="expected annotators and devices"):
            simulate(Load(), annotators, devices)


def test_the_command_reads_what_the_other_benchmarks_print(tmp_path: Path) -> None:
    speed, latency = tmp_path / "speed.json", tmp_path / "latency.json"
    speed.write_text(json.dumps({"embedded_s_per_frame": 0.25}))
    latency.write_text(json.dumps({"BitmaskLabels": {"overhead_ms": 30, "network_ms": 50}}))
    program = Path(__file__).parent.parent / "benchmarks" / "capacity.py"
    options = ["--speed", str(speed), "--latency", str(latency), "--encode", "0.4", "--json"]
    done = subprocess.run(
        [sys.executable, str(program), *options, "--plot", str(tmp_path / "plot.png")],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert (said["load"]["frame"], said["load"]["click"]) == (0.25, 0.08)
    assert said["load"]["encode"] == 0.4
    served = {row["annotators"]: row["pace"] for row in said["rows"]}
    assert served[said["capacity"]] >= 0.8
    assert served[said["capacity"] + 1] < 0.8
    assert (tmp_path / "plot.png").stat().st_size > 5000
