"""Where tracking goes wrong: the worst frame of each sequence of a data set, as a picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.tracking.session import Session
from trackanything_core.training.gallery import arrange, draw_masks
from trackanything_core.types import Image, Mask, Prompt
from trackanything_core.video.open import open_source

_WIDTH, _HEIGHT = 426, 240
_COLUMNS = 3
_QUALITY = 80


def draw_failures(davis: Path, path: Path) -> None:
    """Track every sequence from the true first mask and draw the frame with the lowest J.

    Args:
        davis: data set laid out like DAVIS.
        path: JPEG file; the mask is green, the truth is outlined in red.
    """
    pictures = [_worst_frame(sequence) for sequence in read_davis(davis)]
    rows = [pictures[start : start + _COLUMNS] for start in range(0, len(pictures), _COLUMNS)]
    grid = np.ascontiguousarray(arrange(rows)[..., ::-1])
    cv2.imwrite(str(path), grid, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def _worst_frame(sequence: DavisSequence) -> Image:
    with open_source(sequence.images) as source:
        session = Session(source, load_segmenter(), load_propagator())
        for object_id, mask in sequence.truth(0).masks.items():
            session.prompt(Prompt(object_id, 0, mask=mask))
        for _ in session.propagate("forward"):
            pass
        lowest, worst = 2.0, 0
        for frame in range(1, len(sequence) - 1):
            truth = sequence.truth(frame)
            for object_id, mask in truth.masks.items():
                found = session.mask(frame, object_id)
                j = 0.0 if found is None else region_similarity(mask, found, truth.void)
                if j < lowest:
                    lowest, worst = j, frame
        shown = _union([session.mask(worst, name) for name in sequence.objects])
        true = _union(list(sequence.truth(worst).masks.values()))
        picture = draw_masks(source.read(worst), shown, true)
    small = cv2.resize(picture, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    text = f"{sequence.name}, frame {worst}, J {lowest:.2f}"
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(small, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness)
    return np.asarray(small, np.uint8)


def _union(masks: list[Mask | None]) -> Mask | None:
    known = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(known) if known else None
