"""What a click costs beside the networks, and the run-length code against Label Studio's own.

python benchmarks/click_latency.py --json

Clicks go through the real application (`POST /predict`, parsed, prompted, segmented with the
embedded network, scaled up, stored in the database, written as a region, as JSON) on one frame
whose embedding is known. The time inside the network's modules is taken apart; the rest counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trackanything_core  # noqa: F401  # before torch, which then waits as it does in the product

# isort: split
import cv2
import numpy as np
import torch
from flask.testing import FlaskClient
from label_studio_sdk.converter import brush as sdk_brush

from ml_backend import brush_rle
from ml_backend.app import create_app
from ml_backend.journal import Journal
from ml_backend.model import TrackAnythingModel, build_model
from ml_backend.projects import ProjectOptions
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.models.base import CarefulSegmenter
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.models.sam.segmenter import SamSegmenter
from trackanything_core.store.store import Store
from trackanything_core.types import Image, Mask

HEIGHT, WIDTH = 720, 1280
CENTRE, RADIUS = (600, 350), 180
LIMIT_MS, ENCODE_RATIO, DECODE_RATIO = 15.0, 4.0, 3.0

brush: Any = sdk_brush  # it has no types

TAGS = ("BitmaskLabels", "BrushLabels", "PolygonLabels")

CONFIG = """<View>
  <Image name="frames" valueList="$frames"/>
  <{tag} name="mask" toName="frames"><Label value="Object"/></{tag}>
  <KeyPointLabels name="prompt" toName="frames" smart="true">
    <Label value="Object"/>
  </KeyPointLabels>
</View>"""


class NetworkClock:
    """Adds up the time spent in a segmenter's networks."""

    def __init__(self, segmenter: SamSegmenter) -> None:
        self.seconds = 0.0
        self.busy_seconds = 0.0
        self.forwards = 0
        self._start = self._busy_start = 0.0
        for module in segmenter._sam.children():  # the encoders and the decoder
            module.register_forward_pre_hook(self._begin)
            module.register_forward_hook(self._end)

    def _begin(self, *_: object) -> None:
        self._start, self._busy_start = time.perf_counter(), time.thread_time()

    def _end(self, *_: object) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        # What this clock takes itself, half a millisecond on some machines, counts as inside.
        self.busy_seconds += time.thread_time() - self._busy_start
        self.seconds += time.perf_counter() - self._start
        self.forwards += 1


