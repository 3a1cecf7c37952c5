"""Each frame is the right one, however the clip was made and in whatever order it is read."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace

from tests.core.video.burned import RECIPES, Recipe, read_number
from trackanything_core.errors import VideoError
from trackanything_core.types import Image
from trackanything_core.video.reader import VideoReader

_LONG = Recipe("long.mkv", frames=80, options={"g": "20", "bf": "2", "b_strategy": "0"})
_PICTURE_BYTES = 96 * 128 * 3 // 2


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: recipe.name)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return request.param


@pytest.fixture(scope="module")
def clip(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recipe.encode(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def forward(clip: Path) -> list[Image]:
    with VideoReader(clip) as reader:
        return [image for _, image in reader.iterate()]


def test_forward_reads_every_frame(recipe: Recipe, forward: list[Image]):
    assert [read_number(image) for image in forward] == list(range(recipe.frames))


def test_frames_are_upright_rgb_of_the_declared_size(
    recipe: Recipe, clip: Path, forward: list[Image]
):
    with VideoReader(clip) as reader:
        assert reader.size == recipe.size
    for image in forward:
        assert image.shape == (*recipe.size, 3)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous
        assert image.flags.writeable


@pytest.mark.parametrize("cache_bytes", [0, 128 << 20])
def test_backward_equals_forward(clip: Path, forward: list[Image], cache_bytes: int):
    with VideoReader(clip, cache_bytes=cache_bytes) as reader:
        frames = list(reader.iterate(len(reader) - 1, None, -1))
    assert [frame for frame, _ in frames] == list(range(len(forward)))[::-1]
    for frame, image in frames:
        np.testing.assert_array_equal(image, forward[frame])


@pytest.mark.parametrize("cache_bytes", [0, 128 << 20])
def test_random_equals_forward(clip: Path, forward: list[Image], cache_bytes: int):
    order = random.Random(7).choices(range(len(forward)), k=60)
    with VideoReader(clip, cache_bytes=cache_bytes) as reader:
        for frame in order:
            np.testing.assert_array_equal(reader.read(frame), forward[frame])


def test_times_and_rate_are_those_that_were_written(recipe: Recipe, clip: Path):
    with VideoReader(clip) as reader:
        times = reader.times
        fps = reader.fps
    if recipe.name == "no-stamps.h264":
        assert times is None
        return
    # Containers may move the origin, never the distances.
    assert times is not None
    assert [time - times[0] for time in times] == [t - recipe.times[0] for t in recipe.times]
    if len(set(recipe.steps)) == 1:
        assert fps == 1 / (recipe.steps[0] * recipe.time_base)
    else:
        assert fps == (recipe.frames - 1) / (recipe.times[-1] - recipe.times[0])


def test_start_offset_is_kept(tmp_path: Path):
    recipe = Recipe("offset.mkv", time_base=Fraction(1, 1000), start=5000, steps=(40,), frames=5)
    with VideoReader(recipe.encode(tmp_path)) as reader:
        assert reader.times is not None
        assert reader.times[0] == 5


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _LONG.encode(tmp_path_factory.mktemp("long"))


@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [
        (0, None, 1),
        (10, 20, 1),
        (10, 10, 1),
        (79, None, -1),
        (50, 30, -1),
        (3, None, 7),
        (79, 0, -9),
    ],
)
def test_iterate_is_range(long_clip: Path, start: int, stop: int | None, step: int):
    last = {True: 80, False: -1}[step > 0] if stop is None else stop
    with VideoReader(long_clip) as reader:
        frames = [(frame, read_number(image)) for frame, image in reader.iterate(start, stop, step)]
    assert frames == [(k, k) for k in range(start, last, step)]


def test_reads_between_the_steps_of_an_iteration_do_not_disturb_it(long_clip: Path):
    with VideoReader(long_clip, cache_bytes=0) as reader:
        for frame, image in reader.iterate():
            assert read_number(image) == frame
            assert read_number(reader.read(79 - frame)) == 79 - frame


@pytest.mark.parametrize(
    ("cache_bytes", "least", "most"), [(20 * _PICTURE_BYTES, 10, 20), (128 << 20, 40, 40)]
)
def test_cache_keeps_the_latest_frames_up_to_two_chunks_and_no_more(
    long_clip: Path, cache_bytes: int, least: int, most: int, monkeypatch: pytest.MonkeyPatch
):
    with VideoReader(long_clip, cache_bytes=cache_bytes) as reader:
        for _ in reader.iterate():
            pass
        # From here on nothing decodes, so only what is kept can be read.
        monkeypatch.setattr(VideoReader, "_approaches", lambda *_: iter(()))
        kept = [frame for frame in range(80) if _can_read(reader, frame)]
    assert least <= len(kept) <= most
    assert kept == list(range(80))[-len(kept) :]


def _can_read(reader: VideoReader, frame: int) -> bool:
    try:
        reader.read(frame)
    except VideoError:
        return False
    return True


def test_writing_to_an_image_leaves_later_reads_alone(long_clip: Path):
    with VideoReader(long_clip) as reader:
        reader.read(5)[:] = 0
        assert read_number(reader.read(5)) == 5


def test_readers_share_a_table(long_clip: Path):
    with VideoReader(long_clip) as first, VideoReader(long_clip, table=first.table) as second:
        assert read_number(second.read(33)) == 33
        assert read_number(first.read(12)) == 12


@pytest.mark.parametrize("frame", [-1, 80, 10**9])
def test_frame_out_of_range(long_clip: Path, frame: int):
    with VideoReader(long_clip) as reader:
        with pytest.raises(
            VideoError, match=rf"^frame {frame} of a video with 80 frames \(0..79\)$"
        ):
            reader.read(frame)
        with pytest.raises(VideoError, match=rf"^frame {frame} of"):
            reader.iterate(frame, frame + 1)


def test_closed_reader_says_so(long_clip: Path):
    reader = VideoReader(long_clip)
    reader.close()
    reader.close()
    with pytest.raises(VideoError, match="is closed: open the video again"):
        reader.read(0)


@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601])
def test_colours_come_out_as_they_went_in(tmp_path: Path, matrix: Colorspace):
    color = (220, 40, 60)
    path = tmp_path / "plain.mp4"
    plain = VideoFrame.from_ndarray(np.full((64, 64, 3), color, np.uint8), format="rgb24")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace = {Colorspace.ITU709: 1, Colorspace.ITU601: 6}[matrix]
        container.mux(stream.encode(plain.reformat(format="yuv420p", dst_colorspace=matrix)))
        container.mux(stream.encode(None))
    with VideoReader(path) as reader:
        np.testing.assert_allclose(reader.read(0)[20, 20], color, atol=4)


@pytest.mark.parametrize(
    "name", ["01_dog.mp4", "opossum_snow_short.mp4", "test-sample2.mp4", "test-sample4.mp4"]
)
def test_real_clips_read_the_same_in_any_order(data_dir: Path, name: str):
    with VideoReader(data_dir / "clips" / name, cache_bytes=32 << 20) as reader:
        sample = sorted(random.Random(3).sample(range(len(reader)), 12))
        stop = sample[-1] + 1
        forward = {frame: image for frame, image in reader.iterate(0, stop) if frame in sample}
        for frame in random.Random(4).sample(sample, 6):
            np.testing.assert_array_equal(reader.read(frame), forward[frame])


@pytest.mark.parametrize(
    ("name", "frames", "fps"),
    [
        ("test-sample4.mp4", 227, Fraction(30000, 1001)),
        ("test-sample2.mp4", 149, Fraction(3725, 126)),
    ],
)
def test_real_clips_have_the_frames_that_decode(
    data_dir: Path, name: str, frames: int, fps: Fraction
):
    with VideoReader(data_dir / "clips" / name) as reader:
        assert len(reader) == frames
        assert reader.fps == fps
