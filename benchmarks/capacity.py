"""How many annotators one device serves: a simulation with measured times.

python benchmarks/capacity.py --frame 0.53 --click 0.11 --encode 0.2 --json

Annotators look, click, look again, and press Track; what they are not content with they correct,
and have tracked again. Each device works as `jobs/gate.py` and `jobs/queue.py` have it: one thing
at a time; clicks before frames, so that a click waits for the frame at hand and for earlier
clicks; among jobs the user's turn who was served least recently, for two seconds at a time. An
annotator's clicks go to one device; jobs are done by whichever is free, as workers do.

Times are medians of log-normal distributions, whose spread is an option. All is drawn from one
seed. An annotator waits for the own Track, so that the backlog cannot grow for ever: a crowd that
is too large slows itself down. The capacity is the largest number of annotators for which the p95
of a click stays below a bound, and who get answers at no less than a share of the pace of one who
is alone.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

SLICE_SECONDS = 2.0
"""As in `jobs/runner.py`: after so long on one job it is the turn of another."""


@dataclass(frozen=True, slots=True)
class Load:
    """What annotators do, and what it costs. Seconds are medians.

    Attributes:
        think: between two things that an annotator does.
        clicks: that a new object takes, and that a correction takes.
        encode: of a frame's embedding; the first click on a frame waits for it.
        click: of a click whose frame has its embedding, without waiting.
        frame: of one frame of a propagation.
        frames: of one Track.
        corrections: per task, on average, each of which has `corrected` of its frames tracked anew.
        corrected: share of the frames between the anchors beside a correction, 0..1.
        spread: sigma of the logarithm of `think`; 0 makes it a constant.
        device_spread: the same of the times on the device.
    """

    think: float = 6.0
    clicks: int = 3
    encode: float = 0.2
    click: float = 0.1
    frame: float = 0.5
    frames: int = 100
    corrections: float = 2.0
    corrected: float = 0.3
    spread: float = 0.6
    device_spread: float = 0.15


@dataclass(slots=True)
class Outcome:
    """What annotators met with, after the warm-up.

    Attributes:
        clicks: seconds from each click to its mask.
        tracks: seconds from each Track to its last frame.
        asked: jobs that were asked for.
        done: jobs that ended.
        busy: share of the time in which the devices were at work, 0..1.
        left: frames that still wait at the end.
        answers: to clicks and Tracks, in all the time.
        tasks: that were finished.
        hours: simulated.
    """

    clicks: list[float] = field(default_factory=list)
    tracks: list[float] = field(default_factory=list)
    asked: int = 0
    done: int = 0
    busy: float = 0.0
    left: int = 0
    answers: int = 0
    tasks: int = 0
    hours: float = 0.0


@dataclass(slots=True, eq=False)
class Click:
    """One that waits for a device."""

    seconds: float
    made: float
    answered: Callable[[], None]


@dataclass(slots=True, eq=False)
class Job:
    """One Track."""

    user: int
    frames: int
    made: float
    ended: Callable[[], None]


class Device:
    """One thing at a time; see `DeviceGate` and `LocalRunner`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clicks: deque[Click] = deque()
        self._job: Job | None = None
        self._job_since = 0.0
        self.is_busy = False
        self.busy_seconds = 0.0

    def click(self, click: Click) -> None:
        """Take a click in."""
        self._clicks.append(click)
        self.go_on()

    def go_on(self) -> None:
        """Begin the next thing, unless one is under way."""
        if self.is_busy:
            return
        if self._clicks:
            click = self._clicks.popleft()
            self._work(click.seconds, lambda: self._world.clicked(click))
        elif (job := self._next_job()) is not None:
            self._work(self._world.frame_seconds(), lambda: self._frame_done(job))

    def _next_job(self) -> Job | None:
        now = self._world.now
        due = now - self._job_since > SLICE_SECONDS and bool(self._world.jobs)
        if self._job is not None and due:
            self._world.put_back(self._job)
            self._job = None
        if self._job is None:
            self._job, self._job_since = self._world.take(), now
        return self._job

    def _frame_done(self, job: Job) -> None:
        job.frames -= 1
        self._world.served[job.user] = self._world.now
        if not job.frames:
            self._job = None
            self._world.job_done(job)

    def _work(self, seconds: float, then: Callable[[], None]) -> None:
        def end() -> None:
            self.is_busy = False
            then()
            self.go_on()

        self.is_busy = True
        self.busy_seconds += max(0.0, min(seconds, self._world.end - self._world.now))
        self._world.after(seconds, end)


