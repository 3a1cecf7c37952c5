from __future__ import annotations

from pathlib import Path

import pytest

from trackanything_core.cli.output import SUMMARY, staged_directory, write_json
from trackanything_core.errors import ConfigError


def fill(folder: Path, text: str) -> None:
    (folder / "masks").mkdir()
    (folder / "masks" / "0.png").write_text(text)
    write_json(folder / SUMMARY, {"text": text})


def test_results_appear_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "run"
    with staged_directory(target) as folder:
        fill(folder, "first")
        assert not target.exists()
    assert (target / "masks" / "0.png").read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_stays_of_what_failed(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with staged_directory(tmp_path / "new" / "run") as folder:
            fill(folder, "half")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_older_results_are_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with staged_directory(target) as folder:
        fill(folder, "first")
    with pytest.raises(ConfigError, match="exists already"), staged_directory(target):
        pytest.fail("must not begin")
    with pytest.raises(RuntimeError), staged_directory(target, overwrite=True) as folder:
        raise RuntimeError
    assert (target / "masks" / "0.png").read_text() == "first"
    with staged_directory(target, overwrite=True) as folder:
        fill(folder, "second")
    assert (target / "masks" / "0.png").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years of work")
    (tmp_path / "link").symlink_to(precious)
    for name in ("precious", "precious/thesis.tex", "link"):
        with (
            pytest.raises(ConfigError, match="is not an output"),
            staged_directory(tmp_path / name, overwrite=True),
        ):
            pytest.fail("must not begin")
    assert (precious / "thesis.tex").read_text() == "years of work"
