from __future__ import annotations

import doctest
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.errors import PromptError, VideoError
from trackanything_core.tracking.session import Session
from trackanything_core.types import Box, Click, Image, Mask, Prompt

SIZE = (24, 32)


@dataclass
class Desk:
    """A session with its parts in reach."""

    source: FakeSource
    segmenter: FakeSegmenter
    propagators: FakePropagators
    session: Session


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def make_desk() -> Desk:
    source, segmenter, propagators = FakeSource(12, SIZE), FakeSegmenter(), FakePropagators()
    return Desk(source, segmenter, propagators, Session(source, segmenter, propagators))


def square(left: int, top: int, side: int = 6) -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_click_makes_an_anchor(desk: Desk) -> None:
    segmentation = desk.session.prompt(Prompt("cat", 3, (Click(10, 12),)))
    assert segmentation.mask[12, 10]
    assert desk.session.objects == ("cat",)
    assert desk.session.anchors == {"cat": (3,)}
    np.testing.assert_array_equal(desk.session.mask(3, "cat"), segmentation.mask)
    assert desk.session.mask(4, "cat") is None
    assert desk.session.frame_masks(3).scores == {"cat": 1.0}
    assert not desk.session.frame_masks(4).masks


def test_a_mask_alone_is_taken_as_it_is(desk: Desk) -> None:
    mask = np.random.default_rng(0).random(SIZE) > 0.5
    desk.session.prompt(Prompt("cat", 0, mask=mask))
    np.testing.assert_array_equal(desk.session.mask(0, "cat"), mask)
    assert desk.segmenter.embedded == 0


def test_a_frame_is_embedded_once_and_logits_are_fed_back(desk: Desk) -> None:
    first, second = Click(10, 12), Click(12, 12, positive=False)
    desk.session.prompt(Prompt("cat", 0, (first,)))
    desk.session.prompt(Prompt("cat", 0, (first, second)))
    desk.session.prompt(Prompt("cat", 0, (first, second)))
    desk.session.prompt(Prompt("dog", 0, (first, second)))
    assert desk.segmenter.embedded == 1
    assert desk.source.reads == [0]
    assert desk.segmenter.fed_back == [None, 1.0, 1.0, None, 1.0]


def test_a_mask_with_clicks_is_where_the_segmenter_starts(desk: Desk) -> None:
    mask, click = square(2, 2), Click(4, 4)
    desk.session.prompt(Prompt("cat", 0, (click,), mask=mask))
    desk.session.prompt(Prompt("cat", 0, (click, Click(5, 5)), mask=mask))
    desk.session.prompt(Prompt("cat", 0, (click, Click(5, 5)), mask=square(3, 3)))
    assert desk.segmenter.fed_back == [-36.0, 1.0, -36.0, 1.0]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Prompt("cat", 12, (Click(1, 1),)), r"frame 12 .* 12 frames \(0\.\.11\)"),
        (Prompt("cat", 10**9, (Click(1, 1),)), "frame 1000000000 is beyond"),
        (Prompt("cat", 0, (Click(32, 1),)), r"32,1 is outside .* 32x24 .*x 0\.\.31"),
        (Prompt("cat", 0, (Click(1, -1),)), "outside"),
        (Prompt("cat", 0, (Click(float("nan"), 1),)), "outside"),
        (Prompt("cat", 0, box=Box(1, 1, 40, 10)), "box corner 40,10 is outside"),
        (Prompt("cat", 0, mask=np.ones((32, 24), bool)), r"32x24 pixels.*\(32, 24\)"),
        (Prompt("cat", 0, mask=np.ones(SIZE, np.uint8)), "type bool, got uint8"),
        (Prompt("cat", 0, (Click(4, 4), Click(4, 4, positive=False))), "nothing was found"),
    ],
)
def test_a_prompt_that_does_not_fit_changes_nothing(
    desk: Desk, prompt: Prompt, message: str
) -> None:
    with pytest.raises(PromptError, match=message):
        desk.session.prompt(prompt)
    assert desk.session.objects == ()
    assert desk.session.anchors == {}


def test_there_must_be_something_to_track(desk: Desk) -> None:
    with pytest.raises(PromptError, match="prompt an object first"):
        desk.session.propagate()
    desk.session.prompt(Prompt("cat", 2, mask=np.zeros(SIZE, bool)))
    with pytest.raises(PromptError, match="nothing to track"):
        desk.session.propagate()
    desk.session.prompt(Prompt("cat", 3, mask=square(1, 1)))
    for start, stop in [(5, 5), (-1, 4), (0, 13)]:
        with pytest.raises(PromptError, match="number of frames"):
            desk.session.propagate(start=start, stop=stop)


