"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from trackanything_core.files import replaced_on_success


def test_file_appears_at_the_end(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replaced_on_success(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _write_until_interrupted(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _write_until_interrupted(path: Path) -> None:
    with replaced_on_success(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_failure_before_the_first_byte(tmp_path: Path):
    with pytest.raises(ValueError, match="early"), replaced_on_success(tmp_path / "a.txt"):
        raise ValueError("early")
    assert not list(tmp_path.iterdir())
