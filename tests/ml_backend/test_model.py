"""The model class as label-studio-ml's own server would use it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from label_studio_ml.model import LabelStudioMLBase

from ml_backend.connections import Connections
from ml_backend.errors import RequestError
from ml_backend.file_cache import FileCache
from ml_backend.journal import Journal
from ml_backend.media import Media
from ml_backend.model import TrackAnythingModel
from ml_backend.projects import ProjectOptions
from ml_backend.settings import Settings
from ml_backend.sources import Sources
from tests.ml_backend import configs
from tests.ml_backend.requests import click, predict_body
from tests.ml_backend.test_app import ADDRESSES, load_discs
from tests.ml_backend.test_tracker import still
from tests.ml_backend.web import serve


@pytest.fixture
def model(tmp_path: Path) -> TrackAnythingModel:
    settings = Settings(data_dir=tmp_path)
    media = Media(FileCache(tmp_path / "media", limit=0), file_limit=10**6)
    return load_discs(settings, Sources(media, Connections(settings)), ProjectOptions(), Journal())


def test_it_is_a_model_of_label_studio_ml(model: TrackAnythingModel) -> None:
    assert isinstance(model, LabelStudioMLBase)
    assert model.fit((), event="ANNOTATION_CREATED", data={}) == {}


def test_a_batch_has_no_predictions(model: TrackAnythingModel) -> None:
    body = predict_body(None, ADDRESSES)
    assert model.predict(body["tasks"] * 2, login=None, password=None) == [[], []]


def test_without_a_project_the_task_s_own_number_counts(model: TrackAnythingModel) -> None:
    with serve(still) as site:
        body = predict_body([click(10, 12)], [f"{site.url}/{k}.png" for k in range(2)])
        context = body["params"]["context"]
        for project in ("", "1"):
            (prediction,) = model.predict(
                body["tasks"], context, project=project, label_config=body["label_config"]
            )
            assert isinstance(prediction, dict)
            assert [region["id"] for region in prediction["result"]] == ["Cat-f0"]
        # Both were the same task: its frames were fetched once.
        assert len(site.requests) == 2


def test_a_context_belongs_to_one_task(model: TrackAnythingModel) -> None:
    body = predict_body([click(10, 12)], ADDRESSES)
    with pytest.raises(RequestError, match="got 2 tasks"):
        model.predict(body["tasks"] * 2, body["params"]["context"])


@pytest.mark.parametrize(("attribute", "connection"), [("many", "one"), ("", "many")])
def test_a_label_has_many_objects_where_the_configuration_or_the_connection_says_so(
    tmp_path: Path, attribute: str, connection: Literal["one", "many"]
) -> None:
    settings, projects = Settings(data_dir=tmp_path), ProjectOptions()
    projects.introduce("1.1", connection)
    media = Media(FileCache(tmp_path / "media", limit=0), file_limit=10**6)
    sources = Sources(media, Connections(settings))
    model = load_discs(settings, sources, projects, Journal())
    said = f'objects="{attribute}" toName' if attribute else "toName"
    config = configs.BITMASK.replace("toName", said, 1)
    assert config.index(said) > config.index("<BitmaskLabels")
    found = []
    with serve(still) as site:
        for row in (click(10, 12), click(50, 20)):
            body = predict_body([row], [f"{site.url}/0.png"])
            (prediction,) = model.predict(
                body["tasks"], body["params"]["context"], project="1.1", label_config=config
            )
            assert isinstance(prediction, dict)
            found += [region["id"] for region in prediction["result"]]
    assert found == ["Cat-f0", "Cat 2-f0"]
