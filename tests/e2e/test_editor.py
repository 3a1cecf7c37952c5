"""A click and Track in the real editor, in a real browser."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.e2e.conftest import FRAMES, Bench
from tests.e2e.editor import CHROMIUM, run_editor

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}"),
]

OBJECT = (690, 238)
EMPTY = (0.02, 0.04)


def area(row: dict[str, Any]) -> int:
    """Pixels of a mask as the editor would submit it."""
    png = base64.b64decode(row["value"]["imageDataURL"].partition(",")[2])
    picture = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    assert picture.shape[:2] == (row["original_height"], row["original_width"])
    return int(np.count_nonzero(picture[..., 3]))


def test_a_click_gives_a_mask_and_track_gives_all(bench: Bench, artefacts: Path) -> None:
    height, width = bench.size
    with run_editor() as editor:
        editor.open(bench.label_studio.url, bench.project, bench.task)
        assert editor.predictions() == 0
        editor.choose_smart_tool("prompt")

        editor.click("Object 1", (OBJECT[0] + 0.5) / width, (OBJECT[1] + 0.5) / height)
        (mask,) = editor.masks(1)
        editor.screenshot(artefacts / "click.png")
        assert (mask["id"], mask["item_index"]) == ("Object 1-f0", 0)
        assert mask["value"]["bitmasklabels"] == ["Object 1"]
        assert area(mask) > 0

        editor.click("Track", *EMPTY)
        masks = editor.masks(FRAMES)
        editor.show_frame(FRAMES - 1)
        editor.screenshot(artefacts / "track.png")
        assert sorted(mask["item_index"] for mask in masks) == list(range(FRAMES))
        assert all(area(mask) > 0 for mask in masks)
