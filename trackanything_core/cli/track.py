"""`trackanything track`: from prompts on a video to masks on all of its frames."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trackanything_core.cli.cuts import Cuts, cuts_of
from trackanything_core.cli.models import (
    Device,
    PropagatorName,
    PropagatorWeights,
    SegmenterName,
    SegmenterWeights,
    load_models,
)
from trackanything_core.cli.ordered import ordered_values
from trackanything_core.cli.output import SUMMARY, staged_directory, write_json
from trackanything_core.cli.progress import progress_bar
from trackanything_core.cli.prompt_options import PROMPT_OPTIONS, parse_prompts
from trackanything_core.cli.results import Summary, summarise, write_results
from trackanything_core.tracking.prompt_check import check_prompt
from trackanything_core.tracking.session import Session
from trackanything_core.video.open import open_source

_PANEL = "Prompts (after --object NAME they belong to that object)"


def track(
    context: typer.Context,
    video: Annotated[
        Path,
        typer.Argument(metavar="VIDEO", help="Video file or folder of images.", show_default=False),
    ],
    click: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y[@FRAME]", rich_help_panel=_PANEL, help="On the object."),
    ] = None,
    not_click: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y[@FRAME]", rich_help_panel=_PANEL, help="Off the object."),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1[@FRAME]", rich_help_panel=_PANEL, help="Round the object."
        ),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[@FRAME]",
            rich_help_panel=_PANEL,
            help="The object's mask: a picture that is black elsewhere.",
        ),
    ] = None,
    object: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", rich_help_panel=_PANEL, help="Begins the next object."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results.", show_default="out/VIDEO")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace older results there.")
    ] = False,
    cuts: Cuts = "auto",
    segmenter: SegmenterName = "embedded",
    segmenter_weights: SegmenterWeights = None,
    propagator: PropagatorName = "embedded",
    propagator_weights: PropagatorWeights = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Track objects through a video from a few clicks, boxes or masks.

    Pixels count from the top left, frames from 0. Give each object a prompt in every shot where
    it is to be found: nothing is carried over a shot change.

    Writes masks/ (DAVIS index maps), masks.json (COCO RLE), overlay.mp4 and summary.json.
    """
    began = time.perf_counter()
    target = out if out is not None else Path("out") / video.resolve().stem
    prompts = parse_prompts(ordered_values(context, PROMPT_OPTIONS))
    with staged_directory(target, overwrite=overwrite) as folder, open_source(video) as source:
        for prompt in prompts:
            check_prompt(prompt, len(source), source.size)
        session = Session(
            source,
            *load_models(segmenter, segmenter_weights, propagator, propagator_weights, device),
            cuts=cuts_of(source, cuts),
        )
        for prompt in prompts:
            session.prompt(prompt)
        with progress_bar("tracking") as progress:
            for _ in session.propagate(progress=progress):
                pass
        with progress_bar("writing") as progress:
            objects = write_results(session, folder, video.name, progress)
        seconds = time.perf_counter() - began
        summary = summarise(session, objects, str(video), target, seconds)
        write_json(folder / SUMMARY, summary)
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        print_summary(summary)


def print_summary(summary: Summary) -> None:
    """Show what was found as a table."""
    table = Table(title=f"{summary['frames']} frames, {summary['seconds']:.1f} s")
    for column in ("object", "anchors", "frames in sight", "mean score"):
        table.add_column(column, justify="left" if column == "object" else "right")
    for found in summary["objects"]:
        table.add_row(
            found["id"],
            ", ".join(map(str, found["anchors"])),
            str(found["frames_in_sight"]),
            "–" if found["mean_score"] is None else f"{found['mean_score']:.2f}",
        )
    console = Console()
    console.print(table)
    if summary["cuts"]:
        console.print(f"New shots begin at frames {', '.join(map(str, summary['cuts']))}.")
    console.print(f"Results: {summary['out']}", soft_wrap=True)
