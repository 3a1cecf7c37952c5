"""A picture of what human effort buys."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from trackanything_core.errors import ConfigError
from trackanything_core.evaluation.effort import Curve
from trackanything_core.files import replaced_on_success


def check_plotting() -> None:
    """Say at once, before hours of work, that nothing can be drawn.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "expected matplotlib for --plot, it is not installed: "
            'pip install "trackanything-label-studio[plot]"'
        )


def plot_effort(path: Path, curves: Mapping[str, Curve], title: str) -> None:
    """Draw J&F against corrected frames, and against clicks, one line for each policy.

    Args:
        path: the picture to write, as PNG; its folder is made.
        curves: by the policy's name, with the same budget.
        title: stands above.

    Raises:
        ConfigError: matplotlib is not installed.
        OSError: the picture cannot be written.
    """
    check_plotting()
    # A figure made without pyplot needs no display and leaves no state behind.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    by_frames, by_clicks = figure.subplots(1, 2, sharey=True)
    for name, curve in curves.items():
        label = f"{name} (area {curve.area:.3f})"
        by_frames.plot(range(len(curve.jf)), curve.jf, marker="o", label=label)
        by_clicks.plot(curve.clicks, curve.jf, marker="o")
    by_frames.set(xlabel="corrected frames per video", ylabel="J&F over the whole video")
    by_clicks.set(xlabel="clicks per video")
    by_frames.legend()
    for axes in (by_frames, by_clicks):
        axes.grid(alpha=0.3)
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_on_success(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
