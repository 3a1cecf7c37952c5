"""Learning curves as a picture; needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from trackanything_core.training.log import read_log

_POINTS = 150


def plot_curves(path: Path, logs: Mapping[str, tuple[Path, str]]) -> None:
    """Draw a smoothed column of each log over its steps, side by side.

    Args:
        path: PNG file.
        logs: title → log and name of the column.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(logs), 2.6), layout="constrained")
    axes = figure.subplots(1, len(logs), squeeze=False)[0]
    for axis, (title, (log, column)) in zip(axes, logs.items(), strict=True):
        columns = read_log(log)
        parts = max(len(columns["step"]) // _POINTS, 1)
        steps, values = (_means(columns[name], parts) for name in ("step", column))
        axis.plot(steps, values, linewidth=1)
        axis.set(title=title, xlabel="step", ylabel=column.replace("_", " "))
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=80)


def _means(values: list[float], size: int) -> list[float]:
    whole = len(values) - len(values) % size
    return [float(mean) for mean in np.reshape(values[:whole], (-1, size)).mean(axis=1)]
