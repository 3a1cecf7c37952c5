from __future__ import annotations

import numpy as np

from trackanything_core.store.store import Store
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.types import FrameIndex, Mask, ObjectId

SIZE = (2, 6)


def strip(start: int, stop: int) -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[:, start:stop] = True
    return mask


def empty(frames: int) -> KnownMasks:
    store = Store.temporary()
    store.sessions.make("session", {}, frames, SIZE)
    return KnownMasks(frames, SIZE, (), store.masks("session"))


def track(
    known: KnownMasks, frame: FrameIndex, object_id: ObjectId, mask: Mask, score: float
) -> None:
    (span,) = (span for span in known[object_id].spans if frame in span.frames)
    assert known[object_id].track(frame, span, mask, score, final=True)


def known_masks() -> KnownMasks:
    """Three objects, anchored on frame 0 and tracked on frame 1."""
    known = empty(frames=4)
    for name, mask, score in [
        ("old", strip(0, 4), 0.95),
        ("mid", strip(2, 5), 0.5),
        ("new", strip(3, 6), 0.7),
    ]:
        known.at_hand(name).anchor(0, mask)
        track(known, 1, name, mask, score)
    return known


def columns(mask: Mask) -> list[int]:
    return np.flatnonzero(mask[0]).tolist()


def test_of_tracked_masks_the_newer_is_on_top() -> None:
    found = known_masks().at(1)
    assert {name: columns(mask) for name, mask in found.masks.items()} == {
        "old": [0, 1],
        "mid": [2],
        "new": [3, 4, 5],
    }
    assert found.scores == {"old": 0.95, "mid": 0.5, "new": 0.7}


def test_what_a_human_gave_stands_as_it_is_and_tracked_masks_give_way() -> None:
    known = known_masks()
    assert [columns(mask) for mask in known.at(0).masks.values()] == [
        [0, 1, 2, 3],
        [2, 3, 4],
        [3, 4, 5],
    ]
    known.at_hand("old").anchor(1, strip(0, 4))
    assert [columns(mask) for mask in known.at(1).masks.values()] == [[0, 1, 2, 3], [], [4, 5]]


def test_context_is_what_older_objects_surely_hold() -> None:
    known = known_masks()
    assert known.context(1, "old") is None
    context = known.context(1, "new")
    assert context is not None
    np.testing.assert_allclose(context[0], [0.9, 0.9, 0.9, 0.9, 0.5, 0])
    known.at_hand("mid").anchor(1, strip(2, 5))
    context = known.context(1, "new")
    assert context is not None
    np.testing.assert_allclose(context[0], [0.9, 0.9, 1, 1, 1, 0])


def test_masks_that_are_out_of_date_are_no_context_but_still_an_answer() -> None:
    known = known_masks()
    known.at_hand("old").anchor(0, strip(1, 2))
    assert known.context(1, "mid") is None
    assert columns(known.at(1).masks["old"]) == [0, 1]


def test_a_mask_that_comes_too_late_is_refused() -> None:
    known = empty(frames=4)
    cat = known.at_hand("cat")
    cat.anchor(0, strip(0, 1))
    (outdated,) = cat.spans
    cat.anchor(3, strip(0, 1))
    (span,) = cat.spans
    assert not cat.track(1, outdated, strip(0, 2), 0.5, final=True)
    assert cat.get(1) is None
    assert not cat.track(1, span, strip(0, 2), 0.5, final=False)
    assert not cat.is_current(1)
    assert cat.track(1, span, strip(0, 3), 0.5, final=True)
    assert not cat.track(1, span, strip(0, 4), 0.5, final=True)
    assert columns(known.at(1).masks["cat"]) == [0, 1, 2]
