"""The annotator's whole flow in the real editor, in a real browser."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.e2e.conftest import FRAMES, LONG, Bench, MakeBench
from tests.e2e.editor import CHROMIUM, Editor, run_editor
from tests.e2e.label_studio import LabelStudio
from trackanything_core.types import Mask

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}"),
]

Point = tuple[float, float]

WIDTH, HEIGHT = 1280, 720
RIGHT_CUP = (918 / WIDTH, 416 / HEIGHT)
ABOVE_RIGHT_CUP = (960 / WIDTH, 330 / HEIGHT)
MIDDLE_CUP = (654 / WIDTH, 416 / HEIGHT)
# The editor may cut the lowest twentieth of the picture off.
EMPTY = (0.02, 0.88)


@pytest.fixture(scope="module")
def browser(label_studio: LabelStudio) -> Iterator[Editor]:
    with run_editor() as editor:
        editor.log_in(label_studio.url)
        yield editor


def at_work(browser: Editor, bench: Bench) -> Editor:
    """The editor with the bench's task."""
    browser.open(bench.label_studio.url, bench.project, bench.task)
    return browser


def mask_of(row: Mapping[str, Any]) -> Mask:
    png = base64.b64decode(row["value"]["imageDataURL"].partition(",")[2])
    picture = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    assert picture.shape == (row["original_height"], row["original_width"], 4)
    return np.asarray(picture[..., 3] > 127)


def masks(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mask]:
    """The masks among rows by region id, each id once."""
    found = [row for row in rows if row["type"] == "bitmasklabels"]
    by_id = {row["id"]: mask_of(row) for row in found}
    assert len(by_id) == len(found)
    return by_id


def same(first: Mapping[str, Mask], second: Mapping[str, Mask], names: Sequence[str]) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in names)


def names(label: str, frames: Sequence[int] | range) -> list[str]:
    return [f"{label}-f{frame}" for frame in frames]


def track(editor: Editor) -> list[dict[str, Any]]:
    """Click Track until an answer brings nothing new; one may be too short on a busy machine."""
    regions: list[dict[str, Any]] = []
    while True:
        answer = editor.click("Track", *EMPTY)
        assert answer.errors == []
        if not answer.regions:
            return regions
        regions += answer.regions


def saved(editor: Editor, bench: Bench) -> list[dict[str, Any]]:
    """The draft, once it is what the editor shows; it saves itself some seconds after a change."""
    shown = [(row["id"], row["origin"], row["value"]) for row in editor.rows()]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        draft = bench.label_studio.draft(bench.task)
        if [(row["id"], row["origin"], row["value"]) for row in draft] == shown:
            return draft
        time.sleep(0.5)
    raise AssertionError("the draft was not saved")


