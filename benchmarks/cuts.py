"""A shot, another one, and the first again: what is left in the shot between, and found after it.

Sequences laid out like DAVIS are joined to films A | B | A with the embedded weights and the true
mask of the first frame, and tracked three ways: as one shot; with the cuts that `find_cuts` finds
and no search; and with the search of shots in which no human showed the object.

python benchmarks/cuts.py path/to/DAVIS --json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Image, Prompt
from trackanything_core.video.base import FrameSource, check_frame
from trackanything_core.video.cuts import find_cuts
from trackanything_core.video.images import ImageList

FOUND = 0.5  # IoU from which a frame of the second A counts as recalled
WAYS: Mapping[str, tuple[bool, bool]] = {
    "one shot": (False, False),
    "cuts": (True, False),
    "cuts and search": (True, True),
}
"""By name: whether cuts are looked for, and whether the shots beyond them are searched."""


@dataclass(frozen=True)
class Result:
    """Of one film: false area in B as a share of the picture, and J and recall in the second A."""

    first: str
    second: str
    way: str
    cuts: list[FrameIndex]
    false_area: float
    j: float
    recall: float


class Film(FrameSource):
    """Shots of videos, one after the other, brought to the size of the first."""

    def __init__(self, *shots: tuple[FrameSource, range]) -> None:
        self._frames = [(source, frame) for source, frames in shots for frame in frames]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self._frames[0][0].size

    @property
    def times(self) -> Sequence[Fraction] | None:
        """None: the shots have no common clock."""
        return None

    @property
    def fps(self) -> Fraction | None:
        """None, likewise."""
        return None

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, frame: FrameIndex) -> Image:
        """(H, W, 3) uint8 RGB of a frame."""
        check_frame(frame, len(self))
        source, number = self._frames[frame]
        image = source.read(number)
        if source.size == self.size:
            return image
        return np.asarray(cv2.resize(image, self.size[::-1]), np.uint8)

    def close(self) -> None:
        """Leave the shots open, they are not its own."""


def main() -> None:
    """Print a line for each film and way, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="laid out like DAVIS")
    parser.add_argument("--apart", type=int, default=1, help="B is so many names after A")
    parser.add_argument("--shot", type=int, default=12, help="frames of each shot")
    parser.add_argument("--sequence", action="append", help="only this one as A; repeatable")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    arguments = parser.parse_args()
    sequences = [each for each in read_davis(arguments.data) if len(each) >= 2 * arguments.shot]
    if len(sequences) < 2:
        parser.error(f"expected two sequences or more of at least {2 * arguments.shot} frames")
    results = []
    for index, first in enumerate(sequences):
        if arguments.sequence and first.name not in arguments.sequence:
            continue
        second = sequences[(index + arguments.apart) % len(sequences)]
        for way in WAYS:
            results.append(measure(first, second, way, arguments.shot))
            print(line(results[-1]), file=sys.stderr, flush=True)
    means = {way: mean([each for each in results if each.way == way]) for way in WAYS}
    if arguments.json:
        print(json.dumps({"means": means, "films": [asdict(each) for each in results]}))
    else:
        for way, values in means.items():
            print(f"{way:16} {values}")


def measure(first: DavisSequence, second: DavisSequence, way: str, shot: int) -> Result:
    """Track one film from its first frame."""
    a, b = (ImageList.from_directory(each.images) for each in (first, second))
    film = Film((a, range(shot)), (b, range(shot)), (a, range(shot, 2 * shot)))
    with_cuts, search = WAYS[way]
    cuts = find_cuts(film) if with_cuts else ()
    session = Session(
        film,
        load_segmenter(device="cpu"),
        load_propagator(device="cpu"),
        cuts=cuts,
        reidentify=search,
        refine=None,
    )
    for name, mask in first.truth(0).masks.items():
        session.prompt(Prompt(name, 0, mask=mask))
    for _ in session.propagate():
        pass
    empty = np.zeros(film.size, np.bool_)
    false, ious = [], []
    for frame in range(shot, 3 * shot):
        found = session.frame_masks(frame).masks
        for name in first.objects:
            mask = found.get(name, empty)
            if frame < 2 * shot:
                false.append(mask.mean())
            else:
                truth = first.truth(frame - shot)
                ious.append(region_similarity(truth.masks[name], mask, truth.void))
    return Result(
        first.name,
        second.name,
        way,
        list(cuts),
        round(float(np.mean(false)), 5),
        round(float(np.mean(ious)), 4),
        round(float(np.mean(np.array(ious) >= FOUND)), 4),
    )


def mean(results: Sequence[Result]) -> dict[str, float]:
    """Over films."""
    values = {
        name: np.mean([getattr(each, name) for each in results])
        for name in ("false_area", "j", "recall")
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def line(result: Result) -> str:
    """For people."""
    return (
        f"{result.first} | {result.second} | {result.first}, {result.way}: false area "
        f"{result.false_area:.4f}, J {result.j:.3f}, recall {result.recall:.2f}"
    )


if __name__ == "__main__":
    main()
