"""Many annotators on one backend: errors, cross-talk, click latency under load, and fairness.

python benchmarks/load.py --clients 8 --tasks 24 --json

Starts the backend as `trackanything serve` does (gunicorn, the embedded networks) on a fresh data
folder, and talks to it as Label Studio does. Everything stays on 127.0.0.1. Four parts:

alone    each task is clicked and tracked with nobody else there; its masks are the reference
idle     all clients click, nothing is tracked
busy     all clients at once click and track their share of the tasks in turn, as new tasks, and
         click in another task meanwhile
compare  every mask of every task of the busy part with its reference
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests

ROOT = Path(__file__).resolve().parent.parent
CONFIG = (ROOT / "label_config" / "frames-bitmask.xml").read_text()
LABEL = "Object 1"
_ids = itertools.count()


@dataclass(frozen=True)
class Clip:
    """Frames on the picture server, and where its object is on the first one."""

    addresses: tuple[str, ...]
    x: float
    y: float
    size: tuple[int, int]


@dataclass
class Client:
    """What one annotator met with."""

    number: int
    idle_clicks: list[float] = field(default_factory=list)
    busy_clicks: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    masks: dict[int, dict[str, str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


class Desk:
    """Requests to the backend, as Label Studio sends them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def click(self, task: int, clip: Clip, jitter: float = 0.0) -> float:
        """Click the object on the first frame; seconds until its mask is there."""
        started = time.monotonic()
        found = self._predict(task, clip, LABEL, clip.x + jitter, clip.y)
        seconds = time.monotonic() - started
        assert found, "a click was answered without a mask"
        return seconds

    def track(self, task: int, clip: Clip) -> dict[str, str]:
        """Press Track until every frame but the first has a mask; the masks by region id.

        The first has that of the click, which was answered and is not sent again.
        """
        masks: dict[str, str] = {}
        wanted = len(clip.addresses) - 1
        for _ in range(60):
            for region in self._predict(task, clip, "Track", 1, 1):
                masks[region["id"]] = region["value"]["imageDataURL"]
            if sum(not name.endswith("-f0") for name in masks) == wanted:
                return masks
        raise AssertionError(f"only {', '.join(masks)} of {wanted + 1} frames were tracked")

    def _predict(self, task: int, clip: Clip, label: str, x: float, y: float) -> list[Any]:
        height, width = clip.size
        row = {
            "id": f"row{next(_ids)}",
            "from_name": "prompt",
            "to_name": "frames",
            "type": "keypointlabels",
            "item_index": 0,
            "original_width": width,
            "original_height": height,
            "is_positive": True,
            "value": {
                "x": (x + 0.5) / width * 100,
                "y": (y + 0.5) / height * 100,
                "width": 0.2,
                "keypointlabels": [label],
            },
        }
        body = {
            "tasks": [{"id": task, "project": 1, "data": {"frames": clip.addresses}}],
            "project": "1.1",
            "label_config": CONFIG,
            "params": {"context": {"result": [row]}},
        }
        answer = requests.post(f"{self._url}/predict", json=body, timeout=120)
        answer.raise_for_status()
        regions: list[Any] = answer.json()["results"][0]["result"]
        return regions


def run(clients: int, tasks: int, frames: int, size: tuple[int, int]) -> dict[str, Any]:
    """All four parts."""
    with tempfile.TemporaryDirectory() as folder, _pictures(Path(folder)) as pictures:
        clips = [_paint(Path(folder), pictures, number, frames, size) for number in range(tasks)]
        probes = [
            _paint(Path(folder), pictures, tasks + number, 2, size) for number in range(clients)
        ]
        with _backend(Path(folder)) as url:
            desk = Desk(url)
            crowd = [Client(number) for number in range(clients)]
            alone = []
            for number, clip in enumerate(clips):
                desk.click(1000 + number, clip)
                alone.append(desk.track(1000 + number, clip))
            _together(crowd, lambda client: _click_for_a_while(desk, client, probes))
            started = time.monotonic()
            _together(crowd, lambda client: _annotate(desk, client, clips, probes, clients))
            seconds = time.monotonic() - started
    return _summary(crowd, alone, frames, seconds)


def _click_for_a_while(desk: Desk, client: Client, probes: list[Clip]) -> None:
    rng = random.Random(client.number)
    for _ in range(20):
        time.sleep(rng.uniform(0.5, 1.5))
        seconds = _try(client, partial(desk.click, 3000 + client.number, probes[client.number]))
        if seconds is not None:
            client.idle_clicks.append(seconds)


