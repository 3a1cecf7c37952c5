"""`trackanything evaluate`: J and F of the tracker on a data set whose truth is known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from trackanything_core.cli.cuts import Cuts, cuts_of
from trackanything_core.cli.effort import Interactive, evaluate_effort
from trackanything_core.cli.models import (
    Device,
    PropagatorName,
    PropagatorWeights,
    SegmenterName,
    SegmenterWeights,
    load_models,
)
from trackanything_core.cli.progress import progress_bar
from trackanything_core.evaluation.annotator import Annotator
from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.first_masks import Init, first_masks
from trackanything_core.evaluation.flow_baseline import FlowPropagators
from trackanything_core.evaluation.run import (
    CONVENTION,
    SequenceScores,
    mean_scores,
    track_sequence,
)
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.tracking.refine import RefineSettings
from trackanything_core.video.open import open_source

_OURS = "ours"
_UNREFINED = "unrefined"
_MEASURES = ("J", "F", "J&F")
_UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class _Tracker:
    """What is measured: propagators, and whether their masks are refined."""

    propagators: PropagatorFactory
    refine: RefineSettings | None


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Data set laid out like DAVIS.", show_default=False),
    ],
    init: Annotated[Init, typer.Option(help="Start from the true mask or from clicks.")] = "mask",
    clicks: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Simulated clicks for each object: with --init click as many as that (1 if not "
            "given), with --interactive at most that many on a frame (5 if not given).",
            show_default=False,
        ),
    ] = None,
    interactive: Annotated[
        int | None,
        typer.Option(
            metavar="BUDGET",
            min=1,
            help="Let a simulated annotator correct so many frames of each sequence, chosen by "
            "suggestion, evenly and at random, and print J&F after each of them.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="With --interactive: draw it.", show_default=False),
    ] = None,
    baseline: Annotated[
        Literal["flow"] | None, typer.Option(help="Measure optical flow beside it.")
    ] = None,
    sequence: Annotated[
        list[str] | None, typer.Option(help="Only this sequence; may be repeated.")
    ] = None,
    image_set: Annotated[
        str | None,
        typer.Option(
            help="Only the sequences that DIR/ImageSets/IMAGE_SET.txt lists, as 2017/val does.",
            show_default=False,
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write SEQUENCE/00000.png, … there, as evaluation servers take them; sequences "
            "with the first frame annotated alone (test sets) are not measured.",
            show_default=False,
        ),
    ] = None,
    refine: Annotated[
        Literal["on", "off", "on,off"],
        typer.Option(help='Let the segmenter refine doubtful masks; "on,off" measures both.'),
    ] = "on",
    cuts: Cuts = "none",
    segmenter: SegmenterName = "embedded",
    segmenter_weights: SegmenterWeights = None,
    propagator: PropagatorName = "embedded",
    propagator_weights: PropagatorWeights = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Track every sequence of a data set and print J, F and J&F, or what human effort buys.

    DIR holds JPEGImages/480p/SEQUENCE/*.jpg and Annotations/480p/SEQUENCE/*.png.
    """
    sequences = _chosen(read_davis(data, image_set=image_set), sequence or [])
    secret = [chosen.name for chosen in sequences if not chosen.is_measurable]
    _refuse(
        bool(secret) and (masks is None or interactive is not None),
        f"the first frame alone is annotated of {', '.join(secret)}: nothing can be measured, "
        "name a folder for the masks by --masks",
    )
    load = partial(
        load_models, segmenter, segmenter_weights, propagator, propagator_weights, device
    )
    if interactive is not None:
        _refuse(baseline is not None, "--baseline goes without --interactive")
        _refuse(masks is not None, "--masks goes without --interactive")
        _refuse(refine == "on,off", "with --interactive, --refine is on or off")
        annotator = Annotator() if clicks is None else Annotator(clicks)
        refining = RefineSettings() if refine == "on" else None
        asked = Interactive(interactive, init, annotator, cuts, refining, plot)
        evaluate_effort(sequences, load, asked, data=data, as_json=as_json)
        return
    _refuse(plot is not None, "--plot goes with --interactive only")
    clicks = clicks or 1
    answering, tracker = load()
    trackers = {_OURS: _Tracker(tracker, None if refine == "off" else RefineSettings())}
    if refine == "on,off":
        trackers[_UNREFINED] = _Tracker(tracker, None)
    if baseline == "flow":
        trackers["flow"] = _Tracker(FlowPropagators(), None)
    scores: dict[str, list[SequenceScores]] = {name: [] for name in trackers}
    for chosen in sequences:
        measured = _measure(chosen, answering, trackers, init, clicks, cuts, masks)
        for name, scored in measured.items():
            scores[name].append(scored)
    if as_json:
        report = {
            "data": str(data),
            "convention": CONVENTION,
            "init": init,
            "clicks": clicks if init == "click" else None,
            "cuts": cuts,
            "refine": refine,
            "models": {"segmenter": answering.name, "propagator": tracker.name},
            "results": {name: _as_json(scored) for name, scored in scores.items()},
        }
        if refine == "on,off":
            report["refinement"] = _gains(scores[_OURS], scores[_UNREFINED])
        typer.echo(json.dumps(report))
    else:
        _print_table(scores)