def test_one_object_is_tracked_both_ways(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 4, mask=square(3, 3)))
    progress: list[tuple[int, int]] = []
    frames = [
        answer.frame
        for answer in desk.session.propagate(progress=lambda *done: progress.append(done))
    ]
    assert frames == [*range(4, 12), *range(4, -1, -1)]
    assert progress == [(done, 13) for done in range(1, 14)]
    for frame in range(12):
        np.testing.assert_array_equal(desk.session.mask(frame, "cat"), square(3, 3))
    forward, backward = desk.propagators.started
    assert forward.steps[0] == (4, ("cat",), False)
    assert forward.steps[-1] == (11, (), True)
    assert backward.steps[-1] == (0, (), True)


def test_objects_of_one_frame_are_followed_together(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 2, mask=square(1, 1)))
    desk.session.prompt(Prompt("dog", 2, mask=square(20, 10)))
    work = desk.session.propagate()
    list(work)
    assert work.recomputed == {"cat": 11, "dog": 11}
    forward, backward = desk.propagators.started
    assert forward.steps[0] == backward.steps[0] == (2, ("cat", "dog"), False)
    for frame in range(12):
        assert set(desk.session.frame_masks(frame).masks) == {"cat", "dog"}


def test_objects_of_other_frames_are_followed_by_themselves_older_ones_first(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 2, mask=square(1, 1)))
    desk.session.prompt(Prompt("dog", 6, mask=square(20, 10)))
    list(desk.session.propagate())
    assert [started.steps[0] for started in desk.propagators.started] == [
        (2, ("cat",), False),
        (2, ("cat",), False),
        (6, ("dog",), False),
        (6, ("dog",), False),
    ]


def test_between_two_anchors_a_pass_from_each_is_made_and_both_are_blended(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 2, mask=square(1, 1)))
    desk.session.prompt(Prompt("cat", 6, mask=square(8, 8)))
    frames = [answer.frame for answer in desk.session.propagate(start=3, stop=6)]
    assert frames == [2, 3, 4, 5, 6, 5, 4, 3]
    forward, backward = desk.propagators.started
    assert (forward.steps[0], forward.steps[-1]) == ((2, ("cat",), False), (5, (), True))
    assert (backward.steps[0], backward.steps[-1]) == ((6, ("cat",), False), (3, (), True))
    assert forward.remembered == backward.remembered == []
    for frame, found in [(3, square(1, 1)), (5, square(8, 8))]:
        np.testing.assert_array_equal(desk.session.mask(frame, "cat"), found)


def test_forward_and_backward_alone(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 4, mask=square(1, 1)))
    list(desk.session.propagate("forward"))
    assert desk.session.stale() == {"cat": [range(0, 4)]}
    desk.session.prompt(Prompt("cat", 7, mask=square(2, 2)))
    list(desk.session.propagate("backward"))
    assert desk.session.stale() == {"cat": [range(8, 12)]}


def test_an_empty_mask_says_that_an_object_is_out_of_sight(desk: Desk) -> None:
    nothing = np.zeros(SIZE, bool)
    desk.session.prompt(Prompt("dog", 0, mask=square(20, 10)))
    desk.session.prompt(Prompt("cat", 2, mask=nothing))
    desk.session.prompt(Prompt("cat", 6, mask=square(1, 1)))
    desk.session.prompt(Prompt("cat", 9, mask=nothing))
    list(desk.session.propagate())
    out_of_sight = [f for f in range(12) if not desk.session.frame_masks(f).masks["cat"].any()]
    assert out_of_sight == [0, 1, 2, 9, 10, 11]
    # Beyond an empty mask the object is looked for with the help of the nearest that shows it.
    remembered = {
        (run.steps[0][0], run.steps[-1][0]): run.remembered for run in desk.propagators.started[1:]
    }
    assert remembered == {
        (2, 0): [(6, ("cat",), -4)],
        (6, 3): [(2, ("cat",), 4)],
        (6, 8): [(9, ("cat",), 3)],
        (9, 11): [(6, ("cat",), -3)],
    }