class World:
    """Devices, annotators and the queue between them.

    Args:
        load: what annotators do.
        annotators: how many.
        devices: how many.
        seed: of all that is drawn.
        seconds: simulated.
        warm_up: seconds at the start that are not counted in clicks and tracks.
    """

    def __init__(
        self, load: Load, annotators: int, devices: int, seed: int, seconds: float, warm_up: float
    ) -> None:
        self.now, self.end = 0.0, seconds
        self.jobs: list[Job] = []
        self.served: dict[int, float] = {}
        self._load, self._warm_up = load, warm_up
        self._device_times = random.Random(f"device {seed}")
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.devices = [Device(self) for _ in range(devices)]
        self.outcome = Outcome(hours=seconds / 3600)
        for number in range(annotators):
            _Annotator(self, load, number, self.devices[number % devices], seed)

    def run(self) -> Outcome:
        """Let the time pass."""
        while self._events and self._events[0][0] <= self.end:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        busy = sum(device.busy_seconds for device in self.devices)
        at_work = [device._job for device in self.devices if device._job]
        self.outcome.busy = busy / (self.end * len(self.devices))
        self.outcome.left = sum(job.frames for job in (*self.jobs, *at_work))
        return self.outcome

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Have something happen later."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), happen))

    def frame_seconds(self) -> float:
        """What the next frame takes."""
        return self.on_device(self._load.frame)

    def on_device(self, median: float) -> float:
        """A time on the device."""
        return draw(self._device_times, median, self._load.device_spread)

    def clicked(self, click: Click) -> None:
        """A click has its mask."""
        self.outcome.answers += 1
        if click.made >= self._warm_up:
            self.outcome.clicks.append(self.now - click.made)
        click.answered()

    def track(self, job: Job) -> None:
        """Put a job into the queue."""
        self.outcome.asked += 1
        self.jobs.append(job)
        for device in self.devices:
            device.go_on()

    def take(self) -> Job | None:
        """The job whose user was served least recently, then the oldest."""
        if not self.jobs:
            return None
        chosen = min(self.jobs, key=lambda job: (self.served.get(job.user, -1.0), job.made))
        self.jobs.remove(chosen)
        self.served[chosen.user] = self.now
        return chosen

    def put_back(self, job: Job) -> None:
        """A job whose slice has ended."""
        self.jobs.append(job)

    def job_done(self, job: Job) -> None:
        """A job has its last frame."""
        self.outcome.answers += 1
        self.outcome.done += 1
        if job.made >= self._warm_up:
            self.outcome.tracks.append(self.now - job.made)
        job.ended()


class _Annotator:
    """Task after task: clicks, Track, corrections each tracked anew; waits for what it asked."""

    def __init__(self, world: World, load: Load, number: int, device: Device, seed: int) -> None:
        self._world, self._load, self._number, self._device = world, load, number, device
        self._rng = random.Random(f"annotator {seed} {number}")
        self._steps = self._work()
        self._think()

    def _work(self) -> Iterator[None]:
        while True:
            yield from self._prompt_and_track(self._load.frames)
            whole = math.floor(self._load.corrections)
            more = self._rng.random() < self._load.corrections - whole
            for _ in range(whole + more):
                frames = max(1, round(self._load.frames * self._load.corrected))
                yield from self._prompt_and_track(frames)
            self._world.outcome.tasks += 1

    def _prompt_and_track(self, frames: int) -> Iterator[None]:
        for number in range(self._load.clicks):
            cost = self._load.click + (0.0 if number else self._load.encode)
            seconds = self._world.on_device(cost)
            self._device.click(Click(seconds, self._world.now, self._think))
            yield
        self._world.track(Job(self._number, frames, self._world.now, self._think))
        yield

    def _think(self) -> None:
        seconds = draw(self._rng, self._load.think, self._load.spread)
        self._world.after(seconds, lambda: next(self._steps))


def draw(rng: random.Random, median: float, spread: float) -> float:
    """A log-normal time."""
    return median * math.exp(rng.gauss(0.0, spread)) if spread else median


def simulate(
    load: Load,
    annotators: int,
    devices: int = 1,
    *,
    seed: int = 0,
    seconds: float = 4 * 3600,
    warm_up: float = 1800,
) -> Outcome:
    """Let annotators work for some hours.

    Raises:
        ValueError: there are no annotators or no devices.
    """
    if annotators < 1 or devices < 1:
        raise ValueError(f"expected annotators and devices, got {annotators} and {devices}")
    return World(load, annotators, devices, seed, seconds, warm_up).run()


def summary(outcome: Outcome, annotators: int, alone: Outcome) -> dict[str, float]:
    """Percentiles in seconds, and shares; `pace` is that of each beside one who is alone."""
    pace = (outcome.answers / outcome.hours / annotators) / (alone.answers / alone.hours)
    return {
        "click_p50": _percentile(outcome.clicks, 50),
        "click_p95": _percentile(outcome.clicks, 95),
        "track_p50": _percentile(outcome.tracks, 50),
        "track_p95": _percentile(outcome.tracks, 95),
        "pace": pace,
        "utilisation": outcome.busy,
        "tasks_per_hour": outcome.tasks / outcome.hours,
    }


