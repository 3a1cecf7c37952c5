"""Each ready configuration in the real editor, with a picture of it for its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_backend.project.templates import read_template
from tests.e2e.backend import Backend
from tests.e2e.editor import CHROMIUM, Editor, run_editor, run_video_editor
from tests.e2e.label_studio import LabelStudio

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}"),
]

CUP = (918 / 1280, 416 / 720)
FRAMES = 4


@pytest.fixture
def browser(label_studio: LabelStudio) -> Iterator[Editor]:
    with run_editor() as editor:
        editor.log_in(label_studio.url)
        yield editor


@pytest.mark.parametrize(
    ("template", "kind"), [("frames-bitmask", "bitmasklabels"), ("frames-brush", "brushlabels")]
)
def test_a_click_gives_a_mask(
    label_studio: LabelStudio,
    backend: Backend,
    pictures: list[Path],
    browser: Editor,
    artefacts: Path,
    template: str,
    kind: str,
) -> None:
    project = label_studio.create_project(template, read_template(template), backend.url)
    task = label_studio.import_frames(project, pictures[:FRAMES])
    browser.open(label_studio.url, project, task)
    answer = browser.click("Object 1", *CUP)
    browser.screenshot(artefacts / f"template-{template}.png")
    assert answer.errors == []
    assert [region["type"] for region in answer.regions] == [kind]


def test_a_box_gives_a_mask(
    label_studio: LabelStudio,
    backend: Backend,
    pictures: list[Path],
    browser: Editor,
    artefacts: Path,
) -> None:
    template = "frames-bitmask-box"
    project = label_studio.create_project(template, read_template(template), backend.url)
    task = label_studio.import_frames(project, pictures[:FRAMES])
    browser.open(label_studio.url, project, task, tool="RectangleTool-dynamic")
    browser.choose_label("Object 1")
    browser.drag((0.63, 0.35), (0.80, 0.80))
    (row,) = browser.masks(1)
    browser.screenshot(artefacts / f"template-{template}.png")
    assert row["value"]["bitmasklabels"] == ["Object 1"]


@pytest.mark.parametrize("template", ["video-boxes", "video-vectors"])
def test_a_video_opens(
    label_studio: LabelStudio,
    backend: Backend,
    data_dir: Path,
    artefacts: Path,
    template: str,
) -> None:
    project = label_studio.create_project(template, read_template(template), backend.url)
    task = label_studio.import_video(project, data_dir / "clips" / "02_cups.mp4")
    with run_video_editor() as editor:
        editor.log_in(label_studio.url)
        editor.show(label_studio.url, project, task)
        editor.screenshot(artefacts / f"template-{template}.png")
        # The editor of 1.23 has no outlines on videos, and says so in place of the task.
        assert editor.can_open() == (template == "video-boxes")
