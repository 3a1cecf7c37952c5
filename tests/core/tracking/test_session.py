from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakePropagators, FakeSegmenter, FakeSource
from trackanything_core.errors import PromptError
from trackanything_core.tracking.session import Session
from trackanything_core.types import Box, Click, Mask, Prompt

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
    assert desk.segmenter.fed_back == [None, 1.0, 1.0, None]


def test_a_mask_with_clicks_is_where_the_segmenter_starts(desk: Desk) -> None:
    mask, click = square(2, 2), Click(4, 4)
    desk.session.prompt(Prompt("cat", 0, (click,), mask=mask))
    desk.session.prompt(Prompt("cat", 0, (click, Click(5, 5)), mask=mask))
    desk.session.prompt(Prompt("cat", 0, (click, Click(5, 5)), mask=square(3, 3)))
    assert desk.segmenter.fed_back == [-36.0, 1.0, -36.0]


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
    with pytest.raises(PromptError, match=r"nothing to track on frames 5\.\.11"):
        desk.session.propagate(start=5)
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


def test_objects_join_where_they_are_anchored(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 2, mask=square(1, 1)))
    desk.session.prompt(Prompt("dog", 6, mask=square(20, 10)))
    answers = list(desk.session.propagate())
    assert {tuple(answer.masks) for answer in answers if answer.frame < 2} == {("cat", "dog")}
    forward, backward = desk.propagators.started
    assert [step for step in forward.steps if step[1]] == [
        (2, ("cat",), False),
        (6, ("dog",), False),
    ]
    # Backward, the cat's tracked mask is told too, so that the dog does not grow over it.
    assert backward.steps[0] == (6, ("cat", "dog"), False)
    assert [step for step in backward.steps[1:] if step[1]] == [(2, ("cat",), False)]
    for frame in range(12):
        assert set(desk.session.frame_masks(frame).masks) == {"cat", "dog"}


def test_forward_and_backward_alone(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 4, mask=square(1, 1)))
    desk.session.prompt(Prompt("cat", 7, mask=square(2, 2)))
    assert [a.frame for a in desk.session.propagate("forward")] == list(range(4, 12))
    assert [a.frame for a in desk.session.propagate("backward")] == list(range(7, -1, -1))
    np.testing.assert_array_equal(desk.session.mask(5, "cat"), square(2, 2))
    np.testing.assert_array_equal(desk.session.mask(4, "cat"), square(1, 1))


def test_an_empty_mask_says_that_an_object_is_out_of_sight(desk: Desk) -> None:
    nothing = np.zeros(SIZE, bool)
    desk.session.prompt(Prompt("dog", 0, mask=square(20, 10)))
    desk.session.prompt(Prompt("cat", 2, mask=nothing))
    desk.session.prompt(Prompt("cat", 6, mask=square(1, 1)))
    desk.session.prompt(Prompt("cat", 9, mask=nothing))
    list(desk.session.propagate())
    forward, backward = desk.propagators.started
    told = [(frame, objects) for frame, objects, _ in forward.steps if objects]
    assert told == [(0, ("dog",)), (6, ("cat",)), (9, ("cat",))]
    assert [frame for frame, objects, _ in backward.steps if objects] == [6, 2, 0]
    out_of_sight = [f for f in range(12) if not desk.session.frame_masks(f).masks["cat"].any()]
    assert out_of_sight == [0, 1, 2, 9, 10, 11]


def test_what_was_tracked_from_a_withdrawn_mask_is_no_start(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 4, mask=square(1, 1)))
    list(desk.session.propagate())
    desk.session.prompt(Prompt("cat", 4, mask=np.zeros(SIZE, bool)))
    with pytest.raises(PromptError, match="nothing to track"):
        desk.session.propagate()


def test_a_window_is_picked_up_from_the_mask_at_its_edge(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 0, mask=square(1, 1)))
    list(desk.session.propagate("forward", stop=5))
    assert desk.session.mask(5, "cat") is None
    frames = [answer.frame for answer in desk.session.propagate(start=4, stop=8)]
    assert frames == [4, 5, 6, 7]
    assert desk.propagators.started[-1].steps[0] == (4, ("cat",), False)
    assert desk.session.mask(7, "cat") is not None
    assert desk.session.mask(8, "cat") is None


def test_work_can_be_cancelled_between_frames(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 3, mask=square(1, 1)))
    frames: list[int] = []
    for answer in desk.session.propagate(cancelled=lambda: 4 in frames):
        frames.append(answer.frame)
    assert frames == [3, 4]
    assert desk.session.mask(4, "cat") is not None
    assert desk.session.mask(5, "cat") is None
    assert list(desk.session.propagate(cancelled=lambda: True)) == []


def test_a_new_anchor_takes_its_pixels_from_tracked_masks(desk: Desk) -> None:
    desk.session.prompt(Prompt("cat", 0, mask=square(4, 4)))
    list(desk.session.propagate())
    desk.session.prompt(Prompt("dog", 5, mask=square(6, 4)))
    np.testing.assert_array_equal(desk.session.mask(5, "dog"), square(6, 4))
    np.testing.assert_array_equal(desk.session.mask(5, "cat"), square(4, 4) & ~square(6, 4))


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
