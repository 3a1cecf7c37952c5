"""`trackanything demo`: the whole way on a clip of the program's own making."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer

from trackanything_core.cli.models import (
    Device,
    PropagatorName,
    PropagatorWeights,
    SegmenterName,
    SegmenterWeights,
    load_models,
)
from trackanything_core.cli.output import SUMMARY, staged_directory, write_json
from trackanything_core.cli.progress import progress_bar
from trackanything_core.cli.results import Summary, summarise, write_results
from trackanything_core.cli.track import print_summary
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.evaluation.synthetic import DemoClip, demo_clip
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.session import Session
from trackanything_core.types import ObjectId, Prompt
from trackanything_core.video.open import open_source
from trackanything_core.video.writer import VideoWriter

DemoExporter: TypeAlias = Callable[[Path, Iterable[FrameMasks], str], None]
"""Writes into a folder the masks of all frames, found by the models of that name."""


class DemoSummary(Summary):
    """A tracked video of known truth; IoU over all frames, 0..1."""

    mean_iou: float
    worst_iou: float


_OBJECT: ObjectId = "balloon"
_FPS = Fraction(12)
_CLIP_QUALITY = 12  # x264's rate factor; the compression should not be what is measured


def make_demo(exporters: Sequence[DemoExporter]) -> Callable[..., None]:
    """Make the command.

    Args:
        exporters: write the result in formats that the core does not know.
    """

    def demo(
        out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out/demo"),
        overwrite: Annotated[
            bool, typer.Option("--overwrite", help="Replace older results there.")
        ] = False,
        segmenter: SegmenterName = "embedded",
        segmenter_weights: SegmenterWeights = None,
        propagator: PropagatorName = "embedded",
        propagator_weights: PropagatorWeights = None,
        device: Device = "auto",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Draw a short clip, track an object through it from one click, compare with the truth.

        Needs no network and no data.

        Writes the clip, masks/, masks.json, overlay.mp4, summary.json and a prediction.
        """
        began = time.perf_counter()
        with staged_directory(out, overwrite=overwrite) as folder:
            models = load_models(
                segmenter, segmenter_weights, propagator, propagator_weights, device
            )
            clip = demo_clip()
            video = folder / "clip.mp4"
            _write_clip(clip, video)
            with open_source(video) as source:
                session = Session(source, *models)
                session.prompt(Prompt(_OBJECT, 0, (clip.click,)))
                with progress_bar("tracking") as progress:
                    for _ in session.propagate(progress=progress):
                        pass
                with progress_bar("writing") as progress:
                    objects = write_results(session, folder, video.name, progress)
                frames = [session.frame_masks(frame) for frame in range(len(source))]
                for export in exporters:
                    export(folder, frames, " + ".join(model.name for model in models))
                seconds = time.perf_counter() - began
                ious = _ious(clip, frames)
                summary = DemoSummary(
                    **summarise(session, objects, video.name, out, seconds),
                    mean_iou=float(np.mean(ious)),
                    worst_iou=float(np.min(ious)),
                )
            write_json(folder / SUMMARY, summary)
        if as_json:
            typer.echo(json.dumps(summary))
        else:
            print_summary(summary)
            typer.echo(f"Mean IoU against the truth: {summary['mean_iou']:.3f}")

    return demo


def _write_clip(clip: DemoClip, path: Path) -> None:
    with VideoWriter(path, _FPS, quality=_CLIP_QUALITY) as writer:
        for image in clip.frames:
            writer.write(image)


def _ious(clip: DemoClip, frames: Sequence[FrameMasks]) -> list[float]:
    return [
        region_similarity(truth, found.masks[_OBJECT])
        for truth, found in zip(clip.masks, frames, strict=True)
    ]
