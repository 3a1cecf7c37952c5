"""One Label Studio, one backend and one task for all end-to-end tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from tests.e2e.backend import Backend, run_backend
from tests.e2e.label_studio import LabelStudio, run_label_studio
from tests.folders import ROOT
from trackanything_core.video.open import open_source

FRAMES = 12
LONG = 60
CLIP = "02_cups.mp4"


@dataclass(frozen=True)
class Bench:
    """A task in a project that has the backend.

    Attributes:
        size: (height, width) of the frames in pixels.
    """

    label_studio: LabelStudio
    backend: Backend
    project: int
    task: int
    size: tuple[int, int]

    @property
    def backend_url(self) -> str:
        return self.backend.url


MakeBench = Callable[..., Bench]


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where screenshots go."""
    folder = ROOT / os.environ.get("TRACKANYTHING_ARTEFACTS", "out/e2e")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def pictures(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first frames of a real clip, as JPEG files."""
    folder = tmp_path_factory.mktemp("frames")
    paths = []
    with open_source(data_dir / "clips" / CLIP) as source:
        for frame, image in source.iterate(0, LONG):
            paths.append(folder / f"{frame:05}.jpg")
            cv2.imwrite(str(paths[-1]), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return paths


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with run_label_studio(tmp_path_factory.mktemp("label-studio")) as running:
        yield running


@pytest.fixture(scope="session")
def backend(
    label_studio: LabelStudio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("backend")
    with run_backend(folder, label_studio, track_on_submit="true") as running:
        yield running


@pytest.fixture(scope="session")
def make_bench(label_studio: LabelStudio, backend: Backend, pictures: list[Path]) -> MakeBench:
    """Makes a fresh project with one task."""

    def make(frames: int = FRAMES, **connection: object) -> Bench:
        xml = (ROOT / "label_config" / "frames-bitmask.xml").read_text()
        project = label_studio.create_project("frames", xml, backend.url, **connection)
        task = label_studio.import_frames(project, pictures[:frames])
        with open_source(pictures[:1]) as source:
            return Bench(label_studio, backend, project, task, source.size)

    return make


@pytest.fixture(scope="module")
def bench(make_bench: MakeBench) -> Bench:
    """A fresh project and task for each file of tests."""
    return make_bench()
