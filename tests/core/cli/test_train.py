from __future__ import annotations

from pathlib import Path

import pytest

from trackanything_core.cli.main import create_app, run
from trackanything_core.models.registry import load_segmenter
from trackanything_core.training.log import read_log


def train(*arguments: object) -> int:
    return run(create_app(), ["train", *(str(argument) for argument in arguments)])


def test_a_run_on_drawn_pictures_prints_the_file_of_its_weights(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--config", "tiny", "--steps", 2, "--device", "cpu"]
    assert train("sam", *options, "--out", out) == 0
    printed = capfd.readouterr()
    assert printed.out == f"{out / 'sam.safetensors'}\n"
    assert "0 min left" in printed.err
    assert load_segmenter(weights=out / "sam.safetensors", device="cpu").name == "embedded"
    assert read_log(out / "log.csv")["step"] == [1, 2]
    assert (out / "validation" / "step_000002.jpg").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", 1, "--minutes", 1], "--steps or --minutes"),
        (["--config", "huge"], "embedded, finetune, tiny"),
        (["--data", "nowhere"], "expected COCO panoptic annotations"),
        (["--init", "nowhere.safetensors"], "no such weights file"),
        (["--device", "abacus"], "expected a device"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    options: list[object],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train("xmem", "--out", "run", *options) == 2
    (line,) = capfd.readouterr().err.splitlines()[-1:]
    assert line.startswith("error: ")
    assert message in line
    assert not (tmp_path / "run").exists()