def test_what_was_tracked_from_a_withdrawn_mask_is_no_start(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 4, mask=square(1, 1)))
    list(desk.session.propagate())
    desk.session.prompt(Prompt("cat", 4, mask=np.zeros(SIZE, bool)))
    with pytest.raises(PromptError, match="nothing to track"):
        desk.session.propagate()


def test_a_window_that_is_wanted_goes_on_where_the_one_before_ended(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 0, mask=square(1, 1)))
    list(desk.session.propagate("forward", stop=5))
    assert desk.session.mask(5, "cat") is None
    frames = [answer.frame for answer in desk.session.propagate(start=6, stop=8)]
    assert frames == [5, 6, 7]
    assert len(desk.propagators.started) == 1
    assert desk.session.stale() == {"cat": [range(8, 12)]}
    assert list(desk.session.propagate(start=2, stop=7)) == []


def test_work_can_be_cancelled_between_frames_and_gone_on_with(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 3, mask=square(1, 1)))
    frames: list[int] = []
    for answer in desk.session.propagate(cancelled=lambda: 4 in frames):
        frames.append(answer.frame)
    assert frames == [3, 4]
    assert desk.session.mask(4, "cat") is not None
    assert desk.session.mask(5, "cat") is None
    assert desk.session.stale() == {"cat": [range(0, 3), range(5, 12)]}
    assert list(desk.session.propagate(cancelled=lambda: True)) == []
    progress: list[tuple[int, int]] = []
    for answer in desk.session.propagate(progress=lambda *done: progress.append(done)):
        frames.append(answer.frame)
        if answer.frame == 8:
            break
    assert frames == [3, 4, 5, 6, 7, 8]
    assert progress[0] == (3, 13)
    list(desk.session.propagate())
    assert desk.session.stale() == {}
    assert len(desk.propagators.started) == 2


def test_an_edit_in_the_middle_of_work_leaves_stale_what_it_put_out_of_date(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 0, mask=square(1, 1)))
    work = desk.session.propagate()
    for _ in range(4):
        next(work)
    desk.session.prompt(Prompt("cat", 0, mask=square(9, 9)))
    assert list(work) == []
    assert desk.session.stale() == {"cat": [range(1, 12)]}
    list(desk.session.propagate())
    np.testing.assert_array_equal(desk.session.mask(2, "cat"), square(9, 9))


def test_work_that_was_cancelled_is_not_gone_on_with_after_an_edit(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 0, mask=square(1, 1)))
    for _ in zip(range(4), desk.session.propagate(), strict=False):
        pass
    desk.session.prompt(Prompt("cat", 0, mask=square(9, 9)))
    work = desk.session.propagate()
    list(work)
    assert work.recomputed == {"cat": 11}
    np.testing.assert_array_equal(desk.session.mask(11, "cat"), square(9, 9))


def test_two_strands_of_work_and_a_change_of_mind_leave_no_gap(desk: Desk) -> None:
    first, second = (Prompt("cat", 0, mask=square(at, at)) for at in (1, 9))
    desk.session.prompt(first)
    work = desk.session.propagate()
    for _ in range(4):
        next(work)
    desk.session.prompt(second)
    list(desk.session.propagate())
    desk.session.prompt(first)
    assert next(work).frame == 4
    list(desk.session.propagate())
    assert desk.session.stale() == {}
    for frame in range(12):
        np.testing.assert_array_equal(desk.session.mask(frame, "cat"), square(1, 1))


def test_a_new_object_needs_a_new_name(desk: Desk) -> None:
    desk.session.add(Prompt("cat", 3, (Click(10, 12),)))
    with pytest.raises(PromptError, match="'cat', which is prompted on frame 3"):
        desk.session.add(Prompt("cat", 5, (Click(10, 12),)))
    assert desk.session.anchors == {"cat": (3,)}
    desk.session.remove("cat")
    desk.session.add(Prompt("cat", 5, (Click(10, 12),)))
    assert desk.session.anchors == {"cat": (5,)}


def test_what_is_not_there_cannot_be_taken_back(desk: Desk) -> None:
    with pytest.raises(PromptError, match=r"\(none yet\), got 'cat'"):
        desk.session.remove("cat")
    desk.session.prompt(Prompt("cat", 3, (Click(10, 12),)))
    with pytest.raises(PromptError, match="'cat', got 'dog'"):
        desk.session.forget_anchor(3, "dog")
    with pytest.raises(PromptError, match="one of 3, got 4"):
        desk.session.forget_anchor(4, "cat")
    desk.session.forget_anchor(3, "cat")
    assert desk.session.objects == ()


