"""How the editor is told which frame is worth a look: a point with a note, on that frame."""

from __future__ import annotations

import numpy as np

from ml_backend.label_config import FramesConfig
from ml_backend.regions import Region
from trackanything_core.types import FrameIndex, Mask

REGION = "next"
"""The one region that says so; sent again, it moves."""


def mark_frame(
    config: FramesConfig, label: str, control: str, frame: FrameIndex, mask: Mask, reason: str
) -> Region:
    """A point on the mask in question, which the list of regions names and leads to.

    Args:
        config: of the project.
        label: of the command that asked; the point's label.
        control: the prompt control that has this label.
        frame: of the task.
        mask: (H, W) bool; the point lies on it, or in the middle of the picture if it is empty.
        reason: why this frame, for a person.
    """
    height, width = mask.shape
    x, y = _inner_point(mask)
    return {
        "id": REGION,
        "from_name": control,
        "to_name": config.image_name,
        "type": "keypointlabels",
        "origin": "prediction",
        "item_index": frame,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": 1.0,
        "meta": {"text": [f"Frame {frame + 1}: {reason}"]},
        "value": {
            "x": (x + 0.5) / width * 100,
            "y": (y + 0.5) / height * 100,
            "width": 1.0,
            "keypointlabels": [label],
        },
    }


def _inner_point(mask: Mask) -> tuple[int, int]:
    """The mask's pixel (x, y) that is nearest to its centre of mass."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return mask.shape[1] // 2, mask.shape[0] // 2
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return int(columns[nearest]), int(rows[nearest])