class Capacity:
    """Tries numbers of annotators, each once.

    Args:
        load: what they do.
        devices: how many.
        seed: of all that is drawn.
        hours: simulated for each number.
    """

    def __init__(self, load: Load, devices: int, *, seed: int = 0, hours: float = 4.0) -> None:
        self._load, self._devices, self._seed, self._hours = load, devices, seed, hours
        self._alone = self._simulate(1)
        self._rows: dict[int, dict[str, float]] = {}

    def row(self, annotators: int) -> dict[str, float]:
        """What so many meet with."""
        if annotators not in self._rows:
            outcome = self._simulate(annotators)
            self._rows[annotators] = summary(outcome, annotators, self._alone)
        return self._rows[annotators]

    def most(self, *, click_bound: float, pace_bound: float, limit: int = 2000) -> int:
        """The largest number of annotators that are served well; 0 where one is not.

        Args:
            click_bound: seconds below which the p95 of a click must stay.
            pace_bound: share of the pace of one alone that each must keep, 0..1.
            limit: the most to try.
        """

        def are_served(annotators: int) -> bool:
            row = self.row(annotators)
            return row["click_p95"] < click_bound and row["pace"] >= pace_bound

        low, high = 0, 1
        while high <= limit and are_served(high):
            low, high = high, 2 * high
        high = min(high, limit + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if are_served(middle) else (low, middle)
        return low

    def _simulate(self, annotators: int) -> Outcome:
        return simulate(
            self._load, annotators, self._devices, seed=self._seed, seconds=self._hours * 3600
        )


def _percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent)) if values else math.inf


def _measured(given: argparse.Namespace) -> dict[str, Any]:
    """What the JSON files of the other benchmarks say."""
    found: dict[str, Any] = {}
    if given.speed:
        found["frame"] = json.loads(given.speed.read_text())[f"{given.network}_s_per_frame"]
    if given.latency:
        part = json.loads(given.latency.read_text())["BitmaskLabels"]
        found["click"] = (part["overhead_ms"] + part["network_ms"]) / 1000
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in asdict(Load()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), help=f"default {value}"
        )
    parser.add_argument("--speed", type=Path, help="JSON of propagator_speed.py, for --frame")
    parser.add_argument("--network", choices=("embedded", "full"), default="embedded")
    parser.add_argument("--latency", type=Path, help="JSON of click_latency.py, for --click")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--click-bound", type=float, default=1.0, help="seconds")
    parser.add_argument("--pace-bound", type=float, default=0.8, help="share of the pace of one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="PNG of click and Track against annotators")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    given = parser.parse_args()
    chosen = {name: getattr(given, name) for name in asdict(Load())}
    load = replace(Load(), **_measured(given))
    load = replace(load, **{name: value for name, value in chosen.items() if value is not None})
    tried = Capacity(load, given.devices, seed=given.seed)
    most = tried.most(click_bound=given.click_bound, pace_bound=given.pace_bound)
    numbers = sorted({1, max(1, most // 2), max(1, most), most + 1, 2 * most + 1})
    rows = [{"annotators": number, **tried.row(number)} for number in numbers]
    if given.plot:
        _plot(given.plot, rows, most, given.click_bound)
    if given.json:
        result = {"load": asdict(load), "devices": given.devices, "capacity": most, "rows": rows}
        bounds = {"click_bound": given.click_bound, "pace_bound": given.pace_bound}
        print(json.dumps(result | bounds))
        return
    print("annotators  click p50    p95  Track p50    p95   pace   busy  tasks/h")
    for row in rows:
        print(
            f"{row['annotators']:10d}  {row['click_p50']:7.2f} s {row['click_p95']:6.2f}"
            f"  {row['track_p50']:7.0f} s {row['track_p95']:6.0f}  {row['pace']:5.0%}"
            f"  {row['utilisation']:5.0%}  {row['tasks_per_hour']:7.1f}"
        )
    print(f"{given.devices} devices serve {most} annotators, {most / given.devices:.1f} each")


def _plot(path: Path, rows: list[dict[str, Any]], most: int, bound: float) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    numbers = [row["annotators"] for row in rows]
    for name in ("click_p50", "click_p95"):
        left.plot(numbers, [row[name] for row in rows], "o-", label=name[-3:])
    left.axhline(bound, color="grey", linestyle=":")
    left.set(xlabel="annotators", ylabel="seconds of a click", ylim=(0, None))
    for name in ("track_p50", "track_p95"):
        right.plot(numbers, [row[name] for row in rows], "o-", label=name[-3:])
    right.set(xlabel="annotators", ylabel="seconds of a Track", ylim=(0, None))
    for axes in (left, right):
        axes.axvline(most, color="grey", linestyle="--")
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
