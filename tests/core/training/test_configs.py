from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trackanything_core.errors import ConfigError
from trackanything_core.training import sam_train, xmem_train
from trackanything_core.training.configs import PRESETS, read_config

DEFAULTS: dict[str, Any] = {
    "xmem": xmem_train.TrainingConfig(),
    "sam": sam_train.TrainingConfig(),
}
ALL = [(path.parent.name, path.stem) for path in sorted(PRESETS.glob("*/*.json"))]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_preset_can_be_read_and_covers_the_run(kind: str, name: str) -> None:
    config = read_config(DEFAULTS[kind], kind, name)
    assert type(config) is type(DEFAULTS[kind])
    assert config.stages[-1].until == 1
    assert [stage.until for stage in config.stages] == sorted(s.until for s in config.stages)


@pytest.mark.parametrize("kind", ["xmem", "sam"])
def test_there_are_the_presets_that_the_command_names(kind: str) -> None:
    assert {name for k, name in ALL if k == kind} == {"embedded", "finetune", "tiny"}


def test_a_file_names_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"network": {"key_dim": 8}, "learning_rate": 1}))
    config = read_config(DEFAULTS["xmem"], "xmem", str(path))
    assert config.network.key_dim == 8
    assert config.network.value_dim == DEFAULTS["xmem"].network.value_dim
    assert config.learning_rate == 1
    assert config.stages == DEFAULTS["xmem"].stages


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON"),
        ("[1]", "expected a JSON object"),
        ('{"rate": 1}', r"unknown settings \['rate'\]"),
        ('{"network": {"depth": 1}}', r"network: unknown settings \['depth'\]"),
        ('{"steps": "many"}', "steps: .*integer"),
        ('{"stages": [{"until": 1}]}', "stages.0.*"),
    ],
)
def test_a_file_without_meaning_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_config(DEFAULTS["xmem"], "xmem", str(path))


def test_an_unknown_preset_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="embedded, finetune, tiny"):
        read_config(DEFAULTS["sam"], "sam", "huge")
