"""The options that choose models, alike in every command that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from trackanything_core.models.base import PropagatorFactory, Segmenter

_PANEL = "Models"


def _option(text: str, variable: str | None = None) -> Any:
    return typer.Option(rich_help_panel=_PANEL, help=text, envvar=variable)


_SEGMENTER = "Answers clicks and boxes; see doctor."
_SEGMENTER_WEIGHTS = "Weights file for --segmenter."
_PROPAGATOR = "Carries masks over the video; see doctor."
_PROPAGATOR_WEIGHTS = "Weights file for --propagator."
_DEVICE = "auto, cpu, cuda, cuda:1, … or mps."

SegmenterName: TypeAlias = Annotated[str, _option(_SEGMENTER)]
SegmenterWeights: TypeAlias = Annotated[Path | None, _option(_SEGMENTER_WEIGHTS)]
PropagatorName: TypeAlias = Annotated[str, _option(_PROPAGATOR)]
PropagatorWeights: TypeAlias = Annotated[Path | None, _option(_PROPAGATOR_WEIGHTS)]
Device: TypeAlias = Annotated[str, _option(_DEVICE)]

# The same, for processes that work beside the server: its settings choose their networks too.
ServedSegmenterName: TypeAlias = Annotated[str, _option(_SEGMENTER, "TRACKANYTHING_SEGMENTER")]
ServedSegmenterWeights: TypeAlias = Annotated[
    Path | None, _option(_SEGMENTER_WEIGHTS, "TRACKANYTHING_SEGMENTER_WEIGHTS")
]
ServedPropagatorName: TypeAlias = Annotated[str, _option(_PROPAGATOR, "TRACKANYTHING_PROPAGATOR")]
ServedPropagatorWeights: TypeAlias = Annotated[
    Path | None, _option(_PROPAGATOR_WEIGHTS, "TRACKANYTHING_PROPAGATOR_WEIGHTS")
]
ServedDevice: TypeAlias = Annotated[str, _option(_DEVICE, "TRACKANYTHING_DEVICE")]


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
