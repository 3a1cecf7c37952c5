"""The result row of one object on a `<Video>`, whatever its shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from ml_backend.frame_clock import FrameClock

VideoShape: TypeAlias = Literal["videorectangle", "videovectorlabels"]


def build_video_row(
    shape: VideoShape,
    id: str,
    control: str,
    video_name: str,
    label: str,
    sequence: Sequence[Mapping[str, Any]],
    clock: FrameClock,
    score: float,
) -> dict[str, Any]:
    """One row; with the id of a region that a human drew it takes that one's place.

    Args:
        shape: what a key frame holds.
        id: of the region.
        control: name of the tag that it belongs to.
        video_name: name of the Video tag.
        label: what the region is labelled with.
        sequence: its key frames.
        clock: how the editor counts its frames.
        score: quality 0..1.
    """
    return {
        "id": id,
        "from_name": control,
        "to_name": video_name,
        "type": shape,
        "origin": "prediction",
        "score": round(float(score), 4),
        "value": {
            "framesCount": clock.editor_frames,
            "duration": round(clock.editor_frames / clock.rate, 6),
            "sequence": list(sequence),
            "labels": [label],
        },
    }
