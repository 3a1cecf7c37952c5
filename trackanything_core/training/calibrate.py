"""Fit the weights of the score to masks of known IoU: generated clips, tracked by our XMem.

`python -m trackanything_core.training.calibrate COCO` writes tracking/score_weights.json. The first
masks are true ones and, half the time, the answer of the embedded SAM to a click, so that poor
masks are among the examples.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trackanything_core.evaluation.clicks import next_click
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.tracking import assess
from trackanything_core.tracking.assess import Signs, read_signs, small
from trackanything_core.tracking.compose import owned_masks
from trackanything_core.training.clips import Clip, generate_clip
from trackanything_core.training.coco import CocoImage, load_coco
from trackanything_core.types import Mask

WEIGHTS = Path(assess.__file__).with_name("score_weights.json")
_STEPS = 50
_RIDGE = 1e-3
"""Keeps the fit finite where the features tell everything."""


def fit_weights(
    features: npt.NDArray[np.float64], ious: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Fit a logistic function to shares, by Newton's method on the cross entropy.

    Args:
        features: (M, K).
        ious: (M,) in 0..1.

    Returns:
        (K + 1,): a weight for each feature, then the constant.
    """
    inputs = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        found = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (found - ious) / len(ious) + _RIDGE * weights
        bend = (inputs * (found * (1 - found))[:, None]).T @ inputs / len(ious)
        weights -= np.linalg.solve(bend + _RIDGE * np.eye(len(weights)), slope)
    return weights


def examples(
    images: Sequence[CocoImage],
    segmenter: Segmenter,
    propagators: PropagatorFactory,
    *,
    seed: int,
    clips: int,
    frames: int = 16,
    size: int = 208,
) -> Iterator[tuple[Signs, float]]:
    """Signs of tracked masks, and their true IoU, 0..1; the same arguments give the same."""
    rng = np.random.default_rng(seed)
    for number in range(clips):
        clip = generate_clip(rng, images, size=size, frames=frames)
        start = [mask if number % 2 else _clicked(segmenter, clip, mask) for mask in clip.masks[0]]
        if all(mask.any() for mask in start):
            yield from _track(propagators, clip, start)


def _clicked(segmenter: Segmenter, clip: Clip, mask: Mask) -> Mask:
    click = next_click(np.zeros_like(mask), mask)
    assert click is not None  # every object is visible on the first frame
    return segmenter.segment(segmenter.embed(clip.frames[0]), clicks=[click]).mask


def _track(
    propagators: PropagatorFactory, clip: Clip, start: Sequence[Mask]
) -> Iterator[tuple[Signs, float]]:
    propagator = propagators.start()
    given = {str(number): mask for number, mask in enumerate(start)}
    before = [small(mask) for mask in start]
    propagator.step(clip.frames[0], given)
    for image, truth in zip(clip.frames[1:], clip.masks[1:], strict=True):
        probabilities = propagator.step(image)
        evidence = propagator.evidence()
        for row, mask in enumerate(owned_masks(probabilities)):
            if mask.any():
                affinity = None if evidence is None else evidence.affinity[row]
                signs = read_signs(probabilities[1 + row], mask, affinity, before[row])
                yield signs, region_similarity(truth[row], mask)
            before[row] = small(mask)


def main() -> None:
    """Make examples, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("coco", type=Path, help="folder of COCO pictures with panoptic segments")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    made = list(
        examples(
            load_coco(arguments.coco),
            load_segmenter(),
            load_propagator(),
            seed=arguments.seed,
            clips=arguments.clips,
        )
    )
    features = np.array([signs.features() for signs, _ in made])
    ious = np.array([iou for _, iou in made])
    weights = fit_weights(features, ious)
    report = {"weights": weights.round(4).tolist(), "examples": len(made), "seed": arguments.seed}
    arguments.out.write_text(json.dumps(report) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
