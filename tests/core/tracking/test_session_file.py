from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.tracking.editing import all_masks, assert_same, finish
from tests.fakes import FakePropagators, FakeSegmenter, FakeSource, TelltalePropagators
from trackanything_core.errors import PromptError, SessionFileError
from trackanything_core.tracking.session import Session
from trackanything_core.types import Mask, Prompt

SIZE = (6, 8)


def mask_at(left: int) -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[1:4, left : left + 3] = True
    return mask


def half_done() -> Session:
    """Two objects, one of them stale in part, a removed third one, and a cut."""
    session = Session(FakeSource(12, SIZE), FakeSegmenter(), TelltalePropagators(), cuts=[9])
    for name, frame in [("cat", 2), ("dog", 6), ("hen", 4), ("hen", 10)]:
        session.prompt(Prompt(name, frame, mask=mask_at(frame % 5)))
    finish(session)
    session.remove("hen")
    session.prompt(Prompt("cat", 5, mask=np.zeros(SIZE, bool)))
    work = session.propagate()
    for _ in range(3):
        next(work)
    return session


def load(path: Path, frames: int = 12, size: tuple[int, int] = SIZE) -> Session:
    return Session.load(path, FakeSource(frames, size), FakeSegmenter(), TelltalePropagators())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "work.session"
    half_done().save(path)
    return path


def test_a_loaded_session_is_the_saved_one_and_goes_on_alike(saved: Path) -> None:
    session, loaded = half_done(), load(saved)
    for _ in range(2):
        assert loaded.objects == session.objects
        assert loaded.anchors == session.anchors
        assert loaded.stale() == session.stale()
        for frame in range(12):
            assert loaded.frame_masks(frame).scores == session.frame_masks(frame).scores
        assert_same(all_masks(loaded), all_masks(session))
        finish(session)
        finish(loaded)


def test_an_object_that_was_removed_comes_back_after_loading_too(saved: Path) -> None:
    loaded = load(saved)
    stale = loaded.stale()
    for frame in (4, 10):
        loaded.prompt(Prompt("hen", frame, mask=mask_at(frame % 5)))
    assert loaded.stale() == stale


def test_saving_again_gives_the_same_file(saved: Path, tmp_path: Path) -> None:
    load(saved).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_a_save_that_fails_leaves_the_older_file(saved: Path, tmp_path: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(OSError, match=r"work\.session"):
        half_done().save(saved / "below")
    assert saved.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["work.session"]


def rewrite(path: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(gzip.decompress(path.read_bytes()))
    change(document)
    path.write_bytes(gzip.compress(json.dumps(document).encode()))


def without_recalls(document: dict) -> None:
    document["version"] = 1
    for packed in document["objects"]:
        for span in packed["spans"]:
            assert span.pop("recalls") == [] or span["before"] is None is span["after"]


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    session = Session(FakeSource(12, SIZE), FakeSegmenter(), TelltalePropagators(), cuts=[9])
    session.prompt(Prompt("cat", 2, mask=mask_at(2)))
    list(session.propagate(stop=9))
    path = tmp_path / "old.session"
    session.save(path)
    rewrite(path, without_recalls)
    assert_same(all_masks(load(path)), all_masks(session))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=3, new_field=1), r"newer version .* \(format 3, .* up to 2\)"),
        (lambda d: d.update(version=0), "damaged"),
        (lambda d: d.pop("cuts"), "damaged"),
        (lambda d: d["objects"][0]["spans"].clear(), "damaged"),
        (lambda d: d["objects"][0]["anchors"][0].__setitem__(1, "00"), "damaged"),
    ],
    ids=["newer", "no such version", "field missing", "span missing", "mask damaged"],
)
def test_a_file_that_says_something_else_is_refused(
    saved: Path, change: Callable[[dict], object], message: str
) -> None:
    rewrite(saved, change)
    with pytest.raises(SessionFileError, match=message):
        load(saved)


def test_a_missing_file_and_one_of_another_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match=r"none\.session: check the path"):
        load(tmp_path / "none.session")
    (tmp_path / "text").write_text("a letter")
    with pytest.raises(SessionFileError, match="text is none or is damaged"):
        load(tmp_path / "text")


def test_a_session_of_another_video_is_refused(saved: Path) -> None:
    with pytest.raises(SessionFileError, match="12 frames of 8x6 pixels, this one has 13 frames"):
        load(saved, frames=13)
    with pytest.raises(SessionFileError, match="this one has 12 frames of 6x8 pixels"):
        load(saved, size=(8, 6))


@pytest.mark.property
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused(saved: Path, data: st.DataObject) -> None:
    whole = saved.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1), "cut")
    flipped = bytearray(whole)
    # The first ten bytes are gzip's header, some of which means nothing.
    flipped[data.draw(st.integers(10, len(whole) - 1), "flipped")] ^= 1 << data.draw(
        st.integers(0, 7), "bit"
    )
    for content in (whole[:cut], bytes(flipped)):
        saved.write_bytes(content)
        with pytest.raises(SessionFileError, match="damaged"):
            load(saved)
    saved.write_bytes(whole)


def test_after_bad_input_and_a_cancel_the_session_goes_on_and_its_file_loads(
    tmp_path: Path,
) -> None:
    size, inside = (24, 32), np.zeros((24, 32), bool)
    inside[4:10, 4:10] = True
    parts = FakeSource(12, size), FakeSegmenter(), FakePropagators()
    session = Session(*parts)
    session.add(Prompt("cat", 3, mask=inside))
    for add, prompt in [
        (False, Prompt("cat", 4, mask=inside[1:])),
        (False, Prompt("cat", 12, mask=inside)),
        (True, Prompt("cat", 5, mask=inside)),
    ]:
        with pytest.raises(PromptError):
            (session.add if add else session.prompt)(prompt)
    asked = iter([False, False, False, True])
    assert len(list(session.propagate(cancelled=lambda: next(asked)))) == 3
    path = tmp_path / "session"
    session.save(path)
    loaded = Session.load(path, *parts)
    assert loaded.anchors == session.anchors == {"cat": (3,)}
    assert loaded.stale() == session.stale() != {}
    for each in (session, loaded):
        list(each.propagate())
        assert each.stale() == {}
    for frame in range(12):
        np.testing.assert_array_equal(session.mask(frame, "cat"), loaded.mask(frame, "cat"))