def _refuse(condition: bool, why: str) -> None:
    if condition:
        raise typer.BadParameter(why)


def _chosen(sequences: list[DavisSequence], names: Sequence[str]) -> list[DavisSequence]:
    known = [sequence.name for sequence in sequences]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"expected one of {', '.join(known)}, got {name!r}")
    return [sequence for sequence in sequences if not names or sequence.name in names]


def _measure(
    sequence: DavisSequence,
    segmenter: Segmenter,
    trackers: dict[str, _Tracker],
    init: Init,
    clicks: int,
    cuts: Cuts,
    masks: Path | None,
) -> dict[str, SequenceScores]:
    scores = {}
    with open_source(sequence.images) as source:
        start = first_masks(sequence, source, segmenter, init, clicks)
        shots = cuts_of(source, cuts)
        for name, tracker in trackers.items():
            with progress_bar(f"{sequence.name} ({name})") as progress:
                folder = masks / sequence.name if masks and name == _OURS else None
                scores[name] = track_sequence(
                    sequence,
                    source,
                    start,
                    segmenter,
                    tracker.propagators,
                    progress,
                    shots,
                    folder,
                    tracker.refine,
                )
    return scores


def _gains(on: Sequence[SequenceScores], off: Sequence[SequenceScores]) -> dict[str, Any]:
    """What refinement brings and costs."""
    gains = {
        refined.name: mean_scores([refined])["J&F"] - mean_scores([plain])["J&F"]
        for refined, plain in zip(on, off, strict=True)
        if refined.objects
    }
    frames = sum(scored.frames for scored in on)
    speeds = [frames / max(sum(scored.seconds for scored in both), 1e-9) for both in (on, off)]
    return {
        "J&F": [mean_scores(on).get("J&F"), mean_scores(off).get("J&F")],
        "gains": gains,
        "worst": min(gains.values(), default=None),
        "share_refined": sum(scored.refined * scored.frames for scored in on) / frames,
        "frames_per_second": speeds,
        "frames_per_second_lost": speeds[1] - speeds[0],
    }


def _as_json(scores: Sequence[SequenceScores]) -> dict[str, Any]:
    return {
        "mean": mean_scores(scores),
        "sequences": [
            {
                "name": sequence.name,
                "frames": sequence.frames,
                "seconds_per_frame": sequence.seconds / sequence.frames,
                "share_refined": sequence.refined,
                **mean_scores([sequence]),
                "objects": [dataclasses.asdict(scored) for scored in sequence.objects],
            }
            for sequence in scores
        ],
    }


def _print_table(scores: dict[str, list[SequenceScores]]) -> None:
    table = Table(caption=CONVENTION)
    table.add_column("sequence")
    table.add_column("first IoU", justify="right")
    for name in scores:
        for measure in (*_MEASURES, "s/frame"):
            table.add_column(f"{name} {measure}", justify="right")
    for per_sequence in zip(*scores.values(), strict=True):
        first = per_sequence[0]
        cells = [first.name, _mean_first_iou(first)]
        for scored in per_sequence:
            cells += [*_measures([scored]), f"{scored.seconds / scored.frames:.2f}"]
        table.add_row(*cells)
    means = ["mean", ""]
    for scored_sequences in scores.values():
        means += [*_measures(scored_sequences), ""]
    table.add_section()
    table.add_row(*means)
    Console().print(table)


def _mean_first_iou(scored: SequenceScores) -> str:
    ious = [found.first_iou for found in scored.objects]
    return f"{sum(ious) / len(ious):.3f}" if ious else _UNKNOWN


def _measures(scored: Sequence[SequenceScores]) -> list[str]:
    means = mean_scores(scored)
    return [f"{means[measure]:.3f}" if means else _UNKNOWN for measure in _MEASURES]