def test_another_object_of_a_removed_ones_name_does_not_show_its_masks(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 3, mask=square(1, 1)))
    list(desk.session.propagate())
    desk.session.remove("cat")
    assert desk.session.frame_masks(5).masks == {}
    desk.session.prompt(Prompt("cat", 4, mask=square(9, 9)))
    assert desk.session.mask(5, "cat") is None


def test_nothing_is_carried_over_a_cut() -> None:
    source, propagators = FakeSource(12, SIZE), FakePropagators()
    session = Session(source, FakeSegmenter(), propagators, cuts=[8, 4], reidentify=False)
    session.prompt(Prompt("cat", 5, mask=square(1, 1)))
    assert session.stale() == {"cat": [range(4, 5), range(6, 8)]}
    list(session.propagate())
    assert [f for f in range(12) if session.mask(f, "cat") is not None] == [4, 5, 6, 7]
    with pytest.raises(VideoError, match=r"within frames 1\.\.11 .* got 4\.\.12"):
        Session(source, FakeSegmenter(), propagators, cuts=[4, 12])


class ShrinkingSource(FakeSource):
    def read(self, frame: int) -> Image:
        return super().read(frame)[: 24 if frame < 6 else 20]


def test_a_video_that_changes_its_size_is_refused_and_nothing_is_lost() -> None:
    session = Session(ShrinkingSource(12, SIZE), FakeSegmenter(), FakePropagators())
    session.prompt(Prompt("cat", 2, mask=square(1, 1)))
    for _ in range(2):
        with pytest.raises(VideoError, match=r"32x24 pixels.* on frame 6, got 32x20"):
            list(session.propagate("forward"))
    assert session.stale() == {"cat": [range(0, 2), range(6, 12)]}
    list(session.propagate("backward"))
    assert session.stale() == {"cat": [range(6, 12)]}


def test_a_new_anchor_takes_its_pixels_from_tracked_masks(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 0, mask=square(4, 4)))
    list(desk.session.propagate())
    desk.session.prompt(Prompt("dog", 5, mask=square(6, 4)))
    np.testing.assert_array_equal(desk.session.mask(5, "dog"), square(6, 4))
    np.testing.assert_array_equal(desk.session.mask(5, "cat"), square(4, 4) & ~square(6, 4))


def test_the_example_in_the_documentation_runs(desk: Desk) -> None:
    parts = {"source": desk.source, "segmenter": desk.segmenter, "propagators": desk.propagators}
    names = {"Session": Session, "Prompt": Prompt, "Click": Click, **parts}
    assert Session.__doc__ is not None
    example = doctest.DocTestParser().get_doctest(Session.__doc__, names, "Session", None, None)
    assert len(example.examples) > 5
    assert doctest.DocTestRunner().run(example).failed == 0


squares = st.builds(square, st.integers(0, 31), st.integers(0, 23), st.integers(1, 9))


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    anchors=st.dictionaries(
        st.tuples(st.sampled_from(["cat", "dog", "hen"]), st.integers(0, 11)),
        squares,
        min_size=1,
        max_size=7,
    ),
    late=st.tuples(st.sampled_from(["cat", "dog", "hen"]), st.integers(0, 11), squares),
)
def test_anchors_stay_and_objects_never_overlap(
    anchors: dict[tuple[str, int], Mask], late: tuple[str, int, Mask]
) -> None:
    session = make_desk().session
    for (name, frame), mask in anchors.items():
        session.prompt(Prompt(name, frame, mask=mask))
    list(session.propagate())
    session.prompt(Prompt(late[0], late[1], mask=late[2]))
    anchors[late[0], late[1]] = late[2]
    for answer in session.propagate():
        check_frame(session, answer.frame, anchors)
    for frame in range(12):
        check_frame(session, frame, anchors)
        assert set(session.frame_masks(frame).masks) == set(session.objects)


def check_frame(session: Session, frame: int, anchors: dict[tuple[str, int], Mask]) -> None:
    masks = session.frame_masks(frame).masks
    for name, mask in masks.items():
        if (name, frame) in anchors:
            np.testing.assert_array_equal(mask, anchors[name, frame])
        else:
            others = [other for key, other in masks.items() if key != name]
            assert not (mask & np.logical_or.reduce([np.zeros(SIZE, bool), *others])).any()