def _annotate(
    desk: Desk, client: Client, clips: list[Clip], probes: list[Clip], clients: int
) -> None:
    """Every task of a client: click, track; and meanwhile click elsewhere, as colleagues do."""
    rng = random.Random(client.number)
    done = threading.Event()

    def click_meanwhile() -> None:
        while not done.wait(rng.uniform(0.5, 1.5)):
            task, clip = 3000 + client.number, probes[client.number]
            seconds = _try(client, partial(desk.click, task, clip))
            if seconds is not None:
                client.busy_clicks.append(seconds)

    clicking = threading.Thread(target=click_meanwhile)
    clicking.start()
    for number in range(client.number, len(clips), clients):
        clip = clips[number]
        if _try(client, partial(desk.click, 2000 + number, clip)) is None:
            continue
        started = time.monotonic()
        masks = _try(client, partial(desk.track, 2000 + number, clip))
        if masks is not None:
            client.waits.append(time.monotonic() - started)
            client.masks[number] = masks
    done.set()
    clicking.join()


def _try(client: Client, ask: Any) -> Any:
    try:
        return ask()
    except (requests.RequestException, AssertionError, KeyError) as error:
        client.errors.append(f"{type(error).__name__}: {error}")
        return None


def _together(crowd: list[Client], work: Any) -> None:
    with ThreadPoolExecutor(len(crowd)) as pool:
        list(pool.map(work, crowd))


def _summary(
    crowd: list[Client], alone: list[dict[str, str]], frames: int, seconds: float
) -> dict[str, Any]:
    idle = [s for client in crowd for s in client.idle_clicks]
    busy = [s for client in crowd for s in client.busy_clicks]
    medians = [statistics.median(client.waits) for client in crowd if client.waits]
    crossed = sum(
        masks != alone[number] for client in crowd for number, masks in client.masks.items()
    )
    tracked = sum(len(client.masks) for client in crowd)
    return {
        "clients": len(crowd),
        "tasks": len(alone),
        "tracked": tracked,
        "errors": sum(len(client.errors) for client in crowd),
        "first_errors": [error for client in crowd for error in client.errors][:3],
        "cross_talk": crossed,
        "idle_click_p50": _percentile(idle, 50),
        "idle_click_p95": _percentile(idle, 95),
        "busy_click_p50": _percentile(busy, 50),
        "busy_click_p95": _percentile(busy, 95),
        "busy_over_idle_p95": _percentile(busy, 95) / _percentile(idle, 95),
        "clicks": [len(idle), len(busy)],
        "median_wait_by_client": medians,
        "longest_over_shortest_median_wait": max(medians) / min(medians),
        "frames_per_second": tracked * frames / seconds,
        "seconds": seconds,
    }


def _percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def _paint(folder: Path, pictures: str, number: int, frames: int, size: tuple[int, int]) -> Clip:
    """A disc of its own colour that crosses a texture of its own."""
    rng = np.random.default_rng(number)
    height, width = size
    coarse = rng.integers(60, 180, (height // 16, width // 16, 3), np.uint8)
    ground = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    colour = tuple(int(c) for c in rng.choice([[30, 30, 230], [230, 40, 30], [30, 220, 230]]))
    start = rng.uniform(0.3, 0.4, 2) * (width, height)
    step = rng.uniform(-0.01, 0.01, 2) * (width, height)
    radius = int(0.16 * height)
    addresses = []
    for frame in range(frames):
        picture = ground.copy()
        x, y = start + frame * step
        cv2.circle(picture, (round(x), round(y)), radius, colour, -1, cv2.LINE_AA)
        name = f"{number}-{frame}.png"
        cv2.imwrite(str(folder / name), picture)
        addresses.append(f"{pictures}/{name}")
    return Clip(tuple(addresses), float(start[0]), float(start[1]), size)


@contextmanager
def _pictures(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def _backend(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "TRACKANYTHING_HOST": "127.0.0.1",
        "TRACKANYTHING_PORT": str(port),
        "TRACKANYTHING_DATA_DIR": str(folder / "data"),
        "TRACKANYTHING_LIVE_SESSIONS": "16",
        "TRACKANYTHING_LOG_LEVEL": "WARNING",
    }
    with (folder / "backend.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from ml_backend.cli import main; main()", "serve"],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=ROOT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process, folder / "backend.log")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/status", timeout=5).json()["model"]["state"] == "ready":
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise SystemExit(f"the backend did not start:\n{log.read_text()[-2000:]}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--frames", type=int, default=20, help="of each task")
    parser.add_argument("--size", type=int, nargs=2, default=(240, 320), help="height and width")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    given = parser.parse_args()
    result = run(given.clients, given.tasks, given.frames, (given.size[0], given.size[1]))
    if given.json:
        print(json.dumps(result))
        return
    print(
        f"{result['errors']} errors, {result['cross_talk']} tasks with masks of another run; "
        f"p95 of a click {1000 * result['idle_click_p95']:.0f} ms idle, "
        f"{1000 * result['busy_click_p95']:.0f} ms busy: {result['busy_over_idle_p95']:.2f} x; "
        f"longest median wait {result['longest_over_shortest_median_wait']:.2f} x the shortest; "
        f"{result['frames_per_second']:.1f} frames/s"
    )


if __name__ == "__main__":
    main()
