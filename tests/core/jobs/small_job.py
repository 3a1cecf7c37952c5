"""A job for tests of faults: a video that is made up, real networks, and a count of their steps."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from tests.fakes import FakeSegmenter, FakeSource
from trackanything_core.jobs.workspace import Workspace
from trackanything_core.models.registry import EMBEDDED_FOLDER
from trackanything_core.models.xmem.checkpoint import load_network
from trackanything_core.models.xmem.propagator import XMemPropagator, XMemPropagatorFactory
from trackanything_core.store.store import Store
from trackanything_core.types import FrameIndex, Image, Mask, Prompt
from trackanything_core.video.base import FrameSource

SIZE = (48, 64)
FRAMES = 200
CHECKPOINT_EVERY = 20
SESSION = "clip"


class Discs(FakeSource):
    """Two discs that circle before a still background."""

    def __init__(self, frames: int) -> None:
        super().__init__(frames, SIZE)
        self._background = np.random.default_rng(7).integers(60, 120, (*SIZE, 3), np.uint8)

    def read(self, frame: FrameIndex) -> Image:
        image = self._background.copy()
        for name, colour in (("cat", (220, 60, 40)), ("dog", (40, 90, 230))):
            image[disc(name, frame)] = colour
        return cv2.GaussianBlur(image, (3, 3), 0).astype(np.uint8)


def disc(name: str, frame: FrameIndex) -> Mask:
    """Where one of them is."""
    angle = frame / 15 + (0 if name == "cat" else 2.5)
    x, y = SIZE[1] / 2 + 18 * np.cos(angle), SIZE[0] / 2 + 11 * np.sin(angle)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.asarray(np.hypot(columns - x, rows - y) <= 8)


def open_discs(source: Mapping[str, Any]) -> AbstractContextManager[FrameSource]:
    return nullcontext(Discs(source["frames"]))


class Counting(XMemPropagatorFactory):
    """Adds a byte to a file for each step of any of its propagators, in any process."""

    def __init__(self, counter: Path, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counter = counter

    def start(self) -> XMemPropagator:
        propagator = super().start()
        step = propagator.step

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self._counter.open("ab", buffering=0) as file:
                file.write(b".")
            return step(*args, **kwargs)

        propagator.step = counted  # type: ignore[method-assign]
        return propagator


def propagators(counter: Path) -> Counting:
    """The networks that ship with the package, at a size that is quick."""
    network, settings = load_network(EMBEDDED_FOLDER / "xmem.safetensors")
    small = replace(settings, internal_size=SIZE[0])
    return Counting(counter, network, small, name="embedded")


def open_workspace(url: str, counter: Path, **options: Any) -> Workspace:
    """A workspace of the small job's video."""
    torch.set_num_threads(1)
    options = {"checkpoint_every": CHECKPOINT_EVERY, "lease_seconds": 2.0} | options
    return Workspace(Store.open(url), FakeSegmenter(), propagators(counter), open_discs, **options)


def prompt_all(workspace: Workspace, frames: int = FRAMES) -> None:
    """Two objects: one is blended between two anchors, one is followed in both directions."""
    with workspace.edit(SESSION, {"frames": frames}) as live:
        for name, frame in (("cat", 0), ("cat", frames - 1), ("dog", frames // 3)):
            live.session.prompt(Prompt(name, frame, mask=disc(name, frame)))
    workspace.track(SESSION)


def work(url: str, counter: Path, options: Mapping[str, Any]) -> None:
    """What a model process does: work off the queue, until it is killed or all is done."""
    workspace = open_workspace(url, counter, **options)
    while (job := workspace.job(SESSION)) is not None and job.is_active:
        time.sleep(0.05)
    workspace.close()
    os._exit(0)
