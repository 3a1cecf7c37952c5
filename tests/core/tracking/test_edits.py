"""What holds after any edits, shown on a propagator whose answers betray all it was told."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracking.editing import (
    Pictured,
    all_masks,
    assert_same,
    beside,
    finish,
    without_anchors,
)
from tests.fakes import FakeSegmenter, FakeSource, TelltalePropagators
from trackanything_core.tracking.session import Session
from trackanything_core.types import FrameIndex, Mask, ObjectId, Prompt

pytestmark = pytest.mark.property

FRAMES = 10
SIZE = (6, 8)
NAMES = ("cat", "dog", "hen")

many = settings(max_examples=100, deadline=None)


def new_session(cuts: tuple[FrameIndex, ...] = ()) -> Session:
    return Session(FakeSource(FRAMES, SIZE), FakeSegmenter(), TelltalePropagators(), cuts=cuts)


def box(left: int, top: int, width: int, height: int) -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


frames = st.integers(0, FRAMES - 1)
masks = st.builds(box, st.integers(0, 7), st.integers(0, 5), st.integers(1, 5), st.integers(1, 4))
empty_or_not = st.one_of(masks, st.just(np.zeros(SIZE, bool)))
prompts = st.builds(Prompt, st.sampled_from(NAMES), frames, mask=masks)
cut_sets = st.one_of(st.just(()), st.builds(lambda cut: (cut,), st.integers(1, FRAMES - 1)))


@dataclass(frozen=True)
class Forget:
    """Take back one of the anchors that there are, the `which`-th."""

    which: int


@dataclass(frozen=True)
class Remove:
    object_id: ObjectId


@dataclass(frozen=True)
class Propagate:
    """Compute what is stale, but stop after some steps."""

    steps: int
    start: FrameIndex
    stop: FrameIndex


edits = st.lists(
    st.one_of(
        st.builds(Prompt, st.sampled_from(NAMES), frames, mask=empty_or_not),
        prompts,
        st.builds(Forget, st.integers(0, 99)),
        st.builds(Remove, st.sampled_from(NAMES)),
        st.builds(Propagate, st.integers(0, 60), st.integers(0, 4), st.integers(5, FRAMES)),
    ),
    min_size=1,
    max_size=10,
)

Anchors = dict[tuple[FrameIndex, ObjectId], Mask]


def edit(session: Session, anchors: Anchors, change: object) -> None:
    """Do a change, and note in `anchors` what a human said."""
    match change:
        case Prompt(object_id=name, frame=frame, mask=mask):
            session.prompt(change)
            assert mask is not None
            anchors[frame, name] = mask
        case Forget(which=which) if anchors:
            frame, name = list(anchors)[which % len(anchors)]
            session.forget_anchor(frame, name)
            del anchors[frame, name]
        case Remove(object_id=name) if name in session.objects:
            session.remove(name)
            for key in [key for key in anchors if key[1] == name]:
                del anchors[key]
        case Propagate(steps=steps, start=start, stop=stop) if any(
            mask.any() for mask in anchors.values()
        ):
            taken = count()
            for _ in session.propagate(
                start=start, stop=stop, cancelled=lambda: next(taken) >= steps
            ):
                pass


def tracked(initial: list[Prompt], cuts: tuple[FrameIndex, ...] = ()) -> Session:
    """A session with these prompts, up to date."""
    session = new_session(cuts)
    for prompt in initial:
        session.prompt(prompt)
    finish(session)
    return session


@many
@given(changes=edits, cuts=cut_sets)
def test_anchored_masks_are_identical_to_the_bit_after_any_sequence_of_edits(
    changes: list[object], cuts: tuple[FrameIndex, ...]
) -> None:
    session, anchors = new_session(cuts), Anchors()
    for change in changes:
        edit(session, anchors, change)
        for (frame, name), mask in anchors.items():
            np.testing.assert_array_equal(session.mask(frame, name), mask)
    shown = {name for (_, name), mask in anchors.items() if mask.any()}
    if shown:
        finish(session)
        assert_same({key: all_masks(session)[key] for key in anchors}, anchors)


@many
@given(
    initial=st.lists(prompts, min_size=1, max_size=6),
    changed=prompts,
    forget=st.booleans(),
    cuts=cut_sets,
)
def test_frames_outside_the_affected_spans_are_identical_to_the_bit(
    initial: list[Prompt], changed: Prompt, forget: bool, cuts: tuple[FrameIndex, ...]
) -> None:
    session = tracked(initial, cuts)
    if forget:
        changed = initial[-1]
    name, frame = changed.object_id, changed.frame
    others = [f for f in session.anchors.get(name, ()) if f != frame]
    before = all_masks(session)
    if forget and others:
        session.forget_anchor(frame, name)
    else:
        session.prompt(changed)
    affected = beside(frame, others, FRAMES) | without_anchors(others, cuts, FRAMES)
    assert {f for run in session.stale().get(name, []) for f in run} <= affected
    recomputed = finish(session)
    assert set(recomputed) <= {name}
    assert recomputed.get(name, 0) <= len(affected)
    after = all_masks(session)
    for f in set(range(FRAMES)) - affected:
        on_frame = {key for key in before | after if key[0] == f}
        assert_same({k: after[k] for k in on_frame}, {k: before[k] for k in on_frame})


@many
@given(changes=edits, cuts=cut_sets)
def test_masks_of_one_object_do_not_depend_on_the_order_of_edits(
    changes: list[object], cuts: tuple[FrameIndex, ...]
) -> None:
    session, anchors = new_session(cuts), Anchors()
    for change in changes:
        if getattr(change, "object_id", NAMES[0]) == NAMES[0]:
            edit(session, anchors, change)
    if any(mask.any() for mask in anchors.values()):
        finish(session)
        fresh = tracked([Prompt(n, f, mask=mask) for (f, n), mask in anchors.items()], cuts)
        assert_same(all_masks(session), all_masks(fresh))


@dataclass(frozen=True)
class Adding:
    """A session that is up to date, and prompts of one more object."""

    session: Session
    before: Pictured
    prompts: list[Prompt]


@st.composite
def addings(draw: st.DrawFn) -> Adding:
    cuts = draw(cut_sets)
    older = st.builds(Prompt, st.sampled_from(NAMES[:2]), frames, mask=masks)
    session = tracked(draw(st.lists(older, min_size=1, max_size=5)), cuts)
    new = st.dictionaries(frames, masks, min_size=1, max_size=3)
    prompts = [Prompt("hen", frame, mask=mask) for frame, mask in draw(new).items()]
    return Adding(session, all_masks(session), prompts)


def add(adding: Adding) -> None:
    for prompt in adding.prompts:
        adding.session.prompt(prompt)


@many
@given(adding=addings())
def test_adding_an_object_changes_others_only_where_it_takes_pixels(adding: Adding) -> None:
    add(adding)
    finish(adding.session)
    after = all_masks(adding.session)
    for (frame, name), mask in adding.before.items():
        taken = after.get((frame, "hen"), np.zeros(SIZE, bool))
        kept = mask if frame in adding.session.anchors[name] else mask & ~taken
        np.testing.assert_array_equal(after[frame, name], kept)


@many
@given(adding=addings())
def test_adding_an_object_costs_only_its_own_propagation(adding: Adding) -> None:
    add(adding)
    assert set(adding.session.stale()) <= {"hen"}
    wanted = {f for run in adding.session.stale().get("hen", []) for f in run}
    recomputed = finish(adding.session)
    assert recomputed == ({"hen": len(wanted)} if wanted else {})


@many
@given(adding=addings())
def test_removing_an_object_gives_the_earlier_masks_back(adding: Adding) -> None:
    add(adding)
    finish(adding.session)
    adding.session.remove("hen")
    assert adding.session.stale() == {}
    assert_same(all_masks(adding.session), adding.before)


@many
@given(adding=addings(), detour=st.none() | st.builds(Prompt, st.just("hen"), frames, mask=masks))
def test_readding_an_object_gives_the_same_result(adding: Adding, detour: Prompt | None) -> None:
    session = adding.session
    add(adding)
    finish(session)
    with_it = all_masks(session)
    session.remove("hen")
    if detour:
        session.prompt(detour)
        finish(session)
        session.remove("hen")
    add(adding)
    recomputed = finish(session)
    assert detour or not recomputed
    assert_same(all_masks(session), with_it)


@many
@given(together=st.lists(prompts, min_size=2, max_size=5), which=st.integers(0, 4))
def test_readding_one_of_several_that_were_added_together_gives_the_same_result(
    together: list[Prompt], which: int
) -> None:
    session = tracked(together)
    before = all_masks(session)
    name = together[which % len(together)].object_id
    again = [prompt for prompt in together if prompt.object_id == name]
    session.remove(name)
    if session.objects:
        assert session.stale() == {}
    for prompt in again:
        session.prompt(prompt)
    assert finish(session) == {}
    assert_same(all_masks(session), before)
