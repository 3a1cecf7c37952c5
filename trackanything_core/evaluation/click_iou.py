"""How good is a segmenter's mask after one click, two, three … of a patient annotator?

python -m trackanything_core.evaluation.click_iou DAVIS_DIR [--weights FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from trackanything_core.errors import DataError
from trackanything_core.evaluation.clicks import next_click
from trackanything_core.evaluation.davis import read_davis
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.base import Segmentation, Segmenter
from trackanything_core.types import Click, Image, Mask


def simulate_clicks(
    segmenter: Segmenter, image: Image, truth: Mask, count: int
) -> list[Segmentation]:
    """The answers after each of `count` clicks, every click on the largest error so far.

    Earlier clicks stay and the logits of the last answer are fed back, as for a human user.

    Args:
        segmenter: answers.
        image: (H, W, 3) uint8 RGB.
        truth: (H, W) bool, not empty.
        count: 1 or more; after a perfect answer the same answer is repeated.
    """
    embedding = segmenter.embed(image)
    answers: list[Segmentation] = []
    clicks: list[Click] = []
    for _ in range(count):
        found = answers[-1].mask if answers else np.zeros_like(truth)
        click = next_click(found, truth)
        if click is None and answers:
            answers.append(answers[-1])
            continue
        if click is not None:
            clicks.append(click)
        logits = answers[-1].low_res_logits if answers else None
        answers.append(segmenter.segment(embedding, clicks=clicks, mask_logits=logits))
    return answers


def davis_click_ious(segmenter: Segmenter, root: Path, count: int) -> dict[str, list[float]]:
    """IoU after 1 … `count` clicks on the first and the middle frame of every sequence.

    Args:
        segmenter: answers.
        root: laid out like DAVIS; see `read_davis`.
        count: clicks for each object.

    Returns:
        "sequence/frame/object" → IoU after each click, 0..1.
    """
    ious = {}
    for sequence in read_davis(root):
        pictures = sorted(sequence.images.glob("*.jpg"))
        for frame in (0, len(sequence) // 2):
            image = _read_rgb(pictures[frame])
            truth = sequence.truth(frame)
            for object_id, mask in truth.masks.items():
                if mask.any():
                    answers = simulate_clicks(segmenter, image, mask, count)
                    ious[f"{sequence.name}/{frame}/{object_id}"] = [
                        region_similarity(mask, answer.mask, truth.void) for answer in answers
                    ]
    return ious


def _read_rgb(path: Path) -> Image:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DataError(f"expected a readable picture at {path}")
    return np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8, copy=False)


def main() -> None:
    """Command line: print the IoU of every picture and the means, as JSON."""
    from trackanything_core.models.registry import load_segmenter

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--segmenter", default="embedded")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    segmenter = load_segmenter(arguments.segmenter, arguments.weights, arguments.device)
    ious = davis_click_ious(segmenter, arguments.root, arguments.clicks)
    means = np.mean(list(ious.values()), axis=0)
    rounded = {name: [round(iou, 3) for iou in values] for name, values in ious.items()}
    print(json.dumps({"ious": rounded, "means": [round(float(iou), 3) for iou in means]}))


if __name__ == "__main__":
    main()
