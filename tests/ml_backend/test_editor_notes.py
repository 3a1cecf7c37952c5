"""What the editor holds is known, even where an answer was not taken."""

from __future__ import annotations

from ml_backend.editor_notes import EditorNotes, HandMask, WorkNotes


def given(*answers: dict[str, str]) -> WorkNotes:
    work = WorkNotes()
    for number, regions in enumerate(answers, start=1):
        work.give(regions, mark=10 * number, time=100.0 * number)
    return work


def test_only_what_differs_is_new() -> None:
    work = given({"a": "1"})
    assert not work.is_new("a", "1")
    assert work.is_new("a", "2")
    assert work.is_new("b", "1")


def test_an_empty_mask_is_news_only_where_there_was_one() -> None:
    work = given({"a": "1"})
    assert work.is_new("a", "")
    assert not work.is_new("b", "")


def test_an_answer_that_was_not_taken_is_undone() -> None:
    work = given({"a": "1", "b": "1"}, {"a": "2", "c": "1"})
    assert work.mark == 20
    work.take_back()
    assert (work.regions, work.mark) == ({"a": "1", "b": "1"}, 10)
    work.take_back()
    assert (work.regions, work.mark) == ({"a": "1", "b": "1"}, 10)


def test_regions_that_never_reached_the_annotation_are_given_again() -> None:
    work = given({"a": "1", "b": "1"})
    work.compare({"a"}, saved=105.0)
    assert not work.is_new("b", "1")
    work.compare({"a"}, saved=111.0)
    assert work.is_new("b", "1")
    assert not work.is_new("a", "1")
    assert work.mark == 0


def test_notes_go_through_the_database() -> None:
    notes = EditorNotes(names={"Cat 2": "Cat"}, objects="many")
    notes.works["draft 8"] = given({"a": "1"})
    notes.works["draft 8"].hand["x"] = HandMask(object_id="Cat 2", frame=3, written="w")
    stored = {"other": 1}
    notes.write(stored)
    assert EditorNotes.read(stored) == notes
    assert stored["other"] == 1


def test_notes_of_another_form_are_begun_anew() -> None:
    assert EditorNotes.read({"editor": {"works": 7}}) == EditorNotes()
    assert EditorNotes.read({}) == EditorNotes()
