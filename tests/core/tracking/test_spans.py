from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackanything_core.tracking.spans import Anchor, Span, find_spans, runs, stale_frames


def shown(frame: int, digest: str = "a") -> Anchor:
    return Anchor(frame, digest, empty=False)


def hidden(frame: int) -> Anchor:
    return Anchor(frame, "-", empty=True)


def frames_of(spans: tuple[Span, ...]) -> list[range]:
    return [span.frames for span in spans]


@pytest.mark.parametrize(
    ("anchors", "cuts", "expected"),
    [
        ([], (), []),
        ([shown(0)], (), [range(1, 10)]),
        ([shown(9)], (), [range(0, 9)]),
        ([shown(4)], (), [range(0, 4), range(5, 10)]),
        ([shown(7), shown(4)], (), [range(0, 4), range(5, 7), range(8, 10)]),
        ([shown(4), shown(5)], (), [range(0, 4), range(6, 10)]),
        ([shown(4)], (3, 6), [range(3, 4), range(5, 6)]),
        ([shown(1), shown(6)], (4,), [range(0, 1), range(2, 4), range(4, 6), range(7, 10)]),
        ([hidden(4)], (), []),
        ([hidden(1), shown(6)], (4,), [range(4, 6), range(7, 10)]),
        ([hidden(2), shown(6)], (), [range(0, 2), range(3, 6), range(7, 10)]),
    ],
)
def test_spans_run_between_anchors_cuts_and_ends(anchors, cuts, expected) -> None:
    assert frames_of(find_spans(anchors, 10, cuts)) == expected


def test_an_object_is_followed_from_the_ends_that_show_it() -> None:
    head, left, right, tail = find_spans([hidden(2), shown(5), shown(8)], 10)
    assert (head.starts, left.starts, right.starts, tail.starts) == ((2,), (5,), (5, 8), (8,))


def test_where_no_end_shows_it_the_nearest_anchors_that_do_are_reminders() -> None:
    anchors = [shown(1), hidden(3), hidden(6), shown(8), hidden(9)]
    spans = {span.frames: span for span in find_spans(anchors, 12)}
    assert spans[range(4, 6)].reminders == (shown(1), shown(8))
    assert spans[range(4, 6)].starts == (3, 6)
    assert spans[range(4, 6)].anchors == (shown(1), hidden(3), hidden(6), shown(8))
    assert spans[range(10, 12)].reminders == (shown(8),)
    assert spans[range(2, 3)].reminders == ()


def test_a_shot_without_anchors_is_searched_once_the_object_was_shown() -> None:
    first, last = shown(2), shown(8)
    found = find_spans([first, hidden(5), last], 12, (4, 6, 7, 10), search=True)
    home = (Span(range(0, 2), None, first), Span(range(3, 4), first, None))
    beyond = (Span(range(7, 8), None, last), Span(range(9, 10), last, None))
    searched = (
        Span(range(6, 7), None, None, (first, last), (home[0], beyond[0])),
        Span(range(10, 12), None, None, (last,), (beyond[0],)),
    )
    assert found == (*home, searched[0], *beyond, searched[1])
    assert [span.is_search for span in found] == [False, False, True, False, False, True]
    assert searched[0].recalled == (0, 1, 7)
    assert find_spans([hidden(5)], 12, (4, 6), search=True) == ()


anchor_sets = st.dictionaries(
    st.integers(0, 19), st.sampled_from(["a", "b", "empty"]), max_size=6
).map(lambda masks: {f: Anchor(f, digest, digest == "empty") for f, digest in masks.items()})
cut_sets = st.lists(st.integers(1, 19), unique=True, max_size=3).map(sorted)


@pytest.mark.property
@given(anchors=anchor_sets, cuts=cut_sets)
def test_every_frame_of_a_shot_that_shows_the_object_is_an_anchor_or_in_one_span(
    anchors: dict[int, Anchor], cuts: list[int]
) -> None:
    found = [frame for span in find_spans(anchors.values(), 20, cuts) for frame in span.frames]
    reached = []
    for frame in range(20):
        start = max([0, *(cut for cut in cuts if cut <= frame)])
        stop = min([20, *(cut for cut in cuts if cut > frame)])
        if any(start <= a.frame < stop and not a.empty for a in anchors.values()):
            reached.append(frame)
    assert found == [frame for frame in reached if frame not in anchors]


@pytest.mark.property
@given(anchors=anchor_sets, frame=st.integers(0, 19), cuts=cut_sets)
def test_an_edit_makes_stale_what_lies_between_it_and_the_next_anchors_that_show_the_object(
    anchors: dict[int, Anchor], frame: int, cuts: list[int]
) -> None:
    before = find_spans(anchors.values(), 20, cuts)
    made_for: dict[int, Span | None] = {f: span for span in before for f in span.frames}
    edited = {**anchors, frame: shown(frame, "new")}
    stale = stale_frames(find_spans(edited.values(), 20, cuts), made_for)
    bounds = [f for f, anchor in anchors.items() if not anchor.empty and f != frame]
    low = max([0, *(c for c in cuts if c <= frame), *(f + 1 for f in bounds if f < frame)])
    high = min([20, *(c for c in cuts if c > frame), *(f for f in bounds if f > frame)])
    touched = {f for found in stale.values() for run in found for f in run}
    assert touched <= set(range(low, high))
    nearest = [f for f in anchors if low <= f < high and f != frame]
    left = max([low, *(f + 1 for f in nearest if f < frame)])
    right = min([high, *(f for f in nearest if f > frame)])
    assert {f for f in range(left, right) if f != frame} <= touched


@pytest.mark.property
@given(anchors=anchor_sets, frame=st.integers(0, 19), cuts=cut_sets)
def test_a_search_is_stale_if_what_it_remembers_is_another_and_no_other_span_is(
    anchors: dict[int, Anchor], frame: int, cuts: list[int]
) -> None:
    before = find_spans(anchors.values(), 20, cuts, search=True)
    made_for: dict[int, Span | None] = {f: span for span in before for f in span.frames}
    edited = {**anchors, frame: shown(frame, "new")}
    after = find_spans(edited.values(), 20, cuts, search=True)
    tracked = find_spans(edited.values(), 20, cuts)
    assert [span for span in after if not span.is_search] == list(tracked)
    stale = stale_frames(after, made_for)
    assert {span for span in stale if not span.is_search} == set(stale_frames(tracked, made_for))
    for span in after:
        if span.is_search:
            known = {(old.frames, old.reminders, old.recalls) for old in before}
            is_same = (span.frames, span.reminders, span.recalls) in known
            assert (span in stale) is not is_same


@pytest.mark.property
@given(anchors=anchor_sets, cuts=cut_sets)
def test_what_was_made_for_the_spans_as_they_are_is_not_stale(
    anchors: dict[int, Anchor], cuts: list[int]
) -> None:
    spans = find_spans(anchors.values(), 20, cuts)
    made_for: dict[int, Span | None] = {f: span for span in spans for f in span.frames}
    backward = dict(reversed(anchors.items()))
    assert stale_frames(find_spans(backward.values(), 20, cuts), made_for) == {}


@pytest.mark.property
@given(st.sets(st.integers(0, 30)))
def test_runs_are_the_frames_in_as_few_ranges_as_can_be(frames: set[int]) -> None:
    found = runs(sorted(frames))
    assert [frame for run in found for frame in run] == sorted(frames)
    assert all(one.stop < other.start for one, other in pairwise(found))
