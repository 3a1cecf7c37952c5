from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.concatenated import ConcatenatedSource
from trackanything_core.types import FrameIndex, Image
from trackanything_core.video.base import FrameSource, check_frame
from trackanything_core.video.cuts import find_cuts
from trackanything_core.video.images import ImageList
from trackanything_core.video.open import open_source

HEIGHT, WIDTH = 90, 160
Scene: TypeAlias = npt.NDArray[np.uint8]


class Pictures(FrameSource):
    """Pictures at hand as a video."""

    def __init__(self, pictures: Iterable[Image]) -> None:
        self._pictures = list(pictures)

    @property
    def size(self) -> tuple[int, int]:
        return HEIGHT, WIDTH

    @property
    def times(self) -> Sequence[Fraction] | None:
        return None

    @property
    def fps(self) -> Fraction | None:
        return None

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, frame: FrameIndex) -> Image:
        check_frame(frame, len(self))
        return self._pictures[frame].copy()

    def close(self) -> None:
        pass


def scene(seed: int) -> Scene:
    """A coloured texture, much wider than a frame: what a camera can pan over."""
    noise = np.random.default_rng(seed).integers(0, 255, (HEIGHT, 8 * WIDTH, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6).astype(np.float32)
    stretched = (smooth - smooth.mean((0, 1))) / smooth.std((0, 1)) * 45 + 120
    return np.clip(stretched, 0, 255).astype(np.uint8)


def shot(seed: int, frames: int, speed: float = 1, start: float = 0) -> list[Image]:
    """A camera that pans over a scene, `speed` pixels a frame."""
    rng, whole = np.random.default_rng(seed), scene(seed).astype(np.int16)
    lefts = [round(start + speed * frame) for frame in range(frames)]
    noise = rng.integers(-2, 3, (frames, HEIGHT, WIDTH, 3))
    seen = [whole[:, left : left + WIDTH] + n for left, n in zip(lefts, noise, strict=True)]
    return [np.clip(picture, 0, 255).astype(np.uint8) for picture in seen]


def black(frames: int) -> list[Image]:
    return [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * frames


@pytest.mark.parametrize("lengths", [(20, 20), (12, 9, 30), (6, 6, 6, 6), (3, 30), (30, 3)])
def test_hard_cuts_are_found_on_their_frames(lengths: tuple[int, ...]) -> None:
    pictures = [picture for seed, count in enumerate(lengths) for picture in shot(seed, count)]
    assert find_cuts(Pictures(pictures)) == tuple(np.cumsum(lengths)[:-1])


def test_a_shot_that_comes_again_begins_with_a_cut() -> None:
    assert find_cuts(Pictures(shot(0, 12) + shot(1, 12) + shot(0, 12, start=12))) == (12, 24)


def test_a_cut_amid_fast_motion_is_found() -> None:
    assert find_cuts(Pictures(shot(0, 20, speed=3) + shot(1, 20, speed=3))) == (20,)


def flash(pictures: list[Image]) -> list[Image]:
    return [*pictures[:10], np.full_like(pictures[10], 250), *pictures[11:]]


def long_flash(pictures: list[Image]) -> list[Image]:
    brightened = [np.maximum(picture, 235) for picture in pictures[10:13]]
    return [*pictures[:10], *brightened, *pictures[13:]]


def lights_out(pictures: list[Image]) -> list[Image]:
    return [*pictures[:10], *(picture // 3 for picture in pictures[10:])]


def warmer_light(pictures: list[Image]) -> list[Image]:
    warm = np.array([1.2, 0.8, 0.4])
    return [*pictures[:10], *(np.clip(p * warm, 0, 255).astype(np.uint8) for p in pictures[10:])]


def dropout(pictures: list[Image]) -> list[Image]:
    return [*pictures[:10], *black(2), *pictures[12:]]


def occlusion(pictures: list[Image]) -> list[Image]:
    return [*pictures[:10], *shot(7, 3), *pictures[13:]]


def jolt(pictures: list[Image]) -> list[Image]:
    return [*pictures[:10], *shot(0, len(pictures) - 10, start=10 + WIDTH // 5)]


@pytest.mark.parametrize(
    "disturb",
    [flash, long_flash, lights_out, warmer_light, dropout, occlusion, jolt],
    ids=lambda disturb: disturb.__name__,
)
def test_what_changes_much_but_is_the_same_scene_is_no_cut(
    disturb: Callable[[list[Image]], list[Image]],
) -> None:
    assert find_cuts(Pictures(disturb(shot(0, 30)))) == ()


@pytest.mark.parametrize("speed", [2, 8, 24, 40])
def test_pans_are_no_cuts(speed: float) -> None:
    assert find_cuts(Pictures(shot(0, 28, speed))) == ()


def test_a_pan_may_start_and_end_abruptly() -> None:
    still, pan = shot(0, 12, speed=0), shot(0, 12, speed=24)
    after = shot(0, 12, speed=0, start=12 * 24)
    assert find_cuts(Pictures(still + pan + after)) == ()


def test_black_between_two_shots_is_not_carried_over() -> None:
    assert find_cuts(Pictures(shot(0, 15) + black(10) + shot(1, 15))) == (15, 25)


def test_cuts_that_follow_too_soon_are_passed_over() -> None:
    pictures = Pictures(shot(0, 12) + shot(1, 8) + shot(2, 12))
    assert find_cuts(pictures, shortest_shot=8) == (12, 20)
    assert find_cuts(pictures, shortest_shot=9) == (12,)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_video_may_be_short(frames: int) -> None:
    assert find_cuts(Pictures(shot(0, frames))) == ()


def test_progress_counts_every_frame() -> None:
    told: list[tuple[int, int]] = []
    find_cuts(Pictures(shot(0, 7)), progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 7) for done in range(1, 8)]


def images(data_dir: Path, name: str) -> ImageList:
    return ImageList.from_directory(data_dir / "davis_dev" / "JPEGImages" / "480p" / name)


@pytest.mark.parametrize(("first", "second"), [("blackswan", "dog"), ("dog", "scooter-black")])
def test_real_clips_one_after_the_other(data_dir: Path, first: str, second: str) -> None:
    a, b = images(data_dir, first), images(data_dir, second)
    joined = ConcatenatedSource((a, range(12)), (b, range(15)), (a, range(12, 24)))
    assert find_cuts(joined) == (12, 27)


@pytest.mark.parametrize("name", ["motocross-jump", "horsejump-high"])
def test_a_real_clip_of_one_shot_has_no_cuts(data_dir: Path, name: str) -> None:
    assert find_cuts(images(data_dir, name)) == ()


@pytest.mark.slow
def test_the_shots_of_a_film(data_dir: Path) -> None:
    """Read off the pictures by eye; between 352 and 415 the camera whirls, which is no cut."""
    with open_source(data_dir / "clips" / "test-sample13.mp4") as source:
        assert find_cuts(source) == (80, 137, 198, 277, 352, 415, 462, 566, 740)
