"""Compare a replay with its recording, within the tolerances that the recording states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.parity.goldens import Golden

_INPUTS = {"order", "clip", "config_json", "end_last", "event_frames", "debug_frame"}
_INPUTS |= {"strict_frames", "prob_frames"}
_EXACT = {"num_objects", "is_mem_frame", "work_size", "long_size"}
_EXACT |= {"final_work_value_sizes", "final_lt_value_sizes"}
_EXACT_OF_EVENTS = {"t", "indices", "group_sizes", "before_after_max", "survived"}

ARGMAX_MAY_DIFFER = 1e-3  # share of pixels, at near-ties
CLOSE = 1e-4
HALF_PRECISION = 2.5e-4
JUMP = 0.05  # of an inner value, where the best 30 of a query swap at a near-tie
# What an encoder says of a frame is no matter of which memory elements are read.
_BEFORE_READING = {"key", "shrinkage", "selection", "f16", "f8", "f4", "similarity", "work_key"}


def differences(golden: Golden, ours: dict[str, Any]) -> Iterator[str]:
    """One line for each recorded name that our replay misses or does not reproduce."""
    for name, expected in golden.arrays().items():
        if name in _INPUTS or name.startswith("event"):
            continue
        if name not in ours:
            yield f"{name}: recorded, but not replayed"
            continue
        actual = _stacked(ours[name], expected)
        if actual.shape != expected.shape:
            yield f"{name}: expected shape {expected.shape}, got {actual.shape}"
        elif problem := _difference(golden, name, actual, expected):
            yield f"{name}: {problem}"


def _stacked(value: Any, expected: Any) -> Any:
    """Steps as one array; objects that a step does not know yet are filled as recorded."""
    if not isinstance(value, list):
        return np.asarray(value)
    rows = [np.asarray(row) for row in value]
    if expected.ndim < 2 or len({row.shape for row in rows}) == 1:
        return np.stack(rows) if rows else np.zeros(expected.shape, expected.dtype)
    filled = np.full((len(rows), *expected.shape[1:]), np.nan if expected.ndim == 2 else 0.0)
    for target, row in zip(filled, rows, strict=True):
        target[: len(row)] = row
    return filled


def _difference(golden: Golden, name: str, actual: Any, expected: Any) -> str | None:
    kind = name.split("_", 1)[-1] if name.startswith(("cons", "removal", "dbg_")) else name
    if name in _EXACT or (not name.startswith("dbg_") and kind in _EXACT_OF_EVENTS):
        return None if np.array_equal(actual, expected) else f"expected {expected}, got {actual}"
    if name == "argmax":
        share = float((actual != expected).mean())
        return None if share <= ARGMAX_MAY_DIFFER else f"{share:.2%} of the pixels differ"
    if not np.array_equal(np.isnan(actual), np.isnan(expected)):
        return "other objects are known than recorded"

    error = np.nan_to_num(np.abs(actual.astype(np.float64) - expected))
    scale = max(1.0, float(np.nanmax(np.abs(expected), initial=0)))
    rounding = HALF_PRECISION if expected.dtype == np.float16 else 0.0
    allowed = golden.entry["suggested_max_abs_tolerance"]
    share_close = golden.entry["suggested_share_of_values_within_1e-4"]
    if share_close < 1 and not name.startswith("prob"):
        allowed, share_close = (JUMP, share_close) if kind not in _BEFORE_READING else (CLOSE, 1.0)
    if error.max(initial=0) > allowed * scale + rounding:
        return f"differs by up to {error.max():.2g}, allowed are {allowed * scale + rounding:.2g}"
    close = float((error <= CLOSE * scale + rounding).mean()) if error.size else 1.0
    if error.size > 100 and close < share_close:
        return f"{close:.2%} of the values agree, expected are {share_close:.2%}"
    return None
