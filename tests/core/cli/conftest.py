from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW
from trackanything_core.models.xmem.config import EMBEDDED
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.training.export import export_weights
from trackanything_core.video.writer import VideoWriter

SIZE = (48, 64)
FRAMES = 6


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that choose networks that have learnt nothing: quick, and enough for the flow."""
    folder = tmp_path_factory.mktemp("weights")
    sam, xmem = folder / "sam.safetensors", folder / "xmem.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        export_weights(sam, build_sam(NARROW).state_dict(), {"network": NARROW.to_dict()})
        settings = PropagationSettings(internal_size=48).to_dict()
        export_weights(
            xmem,
            XMemNetwork(EMBEDDED).state_dict(),
            {"network": EMBEDDED.to_dict(), "propagation": settings},
        )
    return ["--segmenter-weights", str(sam), "--propagator-weights", str(xmem), "--device", "cpu"]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A white square that moves to the right over grey."""
    path = tmp_path_factory.mktemp("clip") / "square.mp4"
    with VideoWriter(path, Fraction(25)) as writer:
        for frame in range(FRAMES):
            image = np.full((*SIZE, 3), 90, np.uint8)
            image[16:32, 10 + 4 * frame : 26 + 4 * frame] = 255
            writer.write(image)
    return path


@pytest.fixture(scope="session")
def two_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures with nothing in common, shown for eight frames each."""
    path = tmp_path_factory.mktemp("shots") / "shots.mp4"
    coarse = np.random.default_rng(0).integers(0, 255, (2, 6, 8, 3), np.uint8)
    with VideoWriter(path, Fraction(25)) as writer:
        for picture in coarse.repeat(8, axis=0):
            writer.write(picture.repeat(8, axis=0).repeat(8, axis=1))
    return path


@pytest.fixture(scope="session")
def mask(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The square's mask on frame 0."""
    path = tmp_path_factory.mktemp("mask") / "square@first.png"
    picture = np.zeros(SIZE, np.uint8)
    picture[16:32, 10:26] = 255
    cv2.imwrite(str(path), picture)
    return path
