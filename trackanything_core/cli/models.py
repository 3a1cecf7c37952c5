"""The options that choose models, alike in every command that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from trackanything_core.models.base import PropagatorFactory, Segmenter

_PANEL = "Models"

SegmenterName: TypeAlias = Annotated[
    str, typer.Option(rich_help_panel=_PANEL, help="Answers clicks and boxes; see doctor.")
]
SegmenterWeights: TypeAlias = Annotated[
    Path | None, typer.Option(rich_help_panel=_PANEL, help="Weights file for --segmenter.")
]
PropagatorName: TypeAlias = Annotated[
    str, typer.Option(rich_help_panel=_PANEL, help="Carries masks over the video; see doctor.")
]
PropagatorWeights: TypeAlias = Annotated[
    Path | None, typer.Option(rich_help_panel=_PANEL, help="Weights file for --propagator.")
]
Device: TypeAlias = Annotated[
    str, typer.Option(rich_help_panel=_PANEL, help="auto, cpu, cuda, cuda:1, … or mps.")
]


def load_models(
    segmenter: str,
    segmenter_weights: Path | None,
    propagator: str,
    propagator_weights: Path | None,
    device: str,
) -> tuple[Segmenter, PropagatorFactory]:
    """Load what the options name.

    Raises:
        WeightsError: a file is missing, truncated or made for another model.
        ConfigError: there is no such model or device.
    """
    # torch takes seconds to import, and help and bad input need none of it.
    from trackanything_core.models.registry import load_propagator, load_segmenter

    return (
        load_segmenter(segmenter, segmenter_weights, device),
        load_propagator(propagator, propagator_weights, device),
    )
