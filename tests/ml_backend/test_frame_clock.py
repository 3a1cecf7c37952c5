"""Which frame of the file the editor shows, whatever the labelling configuration says."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.errors import LabelConfigError
from ml_backend.frame_clock import DEFAULT_RATE, FrameClock, open_clock
from tests.fakes import FakeSource

NTSC = Fraction(30000, 1001)


def clock(frames: int, true: Fraction, rate: float) -> FrameClock:
    return FrameClock(rate, [float(k / true) for k in range(frames)], float(true))


class Film(FakeSource):
    """A source with time stamps of its own."""

    def __init__(self, times: Sequence[Fraction], fps: Fraction | None) -> None:
        super().__init__(len(times))
        self._times = times
        self._fps = fps

    @property
    def times(self) -> Sequence[Fraction] | None:
        return self._times

    @property
    def fps(self) -> Fraction | None:
        return self._fps


def test_frames_count_from_one_where_the_rate_is_right() -> None:
    right = clock(60, Fraction(10), 10)
    assert [right.index_of(f) for f in (1, 31, 60)] == [0, 30, 59]
    assert [right.editor_frame(k) for k in (0, 30, 59)] == [1, 31, 60]
    assert (right.editor_frames, right.problem) == (60, "")
    # The editor writes the time of its frame one frame late.
    assert right.time_of(11) == pytest.approx(1.1)


def test_a_rounded_rate_is_right() -> None:
    rounded = clock(100, NTSC, 29.97)
    assert rounded.fits
    assert rounded.editor_frames == 100


def test_a_rounded_rate_drifts_apart_in_a_long_video() -> None:
    assert not clock(10_000, Fraction(2997, 100), 29.96).fits


@pytest.mark.parametrize(
    ("frames", "true", "rate", "counted"),
    [
        (100, NTSC, DEFAULT_RATE, 80),  # as the editor was seen to count
        (100, Fraction(25), 30, 120),
    ],
)
def test_a_wrong_rate_is_said(frames: int, true: Fraction, rate: float, counted: int) -> None:
    wrong = clock(frames, true, rate)
    assert wrong.editor_frames == counted
    assert f'frameRate="{float(true):.6g}"' in wrong.problem
    assert f"shows {counted} frames of {frames}" in wrong.problem


def test_a_wrong_rate_skips_frames_and_shows_others_twice() -> None:
    slow = clock(100, Fraction(25), 12.5)
    assert [slow.index_of(f) for f in range(1, 6)] == [0, 2, 4, 6, 8]
    # Frame 3 is never shown: the next one stands for it.
    assert [slow.editor_frame(k) for k in range(5)] == [1, 2, 2, 3, 3]
    fast = clock(100, Fraction(25), 50)
    assert [fast.index_of(f) for f in range(1, 6)] == [0, 0, 1, 1, 2]
    assert fast.editor_frame(1) == 3


@given(
    frames=st.integers(1, 300),
    true=st.sampled_from([Fraction(10), Fraction(24), Fraction(25), NTSC, Fraction(60)]),
    rate=st.floats(5, 120),
)
def test_every_frame_of_the_editor_shows_one_of_the_file(
    frames: int, true: Fraction, rate: float
) -> None:
    any_clock = clock(frames, true, rate)
    shown = [any_clock.index_of(f) for f in range(1, any_clock.editor_frames + 1)]
    assert shown == sorted(shown)
    assert set(shown) <= set(range(frames))
    for index in set(shown):
        # Of several that show a frame, the first one is named.
        assert any_clock.editor_frame(index) == shown.index(index) + 1


def test_times_of_the_file_need_not_start_at_zero() -> None:
    film = Film([Fraction(7) + k / NTSC for k in range(50)], NTSC)
    opened = open_clock(film, 29.97)
    assert opened.times[0] == 0
    assert opened.fits


def test_an_uneven_video_goes_by_its_times() -> None:
    times = [Fraction(0), Fraction(1), Fraction(11, 10), Fraction(12, 10), Fraction(13, 10)]
    opened = open_clock(Film(times, Fraction(4)), 10)
    assert "no constant frame rate" in opened.problem
    assert [opened.index_of(f) for f in (1, 10, 11, 12, 13, 99)] == [0, 0, 1, 2, 3, 4]


def test_jitter_is_not_uneven() -> None:
    times = [Fraction(k, 25) + Fraction(k % 2, 100) for k in range(51)]
    assert open_clock(Film(times, Fraction(25)), 25).true_rate == pytest.approx(25)


def test_a_source_without_times_goes_by_its_rate() -> None:
    assert open_clock(FakeSource(12), 25).fits
    assert not open_clock(FakeSource(12), 24).fits


def test_a_result_may_say_how_many_frames_the_editor_counts() -> None:
    assert open_clock(FakeSource(12), 24, 11).editor_frames == 11


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_refuses_a_rate_that_is_none(rate: float) -> None:
    with pytest.raises(LabelConfigError, match="positive frameRate"):
        clock(3, Fraction(25), rate)
