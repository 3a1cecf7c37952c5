from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackanything_core.tracking.plan import Direction, Pass, plan_passes

ALL = range(0, 10)


@pytest.mark.parametrize(
    ("known", "direction", "expected"),
    [
        ({}, "both", ()),
        ({"a": [0]}, "both", (Pass(range(0, 10), {"a": 0}),)),
        (
            {"a": [4]},
            "both",
            (Pass(range(4, 10), {"a": 4}), Pass(range(4, -1, -1), {"a": 4}, completes=True)),
        ),
        ({"a": [4, 7]}, "forward", (Pass(range(4, 10), {"a": 4}),)),
        ({"a": [4, 7]}, "backward", (Pass(range(7, -1, -1), {"a": 7}),)),
        (
            {"a": [2], "b": [6]},
            "both",
            (
                Pass(range(2, 10), {"a": 2, "b": 6}),
                Pass(range(6, -1, -1), {"a": 2, "b": 6}, completes=True),
            ),
        ),
    ],
)
def test_passes(known: dict, direction: Direction, expected: tuple) -> None:
    assert plan_passes(known, ALL, direction) == expected


def test_passes_stay_within_the_window() -> None:
    forward, backward = plan_passes({"a": [4]}, range(3, 6), "both")
    assert list(forward.frames) == [4, 5]
    assert list(backward.frames) == [4, 3]


@pytest.mark.property
@given(
    known=st.dictionaries(
        st.sampled_from("abc"),
        st.lists(st.integers(5, 24), min_size=1, unique=True).map(sorted),
        min_size=1,
    )
)
def test_both_reaches_every_frame_of_every_object(known: dict) -> None:
    window = range(5, 25)
    for object_id in known:
        followed = {
            frame
            for planned in plan_passes(known, window, "both")
            for frame in planned.frames
            if (frame - planned.entries[object_id]) * planned.frames.step >= 0
        }
        assert followed == set(window)
