"""`trackanything train`: make weights, from pictures with segments or from drawn ones alone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from trackanything_core.cli.models import Device
from trackanything_core.errors import ConfigError


def train(
    network: Annotated[
        Literal["xmem", "sam"],
        typer.Argument(help="xmem carries masks over a video, sam answers clicks."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; one that lies there goes on.")],
    config: Annotated[
        str, typer.Option(help="Preset (embedded, finetune, tiny), or a JSON file like theirs.")
    ] = "embedded",
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with COCO panoptic pictures; without it all are drawn."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Length; without it, what the configuration says.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.1, help="Length in wall time instead; not repeatable exactly."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="FILE|embedded", help="Weights to start from, with their network."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that chance decides.")] = 0,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the CPU; without it torch decides.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make clips, for xmem.")] = 1,
    checkpoint_every: Annotated[int, typer.Option(min=1, help="In steps.")] = 200,
    validate_every: Annotated[int, typer.Option(min=1, help="In steps.")] = 500,
) -> None:
    """Train a network: OUT gets weights, a log, validation pictures and a checkpoint.

    Killed, and started again with the same options, a run goes on from its checkpoint as if
    nothing had been.
    """
    if steps is not None and minutes is not None:
        raise ConfigError("expected --steps or --minutes, got both: leave one out")
    # torch takes seconds to import, and help and bad input need none of it.
    import cv2
    import torch

    from trackanything_core.models.device import pick_device
    from trackanything_core.training.coco import load_coco
    from trackanything_core.training.run import run
    from trackanything_core.training.start import start_sam, start_xmem

    cv2.setNumThreads(1)
    if threads is not None:
        torch.set_num_threads(threads)
    options: dict[str, Any] = {
        "seed": seed,
        "steps": steps,
        "minutes": minutes,
        "init": _weights(init, network),
        "device": pick_device(device),
    }
    images = [] if data is None else load_coco(data)
    typer.echo(f"{len(images)} pictures; drawn shapes and textures besides", err=True)

    def go(trainer: Any) -> Path:
        return run(
            trainer,
            out,
            checkpoint_every=checkpoint_every,
            validate_every=validate_every,
            report=lambda line: typer.echo(line, err=True),
        )

    if network == "xmem":
        with closing(start_xmem(config, images, workers=workers, **options)) as trainer:
            weights = go(trainer)
    else:
        weights = go(start_sam(config, images, **options))
    typer.echo(weights)


def _weights(init: str | None, network: str) -> Path | None:
    if init != "embedded":
        return None if init is None else Path(init)
    from trackanything_core.models.registry import EMBEDDED_FOLDER

    return EMBEDDED_FOLDER / f"{network}.safetensors"
