"""The commands as a user starts them, with the weights that ship with the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trackanything_core.masks.palette import read_indexed_png

pytestmark = pytest.mark.slow


def start(*arguments: object) -> tuple[dict[str, Any], int]:
    """Run the program; returns what it printed and its peak memory in bytes."""
    command = [str(Path(sys.executable).parent / "trackanything"), *map(str, arguments), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return json.loads(printed), usage.ru_maxrss * 1024


def test_the_demo_tracks_its_own_clip(tmp_path: Path) -> None:
    summary, _ = start("demo", "--out", tmp_path / "demo")
    assert summary["mean_iou"] >= 0.75
    written = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"clip.mp4", "overlay.mp4", "masks", "masks.json", "prediction.json"} <= written


def test_a_real_video_is_tracked_in_bounded_memory(data_dir: Path, tmp_path: Path) -> None:
    video, out = data_dir / "clips" / "test-sample4.mp4", tmp_path / "out"
    summary, peak = start("track", video, "--click", "690,238", "--out", out)
    assert (summary["frames"], summary["width"], summary["height"]) == (227, 800, 360)
    maps = sorted((out / "masks").iterdir())
    assert len(maps) == 227
    assert {read_indexed_png(path).shape for path in maps} == {(360, 800)}
    assert peak < 2.5e9
