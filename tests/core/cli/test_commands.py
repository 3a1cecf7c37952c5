from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.core.cli.conftest import FRAMES, SIZE
from trackanything_core.cli.main import create_app, run
from trackanything_core.masks.palette import read_indexed_png
from trackanything_core.masks.rle import decode_rle
from trackanything_core.video.open import open_source


def trackanything(*arguments: object) -> int:
    return run(create_app(), [str(argument) for argument in arguments])


def test_track_leaves_one_mask_for_each_frame(
    clip: Path, mask: Path, untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    prompts = ["--object", "square", "--mask", f"{mask}@1", "--object", "all", "--mask", mask]
    assert trackanything("track", clip, *prompts, "--out", out, "--json", *untrained) == 0
    printed = capfd.readouterr().out
    summary = json.loads(printed)
    assert printed.count("\n") == 1
    assert summary == json.loads((out / "summary.json").read_text())
    assert (summary["frames"], summary["height"], summary["width"]) == (FRAMES, *SIZE)
    assert [(found["id"], found["anchors"]) for found in summary["objects"]] == [
        ("square", [1]),
        ("all", [0]),
    ]
    expected = np.zeros(SIZE, bool)
    expected[16:32, 10:26] = True
    maps = [read_indexed_png(path) for path in sorted((out / "masks").iterdir())]
    assert len(maps) == FRAMES
    np.testing.assert_array_equal(maps[1] == 1, expected)
    np.testing.assert_array_equal(maps[0] == 2, expected)
    coco = json.loads((out / "masks.json").read_text())
    assert coco["frames"] == FRAMES
    for row in coco["annotations"]:
        number = 1 + ["square", "all"].index(row["object"])
        np.testing.assert_array_equal(decode_rle(row["segmentation"]), maps[row["frame"]] == number)
    with open_source(out / "overlay.mp4") as overlay:
        assert (len(overlay), overlay.size) == (FRAMES, SIZE)


def test_track_shows_a_table_and_asks_before_it_replaces(
    clip: Path, mask: Path, untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["track", clip, "--mask", mask, "--out", tmp_path / "out", *untrained]
    assert trackanything(*arguments) == 0
    assert "frames in sight" in capfd.readouterr().out
    assert trackanything(*arguments) == 2
    assert "exists already" in capfd.readouterr().err
    assert trackanything(*arguments, "--overwrite") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_track_carries_nothing_over_a_cut(
    two_shots: Path, mask: Path, untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    arguments = ["track", two_shots, "--mask", mask, "--overwrite", "--out", tmp_path / "out"]
    assert trackanything(*arguments, "--json", *untrained) == 0
    assert json.loads(capfd.readouterr().out)["cuts"] == [8]
    maps = [read_indexed_png(path) for path in sorted((tmp_path / "out" / "masks").iterdir())]
    assert [picture.any() for picture in maps[:1] + maps[8:]] == [True] + [False] * 8
    assert trackanything(*arguments, *untrained) == 0
    assert "New shots begin at frames 8." in capfd.readouterr().out
    assert trackanything(*arguments, "--cuts", "none", "--json", *untrained) == 0
    assert json.loads(capfd.readouterr().out)["cuts"] == []


def test_bad_input_is_one_line_and_leaves_nothing(
    clip: Path, mask: Path, untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video\n" * 100)
    truncated = tmp_path / "truncated.safetensors"
    truncated.write_bytes(Path(untrained[1]).read_bytes()[:50_000])
    half = tmp_path / "half.pth"
    torch.save({"a": torch.zeros(5000)}, half)
    half.write_bytes(half.read_bytes()[:9000])
    other = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3, 3)}, other)
    before = set(tmp_path.rglob("*"))
    good = ["--mask", mask]
    cases: list[tuple[list[object], str]] = [
        ([tmp_path / "missing.mp4", *good], "missing.mp4"),
        ([text, *good], "text.mp4"),
        ([clip], "expected a prompt"),
        ([clip, "--click", "64,5"], "outside the picture of 64x48"),
        ([clip, "--click", "5,5@1000000000"], "frame 1000000000 is beyond the video"),
        ([clip, "--click", "here"], "expected --click X,Y"),
        ([clip, *good, "--segmenter-weights", truncated], "truncated.safetensors"),
        ([clip, *good, "--propagator-weights", half], "half.pth"),
        ([clip, *good, "--propagator-weights", other], "other.pth"),
        ([clip, *good, "--propagator-weights", untrained[1]], "sam.safetensors"),
        ([clip, *good, "--segmenter-weights", untrained[3]], "xmem.safetensors"),
        ([clip, *good, "--segmenter", "sam_vit_b", "--segmenter-weights", other], "other.pth"),
        ([clip, *good, "--segmenter", "nonsense"], "nonsense"),
        ([clip, *good, "--device", "abacus"], "abacus"),
    ]
    for arguments, words in cases:
        code = trackanything("track", *untrained, *arguments, "--out", tmp_path / "new" / "out")
        captured = capfd.readouterr()
        assert code == 2, words
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
        assert words in captured.err
        assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(
    mask: Path, untrained: list[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for frame in range(2000):
        Image.new("RGB", SIZE[::-1]).save(frames / f"{frame}.png")
    before = set(tmp_path.iterdir())
    program = [Path(sys.executable).parent / "trackanything", "track", frames, "--mask", mask]
    arguments = [str(word) for word in [*program, *untrained, "--out", tmp_path / "new" / "out"]]
    with subprocess.Popen(
        arguments,
        stderr=subprocess.PIPE,
        # What a shell puts into the background ignores SIGINT, and so do the children of that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "new").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(3)  # into the loop over the frames
        os.kill(process.pid, number)
        assert process.wait(30) == code
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert set(tmp_path.iterdir()) == before


def write_still(root: Path) -> None:
    """A data set of one sequence in which nothing moves."""
    images = root / "JPEGImages" / "480p" / "still"
    annotations = root / "Annotations" / "480p" / "still"
    images.mkdir(parents=True)
    annotations.mkdir(parents=True)
    truth = np.zeros(SIZE, bool)
    truth[16:32, 10:26] = True
    picture = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    for frame in range(4):
        Image.fromarray(picture).save(images / f"{frame:05d}.jpg")
        Image.fromarray(truth).convert("L").save(annotations / f"{frame:05d}.png")


def test_evaluate_compares_with_the_baseline(
    untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_still(tmp_path)
    assert trackanything("evaluate", tmp_path, "--baseline", "flow", "--json", *untrained) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["init"], report["clicks"]) == ("mask", None)
    assert set(report["results"]) == {"ours", "flow"}
    assert report["results"]["flow"]["mean"] == {"J": 1.0, "F": 1.0, "J&F": 1.0}
    (ours,) = report["results"]["ours"]["sequences"]
    assert (ours["name"], ours["frames"], ours["objects"][0]["first_iou"]) == ("still", 4, 1.0)
    assert 0 <= ours["J"] <= 1
    arguments = ["evaluate", tmp_path, "--init", "click", "--clicks", 2, "--sequence", "still"]
    assert trackanything(*arguments, *untrained) == 0
    assert "still" in capfd.readouterr().out
    assert trackanything("evaluate", tmp_path / "JPEGImages") == 2
    assert "laid out like DAVIS" in capfd.readouterr().err


def test_evaluate_says_what_refinement_brings(
    untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_still(tmp_path)
    assert trackanything("evaluate", tmp_path, "--refine", "on,off", "--json", *untrained) == 0
    report = json.loads(capfd.readouterr().out)
    found = report["refinement"]
    on, off = (report["results"][name]["mean"]["J&F"] for name in ("ours", "unrefined"))
    assert found["J&F"] == [on, off]
    assert found["gains"] == {"still": pytest.approx(on - off)}
    assert found["worst"] == pytest.approx(on - off)
    assert 0 <= found["share_refined"] <= 1
    assert report["results"]["unrefined"]["sequences"][0]["share_refined"] == 0
    assert trackanything("evaluate", tmp_path, "--refine", "off", "--json", *untrained) == 0
    alone = json.loads(capfd.readouterr().out)["results"]
    assert list(alone) == ["ours"]
    assert alone["ours"]["mean"]["J&F"] == off


def test_evaluate_of_a_test_set_writes_masks_only(
    untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_still(tmp_path)
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "test-dev.txt").write_text("still\n")
    for annotation in sorted((tmp_path / "Annotations" / "480p" / "still").iterdir())[1:]:
        annotation.unlink()
    arguments = ["evaluate", tmp_path, "--image-set", "2017/test-dev", *untrained]
    assert trackanything(*arguments) == 2
    assert "--masks" in capfd.readouterr().err
    out = tmp_path / "out"
    assert trackanything(*arguments, "--masks", out, "--json") == 0
    results = json.loads(capfd.readouterr().out)["results"]["ours"]
    assert results["mean"] == {}
    assert results["sequences"][0]["objects"] == []
    assert len(list((out / "still").iterdir())) == 4
    assert trackanything(*arguments, "--masks", out) == 0
    assert "still" in capfd.readouterr().out


def test_evaluate_counts_human_effort(
    untrained: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_still(tmp_path)
    plot = tmp_path / "out" / "effort.png"
    arguments = ["evaluate", tmp_path, "--interactive", 2, *untrained]
    assert trackanything(*arguments, "--clicks", 2, "--json", "--plot", plot) == 0
    report = json.loads(capfd.readouterr().out)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert (report["budget"], report["annotator"]["clicks"], report["refine"]) == (2, 2, True)
    assert list(report["policies"]) == ["suggest", "uniform", "random"]
    for policy, runs in zip(report["policies"].values(), (1, 1, 3), strict=True):
        assert len(policy["runs"]) == runs
        assert len(policy["J&F"]) == len(policy["clicks"]) == 3
        assert 0 <= policy["area"] <= 1
        for rounds in policy["runs"]:
            assert (rounds["sequence"], rounds["frames"][0], rounds["clicks"][0]) == ("still", 0, 0)
            assert len(rounds["frames"]) == len(set(rounds["frames"])) == len(rounds["J&F"])
    assert [len(run["frames"]) for run in report["policies"]["random"]["runs"]] == [3, 3, 3]
    assert trackanything(*arguments, "--init", "click", "--refine", "off") == 0
    assert "area" in capfd.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ["--plot", "x.png"],
        ["--interactive", 0],
        ["--interactive", 1, "--baseline", "flow"],
        ["--interactive", 1, "--masks", "out"],
        ["--interactive", 1, "--refine", "on,off"],
    ],
)
def test_evaluate_refuses_options_that_do_not_go_together(
    options: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_still(tmp_path)
    assert trackanything("evaluate", tmp_path, *options) == 2
    assert "--" in capfd.readouterr().err


def test_doctor_tells_machines_what_works(capfd: pytest.CaptureFixture[str]) -> None:
    code = trackanything("doctor", "--json")
    report = json.loads(capfd.readouterr().out)
    assert code == (0 if report["healthy"] else 1)
    status = {check["name"]: check["status"] for check in report["checks"]}
    assert status["video"] == status["device"] == "ok"
    assert all(check["advice"] for check in report["checks"] if check["status"] != "ok")
