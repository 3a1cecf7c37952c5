"""Does the score of a mask tell its IoU? Rank correlation, reliability, and a fit of its weights.

`python -m trackanything_core.evaluation.calibration DAVIS_DIR --json --plot out/reliability.png`
tracks every sequence from simulated clicks, without refinement, and compares scores with truth.
The weights that come with the package were chosen on these kinds of sequences, so beside the
correlation of those stands one of weights fitted to all sequences but the one they are tried on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trackanything_core.errors import ConfigError
from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.first_masks import Init, first_masks
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.files import replaced_on_success
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.tracking.assess import Signs, read_signs, small, weigh, weights
from trackanything_core.tracking.compose import owned_masks
from trackanything_core.video.open import open_source

_STEPS = 50
_RIDGE = 1e-3
"""Keeps the fit finite where the features tell everything."""
_BINS = 10


@dataclass(frozen=True, slots=True)
class Example:
    """A propagated mask: what speaks for it, and its true IoU, 0..1."""

    sequence: str
    signs: Signs
    iou: float


def collect(
    sequence: DavisSequence,
    segmenter: Segmenter,
    propagators: PropagatorFactory,
    init: Init,
    clicks: int,
) -> list[Example]:
    """Track a sequence and gather its masks that are not empty; see `first_masks`."""
    found = []
    with open_source(sequence.images) as source:
        start = first_masks(sequence, source, segmenter, init, clicks)
        given = {name: mask for name, mask in start.items() if mask.any()}
        if not given:
            return []
        propagator = propagators.start()
        propagator.step(source.read(0), given)
        before = {name: small(mask) for name, mask in given.items()}
        for frame in range(1, len(sequence) - 1):
            probabilities = propagator.step(source.read(frame))
            evidence, truth = propagator.evidence(), sequence.truth(frame)
            for row, mask in enumerate(owned_masks(probabilities)):
                name = propagator.object_ids[row]
                if mask.any():
                    affinity = None if evidence is None else evidence.affinity[row]
                    signs = read_signs(probabilities[1 + row], mask, affinity, before[name])
                    iou = region_similarity(truth.masks[name], mask, truth.void)
                    found.append(Example(sequence.name, signs, iou))
                before[name] = small(mask)
    return found


def fit_weights(examples: Sequence[Example]) -> tuple[float, ...]:
    """Fit a logistic function to IoUs, by Newton's method on the cross entropy; see `weigh`."""
    features = np.array([example.signs.features() for example in examples])
    ious = np.array([example.iou for example in examples])
    inputs = np.column_stack([features, np.ones(len(features))])
    fitted = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        found = 1 / (1 + np.exp(-inputs @ fitted))
        slope = inputs.T @ (found - ious) / len(ious) + _RIDGE * fitted
        bend = (inputs * (found * (1 - found))[:, None]).T @ inputs / len(ious)
        fitted -= np.linalg.solve(bend + _RIDGE * np.eye(len(fitted)), slope)
    return tuple(float(weight) for weight in fitted)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's: the correlation of ranks, -1..1; equal values share their mean rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> npt.NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def report(examples: Sequence[Example]) -> dict[str, Any]:
    """How well scores tell IoUs."""
    scores = [weigh(example.signs, weights()) for example in examples]
    ious = [example.iou for example in examples]
    held_out: list[float] = []
    tried: list[float] = []
    for name in sorted({example.sequence for example in examples}):
        rest = [example for example in examples if example.sequence != name]
        if not rest:
            continue
        fitted = fit_weights(rest)
        own = [example for example in examples if example.sequence == name]
        held_out += [weigh(example.signs, fitted) for example in own]
        tried += [example.iou for example in own]
    bins = np.minimum((np.array(scores) * _BINS).astype(int), _BINS - 1)
    return {
        "masks": len(examples),
        "spearman": rank_correlation(scores, ious),
        "mean_error": float(np.abs(np.array(scores) - ious).mean()),
        "held_out": {
            "spearman": rank_correlation(held_out, tried),
            "mean_error": float(np.abs(np.array(held_out) - tried).mean()),
        }
        if held_out
        else None,
        "fitted_weights": fit_weights(examples),
        "reliability": [
            {
                "score": float(np.array(scores)[bins == number].mean()),
                "iou": float(np.array(ious)[bins == number].mean()),
                "masks": int((bins == number).sum()),
            }
            for number in range(_BINS)
            if (bins == number).any()
        ],
    }


def plot_reliability(path: Path, found: dict[str, Any]) -> None:
    """Draw mean IoU over mean score, each bin as large as it has masks.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "expected matplotlib for the plot: install trackanything-label-studio[plot]"
        )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    bins = found["reliability"]
    axes.plot([0, 1], [0, 1], color="0.7")
    sizes = [20 + 400 * entry["masks"] / found["masks"] for entry in bins]
    axes.scatter([b["score"] for b in bins], [b["iou"] for b in bins], s=sizes)
    axes.set(xlabel="score", ylabel="true IoU", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"{found['masks']} masks, rank correlation {found['spearman']:.2f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_on_success(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def main() -> None:
    """Track, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="data set laid out like DAVIS")
    parser.add_argument("--init", choices=["mask", "click"], default="click")
    parser.add_argument("--clicks", type=int, default=3)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    segmenter, propagators = load_segmenter(), load_propagator()
    examples = [
        example
        for sequence in read_davis(arguments.data)
        for example in collect(sequence, segmenter, propagators, arguments.init, arguments.clicks)
    ]
    found = report(examples)
    if arguments.plot:
        plot_reliability(arguments.plot, found)
    if arguments.json:
        print(json.dumps(found))
    else:
        print(f"{found['masks']} masks, rank correlation {found['spearman']:.3f}")


if __name__ == "__main__":
    main()
