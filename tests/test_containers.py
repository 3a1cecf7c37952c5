"""compose.yaml and Dockerfile speak of settings and commands that exist."""

from __future__ import annotations

import re

import pytest
import yaml

from ml_backend.settings import Settings
from tests.folders import ROOT


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def dockerfile():
    return (ROOT / "Dockerfile").read_text()


def settings_named_in(names):
    return {
        name.removeprefix("TRACKANYTHING_").lower() for name in names if "TRACKANYTHING" in name
    }


@pytest.mark.parametrize("service", ["backend", "backend-gpu"])
def test_the_backend_knows_every_setting_it_is_given(services, service):
    given = settings_named_in(services[service]["environment"])
    assert given
    assert given <= set(Settings.model_fields)


def test_the_image_sets_known_settings(dockerfile):
    given = settings_named_in(re.findall(r"TRACKANYTHING_\w+", dockerfile))
    assert given
    assert given <= set(Settings.model_fields)


def test_label_studio_may_call_the_backend_and_lends_it_its_token(services):
    # All three are refused by default in Label Studio 1.23.2.
    environment = services["label-studio"]["environment"]
    assert environment["ML_BLOCK_LOCAL_IP"] == "false"
    assert environment["SSRF_PROTECTION_ENABLED"] == "false"
    assert environment["LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN"] == "true"
    token = services["backend"]["environment"]["TRACKANYTHING_LABEL_STUDIO_API_KEY"]
    assert token == environment["LABEL_STUDIO_USER_TOKEN"]


def test_the_backend_answers_before_label_studio_stops_waiting(services):
    waits = float(services["label-studio"]["environment"]["ML_TIMEOUT_PREDICT"])
    works = float(services["backend"]["environment"]["TRACKANYTHING_ANSWER_SECONDS"])
    assert works < waits


def test_the_image_runs_as_an_ordinary_user_and_reports_its_health(dockerfile):
    final = dockerfile.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER [1-9]\d*$", final, flags=re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\n.*/health", final, flags=re.MULTILINE)
