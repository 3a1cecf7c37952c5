from __future__ import annotations

from pathlib import Path

import numpy as np
from flask.testing import FlaskClient

from ml_backend.measured import measure_propagators, measure_segmenter
from ml_backend.metrics import Metrics
from tests.fakes import FakePropagators, FakeSegmenter
from tests.ml_backend.test_app import get, make_client
from trackanything_core.jobs.queue import JobQueue
from trackanything_core.store.store import Store
from trackanything_core.types import Click


def client_with_jobs(folder: Path) -> FlaskClient:
    client = make_client(folder)
    store = Store.open(f"sqlite:///{folder / 'trackanything.db'}")
    queue = JobQueue(store.database)
    for name in ("a", "b"):
        store.sessions.make(name, {}, 5, (4, 6))
    job = queue.put("a", user="ann <script>", priority=9)
    queue.take("elsewhere")
    queue.renew(job, "elsewhere", done=30, total=120, frames_per_second=10.0)
    failed = queue.put("b", priority=8)
    queue.take("another")
    queue.fail(failed, "another", "no picture 7")
    return client


def test_the_status_tells_jobs_with_their_progress(tmp_path: Path) -> None:
    status = get(client_with_jobs(tmp_path), "/status")
    failed, running = status["jobs"]
    assert (running["state"], running["done"], running["seconds_left"]) == ("running", 30, 9.0)
    assert (failed["state"], failed["error"]) == ("failed", "no picture 7")
    assert status["queue"]["frames_per_second"] == 10.0
    assert status["resident_bytes"] > 1_000_000


def test_people_get_the_status_as_a_page(tmp_path: Path) -> None:
    page = client_with_jobs(tmp_path).get("/status", headers={"Accept": "text/html"}).text
    assert "30 of 120" in page
    assert "no picture 7" in page
    assert "<script>" not in page


def test_a_database_that_is_away_is_said_and_the_status_still_comes(tmp_path: Path) -> None:
    client = make_client(tmp_path, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    assert "check that the server runs" in get(client, "/status")["database_problem"]
    assert client.get("/metrics").status_code == 200


def test_metrics_tell_the_queue(tmp_path: Path) -> None:
    text = client_with_jobs(tmp_path).get("/metrics").text
    assert "trackanything_jobs_running 1.0" in text
    assert "trackanything_frames_per_second 10.0" in text


def test_what_the_networks_do_is_timed_and_embeddings_are_counted() -> None:
    metrics, segmenter, propagators = Metrics(), FakeSegmenter(), FakePropagators()
    measure_segmenter(segmenter, metrics)
    measure_propagators(propagators, metrics)
    picture = np.zeros((24, 32, 3), np.uint8)
    embedding = segmenter.embed(picture)
    for _ in range(3):
        segmenter.segment(embedding, clicks=[Click(4, 4)])
    propagators.start().step(picture, {"cat": np.ones((24, 32), bool)})
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics.collect()
        for sample in family.samples
    }
    assert samples["trackanything_stage_seconds_count", "embed"] == 1
    assert samples["trackanything_stage_seconds_count", "segment"] == 3
    assert samples["trackanything_stage_seconds_count", "propagate"] == 1
    assert samples["trackanything_cache_total", "embeddings", "miss"] == 1
    assert samples["trackanything_cache_total", "embeddings", "hit"] == 2
