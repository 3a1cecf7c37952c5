"""The option that says whether a video is searched for cuts."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

from trackanything_core.cli.progress import progress_bar
from trackanything_core.types import FrameIndex
from trackanything_core.video.base import FrameSource
from trackanything_core.video.cuts import find_cuts

Cuts: TypeAlias = Annotated[
    Literal["auto", "none"],
    typer.Option(help="Find shot changes, over which nothing is carried; or take all as one shot."),
]


def cuts_of(source: FrameSource, cuts: Cuts) -> tuple[FrameIndex, ...]:
    """The first frames of new shots, ascending; finding them reads the whole video."""
    if cuts == "none":
        return ()
    with progress_bar("finding cuts") as progress:
        return find_cuts(source, progress=progress)