def main() -> None:
    """Measure, print, and say with the exit code whether the bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=40, help="how many to time, for each format")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    found: dict[str, Any] = {"size": [HEIGHT, WIDTH], "clicks": arguments.clicks}
    with running_backend() as (client, address, clock):
        for tag in TAGS:
            found[tag] = time_clicks(client, address, clock, tag, arguments.clicks)
    found["rle"] = time_rle()
    worst = max(found[tag]["overhead_ms"] for tag in TAGS)
    found["holds"] = (
        worst < LIMIT_MS
        and found["rle"]["encode_ratio"] >= ENCODE_RATIO
        and found["rle"]["decode_ratio"] >= DECODE_RATIO
    )
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name}: {value}")
    raise SystemExit(0 if found["holds"] else 1)


@contextmanager
def running_backend() -> Iterator[tuple[FlaskClient, str, NetworkClock]]:
    """The application with a picture to click on, and a clock in its segmenter."""
    clocks: list[NetworkClock] = []
    workspaces: list[Workspace] = []

    def load(
        settings: Settings, sources: Sources, projects: ProjectOptions, journal: Journal, *_: object
    ) -> TrackAnythingModel:
        segmenter = load_segmenter(settings.segmenter, settings.segmenter_weights, settings.device)
        propagators = load_propagator(
            settings.propagator, settings.propagator_weights, settings.device
        )
        # All looks at a picture share the hooks of the network.
        network = segmenter.quick if isinstance(segmenter, CarefulSegmenter) else segmenter
        assert isinstance(network, SamSegmenter)
        clocks.append(NetworkClock(network))
        store = Store.open(settings.database)
        workspace = Workspace(store, segmenter, propagators, sources.open, live_sessions=4)
        workspaces.append(workspace)
        return build_model(settings, workspace, sources, projects, journal)

    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "site") as url:
        cv2.imwrite(str(Path(folder) / "site" / "frame.png"), picture())
        settings = Settings(data_dir=Path(folder) / "data", label_studio_url=url)
        client = create_app(settings, load).test_client()
        deadline = time.monotonic() + 60
        while client.get("/status").get_json()["model"]["state"] == "loading":
            if time.monotonic() > deadline:
                raise SystemExit("the networks were not loaded within a minute")
            time.sleep(0.05)
        try:
            yield client, "/frame.png", clocks[0]
        finally:
            workspaces[0].close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder over HTTP on this machine."""
    folder.mkdir()
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def picture() -> Image:
    """A bright disc on a noisy ground."""
    image = np.random.default_rng(0).integers(40, 80, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    cv2.circle(image, CENTRE, RADIUS, (40, 120, 230), -1)
    return image


def time_clicks(
    client: FlaskClient, address: str, clock: NetworkClock, tag: str, clicks: int
) -> dict[str, float]:
    """Milliseconds of one click after another on the object, each a request of its own."""
    whole, network, busy = [], [], []
    size = 0
    for k in range(clicks + 1):
        body = request_body(address, tag, k)
        before, busy_before, forwards = clock.seconds, clock.busy_seconds, clock.forwards
        busy_start, start = time.thread_time(), time.perf_counter()
        answer = client.post("/predict", data=body, content_type="application/json")
        seconds, busy_seconds = time.perf_counter() - start, time.thread_time() - busy_start
        if answer.status_code != 200 or not answer.get_json()["results"][0]["result"]:
            raise SystemExit(f"the backend answered {answer.status_code}: {answer.text[:500]}")
        if clock.forwards == forwards:
            raise SystemExit("a click was answered without the network")
        size = len(answer.data)
        if k:  # the first one fetches the picture and embeds it
            whole.append(seconds)
            network.append(clock.seconds - before)
            busy.append(busy_seconds - clock.busy_seconds + busy_before)
    overhead = [all_ - inside for all_, inside in zip(whole, network, strict=True)]
    return {
        "overhead_ms": round(1000 * statistics.median(overhead), 2),
        "overhead_p95_ms": round(1000 * statistics.quantiles(overhead, n=20)[-1], 2),
        # Of the thread that answers alone: other work on the machine does not count.
        "overhead_cpu_ms": round(1000 * statistics.median(busy), 2),
        "network_ms": round(1000 * statistics.median(network), 2),
        "answer_bytes": size,
    }


def request_body(address: str, tag: str, number: int) -> str:
    """The request of the click with this number, somewhere on the object."""
    angle = number * 2.4
    x = CENTRE[0] + 0.6 * RADIUS * np.cos(angle)
    y = CENTRE[1] + 0.6 * RADIUS * np.sin(angle)
    row = {
        "id": f"click-{number}",
        "from_name": "prompt",
        "to_name": "frames",
        "type": "keypointlabels",
        "origin": "manual",
        "item_index": 0,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "is_positive": True,
        "value": {
            "x": x / WIDTH * 100,
            "y": y / HEIGHT * 100,
            "width": 0.2,
            "keypointlabels": ["Object"],
        },
    }
    # A task for each, and so a session.
    task = {"id": 1 + TAGS.index(tag), "project": 1, "data": {"frames": [address]}, "drafts": []}
    return json.dumps(
        {
            "tasks": [task | {"annotations": [], "predictions": []}],
            "project": "1.1795218303",
            "label_config": CONFIG.format(tag=tag),
            "params": {"context": {"result": [row]}},
        }
    )


def time_rle() -> dict[str, float]:
    """Both codes on one mask with a ragged edge, which must come out the same."""
    mask = ragged_mask()
    ours, theirs = brush_rle.encode(mask), brush.mask2rle(mask.astype(np.uint8) * 255)
    back = brush.decode_rle(theirs).reshape(HEIGHT, WIDTH, 4)[..., 3] > 0
    if ours != list(theirs) or not np.array_equal(brush_rle.decode(ours, HEIGHT, WIDTH), back):
        raise SystemExit("the two run-length codes differ")
    times = {
        "encode_ms": milliseconds(lambda: brush_rle.encode(mask)),
        "sdk_encode_ms": milliseconds(lambda: brush.mask2rle(mask.astype(np.uint8) * 255)),
        "decode_ms": milliseconds(lambda: brush_rle.decode(ours, HEIGHT, WIDTH)),
        "sdk_decode_ms": milliseconds(lambda: brush.decode_rle(ours)),
    }
    ratios = {
        "encode_ratio": times["sdk_encode_ms"] / times["encode_ms"],
        "decode_ratio": times["sdk_decode_ms"] / times["decode_ms"],
    }
    return {name: round(value, 2) for name, value in (times | ratios).items()}


def ragged_mask() -> Mask:
    """An object as segmenters draw it, (HEIGHT, WIDTH) bool."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] - np.array([CENTRE[1], CENTRE[0]])[:, None, None]
    return np.asarray(np.hypot(x / 1.5, y) < RADIUS * (1 + 0.05 * np.sin(40 * np.arctan2(y, x))))


def milliseconds(work: Callable[[], object], repeats: int = 15) -> float:
    """The median time of some work."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