def test_a_click_a_negative_click_and_accept_give_one_mask(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench()
    editor = at_work(browser, bench)
    editor.auto_accept(False)
    (first,) = editor.click("Object 1", *RIGHT_CUP).regions
    editor.screenshot(artefacts / "a1-click.png")
    # The mask is pending, so that a click inside it counts.
    (second,) = editor.click("Object 1", *ABOVE_RIGHT_CUP, negative=True).regions
    assert (first["id"], second["id"]) == ("Object 1-f0", "Object 1-f0")
    assert mask_of(second).sum() < mask_of(first).sum()
    assert editor.suggestions() == 1
    editor.screenshot(artefacts / "a2-negative-click.png")
    editor.accept()
    (row,) = editor.masks(1)
    assert np.array_equal(mask_of(row), mask_of(second))
    assert row["value"]["bitmasklabels"] == ["Object 1"]
    # Nothing but the mask is left: the prompts are gone from the editor.
    assert editor.rows() == [row]
    assert [row["id"] for row in saved(editor, bench)] == ["Object 1-f0"]
    editor.screenshot(artefacts / "a3-accepted.png")


def test_track_gives_a_mask_on_each_of_sixty_frames(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench(LONG)
    editor = at_work(browser, bench)
    editor.click("Object 1", *RIGHT_CUP)
    editor.masks(1)
    started = time.monotonic()
    regions = editor.click("Track", *EMPTY).regions
    while len(regions) < LONG - 1:  # the rest of the work goes on, and comes with the next answer
        regions += editor.click("Track", *EMPTY).regions
    seconds = time.monotonic() - started
    rows = editor.masks(LONG)
    editor.screenshot(artefacts / "b1-track.png")
    editor.show_frame(LONG // 2)
    editor.screenshot(artefacts / "b2-middle.png")
    # What Label Studio waits for at most.
    assert seconds < 100
    assert len({region["id"] for region in regions}) == len(regions) == LONG - 1
    assert masks(rows).keys() == set(names("Object 1", range(LONG)))
    assert {tuple(row["value"]["bitmasklabels"]) for row in rows} == {("Object 1",)}
    assert [row["item_index"] for row in sorted(rows, key=lambda row: row["item_index"])] == list(
        range(LONG)
    )
    # Track again brings nothing, and doubles nothing.
    assert editor.click("Track", *EMPTY).regions == []
    editor.masks(LONG)


def test_two_labels_are_two_objects(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench()
    editor = at_work(browser, bench)
    editor.click("Object 1", *RIGHT_CUP)
    editor.click("Object 2", *MIDDLE_CUP)
    track(editor)
    rows = editor.masks(2 * FRAMES)
    editor.screenshot(artefacts / "c1-two-labels.png")
    for label in ("Object 1", "Object 2"):
        mine = [row for row in rows if row["value"]["bitmasklabels"] == [label]]
        assert masks(mine).keys() == set(names(label, range(FRAMES)))


def test_one_label_may_have_many_objects(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench(extra_params='{"objects": "many"}')
    editor = at_work(browser, bench)
    editor.click("Object 1", *RIGHT_CUP)
    editor.click("Object 1", *MIDDLE_CUP)
    track(editor)
    rows = editor.masks(2 * FRAMES)
    editor.screenshot(artefacts / "c2-many.png")
    assert {tuple(row["value"]["bitmasklabels"]) for row in rows} == {("Object 1",)}
    found = masks(rows)
    assert found.keys() == {
        *names("Object 1", range(FRAMES)),
        *names("Object 1 2", range(FRAMES)),
    }
    # Where a human's clicks say so, two objects may share pixels; elsewhere never.
    for frame in range(1, FRAMES):
        assert not (found[f"Object 1-f{frame}"] & found[f"Object 1 2-f{frame}"]).any()


def test_what_is_painted_is_kept_and_only_the_spans_beside_an_edit_change(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench()
    editor = at_work(browser, bench)
    editor.click("Object 1", *RIGHT_CUP)
    track(editor)
    before = masks(editor.masks(FRAMES))

    # Paint on frame 8, with the editor's own brush and a real mouse.
    editor.show_frame(8)
    editor.select("Object 1-f8")
    editor.choose_tool("mask", "BitmaskTool")
    editor.drag((0.62, 0.80), (0.72, 0.84), (0.82, 0.80))
    draft = saved(editor, bench)
    editor.unselect()
    editor.screenshot(artefacts / "e1-painted.png")
    by_hand = masks(editor.masks(FRAMES))
    assert by_hand["Object 1-f8"].sum() > before["Object 1-f8"].sum()
    origins = {row["id"]: row["origin"] for row in draft}
    assert origins["Object 1-f8"] == "prediction-changed"

    # The painted mask is an anchor: its neighbours follow it, and it is not sent back.
    editor.choose_smart_tool()
    answered = {region["id"] for region in track(editor)}
    after = masks(editor.masks(FRAMES))
    editor.show_frame(9)
    editor.screenshot(artefacts / "e2-followed.png")
    assert "Object 1-f8" not in answered
    assert same(by_hand, after, ["Object 1-f0", "Object 1-f8"])
    assert not np.array_equal(after["Object 1-f9"], before["Object 1-f9"])

    # Correct frame 4 by a click outside its mask: the spans beside it end at frames 0 and 8.
    editor.show_frame(4)
    (region, *_) = editor.click("Object 1", *MIDDLE_CUP).regions
    assert region["id"] == "Object 1-f4"
    editor.screenshot(artefacts / "d1-corrected.png")
    answered = {region["id"] for region in track(editor)}
    corrected = masks(editor.masks(FRAMES))
    editor.screenshot(artefacts / "d2-tracked.png")
    assert answered
    assert answered <= set(names("Object 1", [1, 2, 3, 5, 6, 7]))
    assert same(after, corrected, names("Object 1", [0, 8, 9, 10, 11]))
    assert np.array_equal(corrected["Object 1-f4"], mask_of(region))


def test_forget_and_next(make_bench: MakeBench, browser: Editor, artefacts: Path) -> None:
    bench = make_bench()
    editor = at_work(browser, bench)
    editor.click("Object 1", *RIGHT_CUP)
    editor.click("Object 2", *MIDDLE_CUP)
    track(editor)
    editor.masks(2 * FRAMES)
    answer = editor.click("Next", *EMPTY)
    (mark,) = answer.regions
    assert mark["id"] == "next"
    assert "please check" in mark["meta"]["text"][0]
    # Choosing the mark in the list of regions leads to its frame.
    editor.select("next")
    editor.screenshot(artefacts / "n1-next.png")
    assert editor.frame() == mark["item_index"]
    editor.unselect()
    editor.show_frame(0)
    # The editor keeps clicks on an accepted mask to itself; close beside it will do.
    answer = editor.click("Forget", RIGHT_CUP[0] + 0.07, RIGHT_CUP[1])
    forgotten = [region for region in answer.regions if region["id"].startswith("Object 1-f")]
    assert masks(forgotten).keys() == set(names("Object 1", range(FRAMES)))
    assert not any(mask_of(region).any() for region in forgotten)
    left = {name for name, mask in masks(editor.masks(2 * FRAMES)).items() if mask.any()}
    assert left == set(names("Object 2", range(FRAMES)))
    editor.screenshot(artefacts / "n2-forgotten.png")


def test_a_submitted_annotation_is_completed_by_a_prediction(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench()
    editor = at_work(browser, bench)
    editor.click("Object 1", *RIGHT_CUP)
    editor.masks(1)
    editor.submit()
    (annotated,) = bench.label_studio.annotation(bench.task)
    prediction = completed(bench)
    assert masks(prediction["result"]).keys() == set(names("Object 1", range(FRAMES)))
    assert np.array_equal(masks(prediction["result"])["Object 1-f0"], mask_of(annotated))
    assert prediction["model_version"].startswith("trackanything-")
    assert 0 < prediction["score"] <= 1
    editor.reload()
    assert editor.predictions() == 1
    assert "Tracked on submit" in editor.prediction_note()
    editor.show_prediction()
    editor.screenshot(artefacts / "f1-prediction.png")
    # Submitted again, the prediction is replaced.
    bench.label_studio.touch(bench.task)
    again = completed(bench, than=prediction["id"])
    assert again["result"][0]["meta"]["text"] == prediction["result"][0]["meta"]["text"]


def completed(bench: Bench, than: int = 0) -> dict[str, Any]:
    """The one prediction of the task, once there is one that is newer."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = bench.label_studio.predictions(bench.task)
        if len(found) == 1 and found[0]["id"] > than:
            return found[0]
        time.sleep(0.5)
    raise AssertionError(f"no prediction: {bench.backend.problems()}")


def test_an_error_is_nothing_to_the_editor_and_shows_in_the_status(
    make_bench: MakeBench, browser: Editor, artefacts: Path
) -> None:
    bench = make_bench()
    editor = at_work(browser, bench)
    answer = editor.click("Track", *EMPTY)
    editor.screenshot(artefacts / "h1-error.png")
    assert answer.regions == []
    assert "400" in answer.errors[0]
    problem = bench.backend.problems()[0]
    assert "prompt an object first" in problem["message"]
    assert f"task {bench.task}" in problem["where"]
