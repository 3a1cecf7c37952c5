"""Several servers behind one database: whichever is asked, the answer is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from tests.ml_backend.fakes import disc
from tests.ml_backend.requests import click, predict_body, track
from tests.ml_backend.rows import changed, masks_of
from tests.ml_backend.test_app import make_client
from tests.ml_backend.test_tracker import still
from tests.ml_backend.web import serve
from tests.stores import postgres_database, postgres_server
from trackanything_core.types import Mask

FRAMES = 6
ADDRESSES = [f"/data/upload/1/{k}.png" for k in range(FRAMES)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/shared.sqlite3"
        return
    with postgres_server() as server, postgres_database(server) as url:
        yield url


@pytest.fixture
def servers(database: str, tmp_path: Path) -> Iterator[tuple[FlaskClient, FlaskClient]]:
    with serve(still) as site:
        clients = tuple(
            make_client(tmp_path / name, database_url=database, label_studio_url=site.url)
            for name in ("one", "two")
        )
        workspaces = [c.application.extensions["loader"].wait(60).workspace for c in clients]
        yield clients[0], clients[1]
        for workspace in workspaces:
            workspace.close()
            workspace.store.close()


class Editor:
    """Asks whichever server, and accepts what it answers."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def ask(self, server: FlaskClient, row: dict[str, Any]) -> dict[str, Mask]:
        body = predict_body([row], ADDRESSES, drafts=list(self.rows.values()))
        answer = server.post("/predict", json=body)
        assert answer.status_code == 200, answer.text
        regions = answer.get_json()["results"][0]["result"]
        self.rows |= {region["id"]: region for region in regions}
        return {row.id: row.decode() for row in masks_of(*regions)}


def test_a_click_on_one_server_and_track_on_the_other(
    servers: tuple[FlaskClient, FlaskClient],
) -> None:
    one, two = servers
    editor = Editor()
    assert editor.ask(one, click(10, 12, frame=1)).keys() == {"Cat-f1"}
    # The second click is said to the other server, and is about the same object.
    answer = editor.ask(two, click(14, 12, frame=1, positive=False))
    assert np.array_equal(answer["Cat-f1"], disc(10, 12) & ~disc(14, 12))
    answer = editor.ask(two, track())
    assert answer.keys() == {f"Cat-f{k}" for k in range(FRAMES) if k != 1}
    assert editor.ask(one, track(frame=1)) == {}
    # A mask that was painted is read by one server, and followed on the other.
    editor.rows["Cat-f3"] = changed("Cat", 3, disc(40, 20))
    assert editor.ask(one, click(50, 5, frame=0, label="Dog")).keys() == {"Dog-f0"}
    answer = editor.ask(two, track(frame=2))
    assert np.array_equal(answer["Cat-f5"], disc(40, 20))
    assert "Cat-f3" not in answer
    assert {name for name in answer if name.startswith("Dog")} == {
        f"Dog-f{k}" for k in range(1, FRAMES)
    }


def test_clicks_on_both_servers_at_a_time_are_all_remembered(
    servers: tuple[FlaskClient, FlaskClient],
) -> None:
    editor = Editor()
    expected = np.zeros((36, 64), np.bool_)
    for number in range(6):
        x = 6 + 10 * number
        answer = editor.ask(servers[number % 2], click(x, 12, frame=2))
        expected |= disc(x, 12)
        assert np.array_equal(answer["Cat-f2"], expected)
