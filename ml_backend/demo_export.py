"""The demo's masks as Label Studio imports them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ml_backend.label_config import parse_label_config
from ml_backend.regions import build_prediction, build_regions
from trackanything_core.tracking.frame_masks import FrameMasks

_LABEL = "Balloon"
_CONFIG = f"""<View>
  <Image name="frames" valueList="$frames"/>
  <KeyPointLabels name="prompt" toName="frames" smart="true" smartOnly="true">
    <Label value="{_LABEL}"/>
    <Label value="Track"/>
  </KeyPointLabels>
  <BitmaskLabels name="mask" toName="frames">
    <Label value="{_LABEL}"/>
  </BitmaskLabels>
</View>
"""


def write_prediction(folder: Path, frames: Iterable[FrameMasks], model: str) -> None:
    """Write prediction.json, and label_config.xml with the project settings that it fits.

    Args:
        folder: where to write.
        frames: the masks of all frames.
        model: name of the models, for the prediction's `model_version`.
    """
    frames = list(frames)
    labels = {object_id: _LABEL for found in frames for object_id in found.masks}
    regions = build_regions(frames, parse_label_config(_CONFIG), labels)
    prediction = build_prediction(regions, model)
    (folder / "label_config.xml").write_text(_CONFIG, encoding="utf-8")
    (folder / "prediction.json").write_text(json.dumps(prediction), encoding="utf-8")
