"""The fewest key frames whose linear interpolation stays close to a curve."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

_STEP = 64
"""How many points a segment is tried over at a time; it grows only while it can still fit."""


def choose_key_frames(
    values: npt.NDArray[np.float64], tolerance: float, keep: Collection[int] = ()
) -> list[int]:
    """Choose as few points as possible, the first and the last among them.

    Between two chosen points every coordinate is interpolated; nowhere is it off by more than the
    tolerance. No choice among the points themselves needs fewer (shortest path over all segments
    that fit; whether one fits is decided by the cone of slopes through its first point: Imai and
    Iri, 1986).

    Args:
        values: (T, C), a curve of C coordinates at T >= 1 points of equal distance.
        tolerance: largest error in each coordinate, >= 0.
        keep: points that are chosen in any case.

    Returns:
        Indices, rising.
    """
    stops = sorted({0, len(values) - 1, *keep})
    chosen = [0]
    for first, last in zip(stops, stops[1:], strict=False):
        chosen += [first + index for index in _shortest(values[first : last + 1], tolerance)[1:]]
    return chosen


def _shortest(values: npt.NDArray[np.float64], tolerance: float) -> list[int]:
    count = len(values)
    segments = np.full(count, count)
    segments[0] = 0
    before = np.zeros(count, np.int64)
    for start in range(count - 1):
        ends = start + 1 + np.flatnonzero(_fits(values[start:], tolerance))
        better = ends[segments[ends] > segments[start] + 1]
        segments[better] = segments[start] + 1
        before[better] = start
    path = [count - 1]
    while path[-1]:
        path.append(int(before[path[-1]]))
    return path[::-1]


def _fits(values: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.bool_]:
    """For each point after the first: whether a line to it passes close by all in between."""
    found: list[npt.NDArray[np.bool_]] = []
    low = np.full(values.shape[1], -np.inf)
    high = np.full(values.shape[1], np.inf)
    for begin in range(1, len(values), _STEP):
        steps = np.arange(begin, min(begin + _STEP, len(values)))[:, None]
        offsets = values[steps[:, 0]] - values[0]
        lows = np.maximum.accumulate(np.vstack([low[None], (offsets - tolerance) / steps]))
        highs = np.minimum.accumulate(np.vstack([high[None], (offsets + tolerance) / steps]))
        slopes = offsets / steps
        # The line to a point need pass by the earlier ones only: its own bounds hold it anyway.
        found.append(((slopes >= lows[:-1]) & (slopes <= highs[:-1])).all(axis=1))
        low, high = lows[-1], highs[-1]
        if (low > high).any():
            break
    return np.concatenate(found)
