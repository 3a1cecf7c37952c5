from __future__ import annotations

import threading

import pytest

from trackanything_core.errors import StoreError
from trackanything_core.store.session_rows import MaskRow
from trackanything_core.store.store import Store


def test_a_session_is_made_once(store: Store) -> None:
    made = store.sessions.make("clip", {"path": "clip.mp4"}, 5, (4, 6), (3,))
    assert store.sessions.make("clip", {"path": "other"}, 5, (4, 6)) == made
    assert made.cuts == (3,)
    with pytest.raises(StoreError, match="give another video another session"):
        store.sessions.make("clip", {}, 6, (4, 6))


def test_a_session_that_is_not_there_is_named(store: Store) -> None:
    assert store.sessions.find("clip") is None
    with pytest.raises(StoreError, match="'clip'"):
        store.sessions.get("clip")
    with pytest.raises(StoreError, match="'clip'"), store.sessions.editing("clip"):
        pass


def test_one_program_edits_at_a_time(store: Store) -> None:
    store.sessions.make("clip", {}, 5, (4, 6))
    order = []

    def other() -> None:
        with store.sessions.editing("clip"):
            order.append("other")

    thread = threading.Thread(target=other)
    with store.sessions.editing("clip"):
        thread.start()
        with (
            pytest.raises(StoreError, match="edited by another"),
            store.sessions.editing("clip", seconds=0.1),
        ):
            pass
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_removing_a_session_removes_all_of_it(store: Store) -> None:
    store.sessions.make("clip", {}, 5, (4, 6))
    masks = store.masks("clip")
    masks.add_object("cat")
    masks.put_anchor("cat", 0, "abc", 1.0, {"clicks": []})
    masks.put("cat", 1, MaskRow("def", 0.5), masks.span_id("digest", {"start": 1}))
    store.sessions.remove("clip")
    store.sessions.make("clip", {}, 5, (4, 6))
    contents = store.masks("clip").load()
    assert (contents.objects, contents.anchors, contents.places) == ((), (), ())


def test_who_looks_sees_that_others_changed_something(store: Store) -> None:
    store.sessions.make("clip", {}, 5, (4, 6))
    mine, other = store.masks("clip"), store.masks("clip")
    mine.load()
    other.load()
    mine.add_object("cat")
    mine.put_anchor("cat", 2, "abc", 1.0)
    assert not mine.look_out()
    assert other.look_out()
    assert other.load().anchors[0].frame == 2
    assert not other.look_out()


def test_changes_are_told_by_frame(store: Store) -> None:
    store.sessions.make("clip", {}, 9, (4, 6))
    masks = store.masks("clip")
    masks.add_object("cat")
    span = masks.span_id("digest", {"start": 1})
    for frame in (3, 1, 4):
        masks.put("cat", frame, MaskRow("abc", 0.5), span)
    mark = masks.mark
    assert masks.changed_since(0) == [1, 3, 4]
    masks.put("cat", 3, MaskRow("abd", 0.5), span)
    assert masks.changed_since(mark) == [3]
    mark = masks.mark
    masks.put_away("cat")
    assert masks.changed_since(mark) == [1, 3, 4]
    assert masks.get("cat", 3) is None
    masks.bring_back("cat", [span])
    assert masks.get("cat", 3) == MaskRow("abd", 0.5)
