"""What a human says and paints becomes anchors of a real session; the networks are discs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ml_backend.answers import Window, find_news, places_of
from ml_backend.editor_notes import EditorNotes
from ml_backend.hand_work import places_by_hand
from ml_backend.mask_rows import digest_of
from ml_backend.prompts import read_interaction
from ml_backend.regions import Region
from ml_backend.session_editor import SessionEditor
from tests.ml_backend.configs import bitmask_config
from tests.ml_backend.fakes import SIZE, DiscSegmenter, StillPropagators, disc
from tests.ml_backend.requests import click
from tests.ml_backend.rows import answered, changed, masks_of, painted
from tests.ml_backend.test_regions import read_png
from trackanything_core.errors import PromptError
from trackanything_core.tracking.session import Session
from trackanything_core.types import Mask
from trackanything_core.video.images import ImageList

FRAMES = 6
CONFIG = bitmask_config()
EMPTY = np.zeros(SIZE, np.bool_)


class Desk:
    """A session and the notes on its editor, asked as requests ask."""

    def __init__(self, source: Any, *, many: bool = False, first_frame: int = 0) -> None:
        self.session = Session(source, DiscSegmenter(), StillPropagators())
        self.notes = EditorNotes()
        self.many = many
        self.window = Window(first_frame, FRAMES - first_frame, SIZE)
        self.now = 0.0

    def ask(
        self,
        *rows: dict[str, Any],
        work: str = "draft 1",
        draft: list[dict[str, Any]] | None = None,
        forget: bool = False,
        delivered: bool = True,
    ) -> dict[str, Mask]:
        """The masks of the answer to a request, by region id."""
        self.now += 60
        editor = SessionEditor(
            self.session, self.notes, many=self.many, first_frame=self.window.first
        )
        shown = self.shown if draft is None else draft
        mask_rows = masks_of(*shown)
        notes = editor.open_work(work, mask_rows, saved=0.0, now=self.now)
        asked = read_interaction(rows, CONFIG) if rows else None
        place = None
        if asked is not None and self.notes.prompts.repeats(asked):
            notes.take_back()
        if asked is not None and forget:
            editor.forget(asked)
        elif asked is not None:
            place = editor.click(asked, notes)
        news = find_news(
            editor.touched | places_of(notes, self.session.objects, self.notes.names, self.window),
            notes,
            CONFIG,
            self.window,
            self.notes.names,
            self.session.frame_masks,
            by_hand=places_by_hand(mask_rows, notes, self.notes.names, self.window.first),
            asked=place,
        )
        if delivered:
            notes.give(news.digests, mark=0, time=self.now)
            self.accept(news.regions)
        return {r["id"]: read_png(r["value"]["imageDataURL"])[..., 3] > 0 for r in news.regions}

    shown: list[dict[str, Any]]

    def mask(self, frame: int, name: str) -> Mask:
        """The mask of an object that is known."""
        found = self.session.mask(frame, name)
        assert found is not None
        return found

    def accept(self, regions: list[Region]) -> None:
        """What the editor does with an answer."""
        new = {region["id"] for region in regions}
        self.shown = [row for row in self.shown if row["id"] not in new] + regions

    def track(self) -> None:
        """Compute what is stale and give it to the editor."""
        for _ in self.session.propagate():
            pass
        rows = [
            answered(name, frame - self.window.first, self.session.frame_masks(frame).masks[name])
            for name in self.session.objects
            for frame in self.window.frames
        ]
        self.accept(rows)
        for work in self.notes.works.values():
            work.give({row.id: digest_of(row.decode()) for row in masks_of(*rows)}, 0, self.now)


@pytest.fixture
def source(tmp_path):
    import cv2

    paths = [tmp_path / f"{k}.png" for k in range(FRAMES)]
    for path in paths:
        cv2.imwrite(str(path), np.zeros((*SIZE, 3), np.uint8))
    with ImageList(paths) as images:
        yield images


@pytest.fixture
def desk(source) -> Desk:
    found = Desk(source)
    found.shown = []
    return found


@pytest.fixture
def many(source) -> Desk:
    found = Desk(source, many=True)
    found.shown = []
    return found


def test_a_click_answers_its_own_frame(desk: Desk) -> None:
    answer = desk.ask(click(10, 12, frame=4))
    assert answer.keys() == {"Cat-f4"}
    assert np.array_equal(answer["Cat-f4"], disc(10, 12))


def test_two_labels_are_two_objects(desk: Desk) -> None:
    desk.ask(click(10, 12))
    assert desk.ask(click(50, 20, label="Dog")).keys() == {"Dog-f0"}
    assert desk.session.objects == ("Cat", "Dog")


def test_one_object_per_label_takes_all_clicks(desk: Desk) -> None:
    desk.ask(click(10, 12))
    answer = desk.ask(click(50, 20))
    assert np.array_equal(answer["Cat-f0"], disc(10, 12) | disc(50, 20))


def test_many_objects_per_label_take_the_clicks_on_themselves(many: Desk) -> None:
    many.ask(click(10, 12))
    assert many.ask(click(50, 20)).keys() == {"Cat 2-f0"}
    answer = many.ask(click(12, 12))
    assert np.array_equal(answer["Cat-f0"], disc(10, 12) | disc(12, 12))
    assert many.notes.names == {"Cat": "Cat", "Cat 2": "Cat"}


def test_clicks_that_come_together_are_read_one_after_the_other(many: Desk) -> None:
    """As when the answers to the first ones were dropped for a newer one."""
    first, second, third = click(10, 12), click(50, 20), click(52, 20)
    answer = many.ask(first, second, third)
    assert many.session.objects == ("Cat", "Cat 2")
    assert np.array_equal(answer["Cat 2-f0"], disc(50, 20) | disc(52, 20))


def test_an_answer_that_was_not_taken_comes_again_with_the_next(many: Desk) -> None:
    first = click(10, 12)
    many.ask(first, delivered=False)
    assert many.ask(first, click(50, 20)).keys() == {"Cat-f0", "Cat 2-f0"}


def test_suggestions_that_are_still_pending_come_again_with_the_next(many: Desk) -> None:
    first = click(10, 12)
    many.ask(first)
    many.shown = []  # pending suggestions are in no draft
    assert many.ask(first, click(50, 20)).keys() == {"Cat-f0", "Cat 2-f0"}


def test_a_click_with_a_region_selected_is_about_the_nearest_of_that_label(many: Desk) -> None:
    many.ask(click(10, 12))
    many.ask(click(50, 20))
    row = click(40, 20, positive=True)
    twin = {**row, "from_name": "mask", "type": "bitmasklabels"}
    answer = many.ask(row, twin)
    assert np.array_equal(answer["Cat 2-f0"], disc(50, 20) | disc(40, 20))


def test_a_painted_mask_is_an_anchor_and_is_not_sent_back(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    edited = disc(10, 12) | disc(30, 20)
    draft = [changed("Cat", 3, edited) if r["id"] == "Cat-f3" else r for r in desk.shown]
    assert desk.ask(click(50, 20, frame=5, label="Dog"), draft=draft).keys() == {"Dog-f5"}
    assert set(desk.session.anchors["Cat"]) == {0, 3}
    assert np.array_equal(desk.mask(3, "Cat"), edited)


def test_a_click_on_a_painted_mask_starts_from_it_and_is_answered(desk: Desk) -> None:
    desk.ask(click(10, 12))
    edited = disc(30, 20)
    draft = [changed("Cat", 0, edited)]
    answer = desk.ask(click(32, 20, positive=False), draft=draft)
    assert np.array_equal(answer["Cat-f0"], edited & ~disc(32, 20))
    # The draft lags: it still shows the mask of before the click, which is old news.
    assert desk.ask(click(50, 20, label="Dog"), draft=draft).keys() == {"Dog-f0"}
    assert np.array_equal(desk.mask(0, "Cat"), edited & ~disc(32, 20))


def test_a_region_painted_from_nothing_is_an_object(desk: Desk) -> None:
    draft = [painted("x", "Dog", 2, disc(30, 20))]
    assert desk.ask(click(10, 12), draft=draft).keys() == {"Cat-f0"}
    assert desk.session.anchors == {"Dog": (2,), "Cat": (0,)}
    assert np.array_equal(desk.mask(2, "Dog"), disc(30, 20))


def test_a_click_on_a_region_painted_from_nothing_moves_it_into_ours(desk: Desk) -> None:
    draft = [painted("x", "Dog", 2, disc(30, 20))]
    answer = desk.ask(click(32, 20, frame=2, label="Dog", positive=False), draft=draft)
    assert answer.keys() == {"Dog-f2", "x"}
    assert np.array_equal(answer["Dog-f2"], disc(30, 20) & ~disc(32, 20))
    assert not answer["x"].any()


def test_what_is_painted_beside_a_mask_adds_to_it(desk: Desk) -> None:
    desk.ask(click(10, 12))
    draft = [*desk.shown, painted("x", "Cat", 0, disc(30, 20))]
    desk.ask(click(50, 20, label="Dog"), draft=draft)
    assert np.array_equal(desk.mask(0, "Cat"), disc(10, 12) | disc(30, 20))


def test_what_is_painted_elsewhere_is_a_new_object_where_there_may_be_many(many: Desk) -> None:
    many.ask(click(10, 12))
    draft = [*many.shown, painted("x", "Cat", 0, disc(30, 20))]
    many.ask(click(50, 20, label="Dog"), draft=draft)
    assert many.session.objects == ("Cat", "Cat 2", "Dog")
    assert np.array_equal(many.mask(0, "Cat 2"), disc(30, 20))


def test_a_change_that_was_undone_is_no_anchor_any_more(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    plain = list(desk.shown)
    draft = [changed("Cat", 3, disc(30, 20)) if r["id"] == "Cat-f3" else r for r in plain]
    desk.ask(click(50, 20, label="Dog"), draft=draft)
    assert set(desk.session.anchors["Cat"]) == {0, 3}
    desk.ask(click(52, 20, label="Dog"), draft=plain)
    assert desk.session.anchors["Cat"] == (0,)


def test_a_deleted_region_says_that_the_object_is_not_there(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    desk.ask(click(50, 20, label="Dog"))
    draft = [row for row in desk.shown if row["id"] != "Cat-f3"]
    assert desk.ask(click(52, 20, label="Dog"), draft=draft).keys() == {"Dog-f0"}
    assert set(desk.session.anchors["Cat"]) == {0, 3}
    assert not desk.mask(3, "Cat").any()


def test_a_region_that_was_answered_empty_and_vanished_was_not_deleted_by_hand(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    # Dog takes all of Cat's pixels on frame 3.
    assert not desk.ask(click(10, 12, frame=3, label="Dog"))["Cat-f3"].any()
    shown = [row for row in desk.shown if row["id"] != "Cat-f3"]
    desk.ask(click(50, 20, label="Dog"), draft=shown)
    assert desk.session.anchors["Cat"] == (0,)


def test_an_object_whose_regions_are_all_deleted_is_forgotten(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    desk.ask(click(50, 20, label="Dog"))
    draft = [row for row in desk.shown if not row["id"].startswith("Cat")]
    desk.ask(click(52, 20, label="Dog"), draft=draft)
    assert desk.session.objects == ("Dog",)
    assert desk.notes.prompts.rows_on("Cat", 0) == ()


def test_a_second_annotation_deletes_nothing(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    desk.ask(click(50, 20, label="Dog"))
    desk.ask(click(52, 20, label="Dog"), work="draft 2", draft=[])
    assert desk.session.objects == ("Cat", "Dog")


def test_a_submitted_draft_brings_no_news(desk: Desk) -> None:
    desk.ask(click(10, 12))
    draft = [changed("Cat", 0, disc(30, 20))]
    desk.ask(click(32, 20, positive=False), draft=draft)
    desk.shown = draft
    desk.ask(click(50, 20, label="Dog"), work="annotation 7")
    assert np.array_equal(desk.mask(0, "Cat"), disc(30, 20) & ~disc(32, 20))


def test_damaged_masks_do_not_stand_in_the_way(desk: Desk) -> None:
    broken = painted("x", "Dog", 2, disc(30, 20))
    broken["value"]["imageDataURL"] = "data:image/png;base64,AAAA"
    small = painted("y", "Dog", 2, np.ones((3, 3), np.bool_))
    assert desk.ask(click(10, 12), draft=[broken, small]).keys() == {"Cat-f0"}
    assert desk.session.objects == ("Cat",)


def test_a_damaged_mask_of_a_human_is_not_overwritten(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.track()
    broken = changed("Cat", 3, disc(30, 20))
    broken["value"]["imageDataURL"] = "data:image/png;base64,AAAA"
    answer = desk.ask(click(10, 14, frame=3, label="Dog"), draft=[broken])
    # Dog takes pixels of Cat there, but the region of Cat is a human's.
    assert answer.keys() == {"Dog-f3"}


def test_forget_takes_the_object_under_the_click_away(desk: Desk) -> None:
    desk.ask(click(10, 12))
    desk.ask(click(50, 20, label="Dog"))
    answer = desk.ask(click(12, 12, label="Forget"), forget=True)
    assert answer.keys() == {"Cat-f0"}
    assert not answer["Cat-f0"].any()
    assert desk.session.objects == ("Dog",)
    # What was said of it is forgotten too.
    answer = desk.ask(click(30, 12))
    assert np.array_equal(answer["Cat-f0"], disc(30, 12))


def test_forget_over_the_background_says_what_to_do(desk: Desk) -> None:
    desk.ask(click(10, 12))
    with pytest.raises(PromptError, match="no object under the click"):
        desk.ask(click(50, 20, label="Forget"), forget=True)
    assert desk.session.objects == ("Cat",)


def test_a_forgotten_name_is_not_given_again_where_there_may_be_many(many: Desk) -> None:
    many.ask(click(10, 12))
    many.ask(click(10, 12, label="Forget"), forget=True)
    assert many.ask(click(10, 12, id="again")).keys() == {"Cat 2-f0"}


def test_frames_of_a_task_may_begin_within_the_session(source) -> None:
    desk = Desk(source, first_frame=2)
    desk.shown = []
    assert desk.ask(click(10, 12, frame=1)).keys() == {"Cat-f1"}
    assert desk.session.anchors == {"Cat": (3,)}
    draft = [changed("Cat", 1, disc(30, 20)), painted("x", "Dog", 0, disc(50, 20))]
    desk.ask(click(12, 12, frame=3), draft=draft)
    assert desk.session.anchors == {"Cat": (3, 5), "Dog": (2,)}


def test_a_click_that_finds_nothing_changes_nothing(desk: Desk) -> None:
    desk.ask(click(10, 12))
    before = desk.notes.model_copy(deep=True)
    with pytest.raises(PromptError, match="beyond the video"):
        desk.ask(click(10, 12, frame=FRAMES))
    assert desk.notes.prompts == before.prompts
    assert desk.session.anchors == {"Cat": (0,)}


def test_a_deleted_prompt_loses_its_anchor(desk: Desk) -> None:
    first, second = click(10, 12, frame=0), click(40, 12, frame=3)
    desk.ask(first, second)
    desk.ask(second, click(44, 12, frame=3))
    assert desk.session.anchors == {"Cat": (3,)}
