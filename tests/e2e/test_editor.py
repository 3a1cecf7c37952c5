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


def areas(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Pixels of each mask by region id."""
    return {row["id"]: np.count_nonzero(alpha(row)) for row in rows}


def alpha(row: dict[str, Any]) -> np.ndarray[Any, Any]:
    png = base64.b64decode(row["value"]["imageDataURL"].partition(",")[2])
    picture = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    assert picture.shape == (row["original_height"], row["original_width"], 4)
    return picture[..., 3]


def test_a_click_gives_a_mask_and_track_gives_all(bench: Bench, artefacts: Path) -> None:
    height, width = bench.size
    with run_editor() as editor:
        editor.open(bench.label_studio.url, bench.project, bench.task)
        assert editor.predictions() == 0
        editor.choose_smart_tool("prompt")

        sent = editor.click("Object 1", (OBJECT[0] + 0.5) / width, (OBJECT[1] + 0.5) / height)
        (mask,) = editor.masks(1)
        editor.screenshot(artefacts / "click.png")
        assert (mask["id"], mask["item_index"]) == ("Object 1-f0", 0)
        assert mask["value"]["bitmasklabels"] == ["Object 1"]
        # The editor holds the mask as it was sent, to the pixel.
        assert areas([mask]) == areas(sent)

        # On a busy machine one answer may come before all is done; the next goes on from there.
        sent = []
        while len(sent) < FRAMES:
            before, sent = len(sent), editor.click("Track", *EMPTY)
            assert len(sent) > before
        masks = editor.masks(FRAMES)
        editor.show_frame(FRAMES - 1)
        editor.screenshot(artefacts / "track.png")
        assert sorted(mask["item_index"] for mask in masks) == list(range(FRAMES))
        assert areas(masks) == areas(sent)
