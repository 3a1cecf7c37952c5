from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trackanything_core.training.curves import plot_curves
from trackanything_core.training.gallery import FOUND, arrange, draw_masks
from trackanything_core.training.log import StepLog
from trackanything_core.training.model_card import write_card


def report(clicks: int | None, first_iou: float, jf: float) -> dict[str, Any]:
    scores = {"J": jf, "F": jf, "J&F": jf}
    sequence = {"name": "bear", **scores, "objects": [{"first_iou": first_iou}]}
    results = {"mean": scores, "sequences": [sequence]}
    return {"clicks": clicks, "results": {"ours": results, "flow": results}}


def test_the_card_says_what_was_measured(small_coco: Path) -> None:
    text = write_card(
        small_coco,
        mask=report(None, 1, 0.75),
        clicks=[report(1, 0.5, 0.25), report(3, 0.625, 0.5)],
        speed={
            "embedded_s_per_frame": 0.1,
            "full_s_per_frame": 2,
            "ratio": 20,
            "threads": 2,
        },
        notes={"chosen": ["A size."], "tried": ["A trick."]},
        pictures={"curves": "curves.png", "failures": "failures.jpg"},
    )
    for expected in (
        "| bear | 0.750 | 0.750 | 0.750 | 0.750 |",
        "| 1 | 0.500 | 0.250 | 0.500 |",
        "| 3 | 0.625 | 0.500 | 0.250 |",
        "20 times",
        "on 2 CPU threads",
        "* A size.",
        "* A trick.",
        "`xmem.safetensors`",
        "](failures.jpg)",
    ):
        assert expected in text


def test_a_curve_is_drawn_from_a_log(tmp_path: Path) -> None:
    with StepLog(tmp_path / "log.csv", 0) as log:
        for step in range(1, 400):
            log.write(step, {"dice": 1 / step})
    plot_curves(tmp_path / "curve.png", {"falling": (tmp_path / "log.csv", "dice")})
    picture = cv2.imread(str(tmp_path / "curve.png"))
    assert picture is not None
    assert picture.std() > 1


def test_masks_are_tinted_and_pictures_arranged() -> None:
    image = np.zeros((10, 12, 3), np.uint8)
    mask = np.zeros((10, 12), np.bool_)
    mask[2:6, 2:6] = True
    drawn = draw_masks(image, mask, None)
    assert (drawn[~mask] == 0).all()
    assert (drawn[mask] == np.multiply(0.45, FOUND).astype(np.uint8)).all()
    assert not image.any()
    grid = arrange([[drawn, drawn], [drawn]])
    np.testing.assert_array_equal(grid[12:22, :12], drawn)
    assert not grid[12:22, 14:].any()
