"""What a training run is told: presets, and files that say what differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from trackanything_core.errors import ConfigError

PRESETS = Path(__file__).parent / "presets"
"""A folder for each kind of network, with a JSON file for each preset."""

Config = TypeVar("Config")


def read_config(defaults: Config, kind: str, name: str) -> Config:
    """Read a preset by its name, or a JSON file like those of the presets by its path.

    A file names what differs from the defaults; in an object within it likewise.

    Args:
        defaults: a dataclass; tells names and types too.
        kind: of network, "xmem" or "sam".
        name: of a preset, or the path of a file.

    Raises:
        ConfigError: there is no such preset or file, or it says something without meaning.
    """
    presets = sorted(path.stem for path in (PRESETS / kind).glob("*.json"))
    path = PRESETS / kind / f"{name}.json" if name in presets else Path(name)
    if not path.is_file():
        raise ConfigError(
            f"expected a preset ({', '.join(presets)}) or the path of a JSON file, got {name!r}"
        )
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(given, dict):
            raise ConfigError(f"{path}: expected a JSON object, got {type(given).__name__}")
        merged = _merged(defaults, given, str(path))
        return TypeAdapter(type(defaults)).validate_python(merged)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: expected JSON, but {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {place}: {first['msg']}") from error


def _merged(defaults: Any, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    known = {field.name for field in fields(defaults)}
    if unknown := sorted(set(given) - known):
        raise ConfigError(f"{place}: unknown settings {unknown}; known are {sorted(known)}")
    merged = asdict(defaults)
    for name, value in given.items():
        default = getattr(defaults, name)
        if is_dataclass(default) and isinstance(value, dict):
            merged[name] = _merged(default, value, f"{place}: {name}")
        else:
            merged[name] = value
    return merged
