"""Requests as the editor makes them, small."""

from __future__ import annotations

import itertools
from typing import Any

from tests.ml_backend.configs import BITMASK
from tests.ml_backend.fakes import SIZE

HEIGHT, WIDTH = SIZE

_NUMBERS = itertools.count()


def click(
    x: float,
    y: float,
    *,
    frame: int = 0,
    label: str = "Cat",
    positive: bool = True,
    id: str | None = None,
) -> dict[str, Any]:
    """The row of a smart click on pixel (x, y)."""
    return {
        "id": id or f"{label}-{frame}-{x}-{y}-{positive}",
        "from_name": "kp",
        "to_name": "frames",
        "type": "keypointlabels",
        "origin": "manual",
        "item_index": frame,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "is_positive": positive,
        "value": {
            "x": (x + 0.5) / WIDTH * 100,
            "y": (y + 0.5) / HEIGHT * 100,
            "width": 0.2,
            "labels": [label],
            "keypointlabels": [label],
        },
    }


def track(frame: int = 0) -> dict[str, Any]:
    """The row of a click with the label Track."""
    return click(1, 1, frame=frame, label="Track", id=f"track-{next(_NUMBERS)}")


def predict_body(
    rows: list[dict[str, Any]] | None,
    addresses: list[str],
    *,
    task: int = 1,
    label_config: str = BITMASK,
    drafts: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The body of `/predict`; a batch where there are no rows."""
    return {
        "tasks": [
            {
                "id": task,
                "project": 1,
                "data": {"frames": addresses},
                "annotations": [],
                "predictions": [],
                "drafts": [{"id": 1, "user": "user@example.com", "result": drafts or []}],
            }
        ],
        "project": "1.1795218303",
        "label_config": label_config,
        "params": {
            "login": None,
            "password": None,
            "context": None if rows is None else {"result": rows},
        },
    }
