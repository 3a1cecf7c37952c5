"""What is written can be read, and what fails leaves nothing."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.core.video.burned import burn, read_number
from trackanything_core.errors import VideoError
from trackanything_core.video.reader import VideoReader
from trackanything_core.video.writer import VideoWriter

_NTSC = Fraction(30000, 1001)


def _write(path: Path, size: tuple[int, int] = (96, 128), frames: int = 20) -> None:
    with VideoWriter(path, _NTSC) as writer:
        for number in range(frames):
            writer.write(burn(number, size))


def test_frames_and_rate_come_back(tmp_path: Path):
    _write(tmp_path / "out.mp4")
    with VideoReader(tmp_path / "out.mp4") as reader:
        assert [read_number(image) for _, image in reader.iterate()] == list(range(20))
        assert reader.fps == _NTSC
        assert reader.times is not None
        assert [time - reader.times[0] for time in reader.times] == [k / _NTSC for k in range(20)]


@pytest.mark.parametrize(
    ("size", "stored"), [((97, 129), (98, 130)), ((96, 129), (96, 130)), ((97, 128), (98, 128))]
)
def test_odd_sizes_grow_by_a_copy(tmp_path: Path, size: tuple[int, int], stored: tuple[int, int]):
    image = np.full((*size, 3), 40, np.uint8)
    image[:, -1] = image[-1] = 220
    with VideoWriter(tmp_path / "odd.mp4", Fraction(25)) as writer:
        writer.write(image)
    with VideoReader(tmp_path / "odd.mp4") as reader:
        assert reader.size == stored
        if stored[1] != size[1]:
            assert reader.read(0)[50, -1].min() > 180
        if stored[0] != size[0]:
            assert reader.read(0)[-1, 50].min() > 180


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (30, 60, 200), (255, 255, 255)])
def test_colours_are_kept(tmp_path: Path, color: tuple[int, int, int]):
    with VideoWriter(tmp_path / "plain.mp4", Fraction(25)) as writer:
        writer.write(np.full((720, 1280, 3), color, np.uint8))
    with VideoReader(tmp_path / "plain.mp4") as reader:
        np.testing.assert_allclose(reader.read(0)[300, 300], color, atol=3)


def test_browsers_can_play_it(tmp_path: Path):
    _write(tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_failure_leaves_nothing_behind_and_the_old_file_alone(tmp_path: Path):
    (tmp_path / "out.mp4").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        _write_until_interrupted(tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"old"


def _write_until_interrupted(path: Path) -> None:
    with VideoWriter(path, _NTSC) as writer:
        writer.write(burn(0, (96, 128)))
        raise KeyboardInterrupt


def test_a_video_needs_a_frame(tmp_path: Path):
    with (
        pytest.raises(VideoError, match="no frame was written"),
        VideoWriter(tmp_path / "out.mp4", _NTSC),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_frames_keep_their_size(tmp_path: Path):
    with VideoWriter(tmp_path / "out.mp4", _NTSC) as writer:
        writer.write(np.zeros((96, 128, 3), np.uint8))
        with pytest.raises(VideoError, match="of 128x96 pixels like those before, got 96x128"):
            writer.write(np.zeros((128, 96, 3), np.uint8))


@pytest.mark.parametrize(
    ("shape", "kind"), [((9, 9), np.uint8), ((9, 9, 3), np.float32), ((9, 9, 4), np.uint8)]
)
def test_what_is_no_frame(tmp_path: Path, shape: tuple[int, ...], kind: type):
    with (
        pytest.raises(VideoError, match=r"of shape \(height, width, 3\) and uint8, got"),
        VideoWriter(tmp_path / "out.mp4", _NTSC) as writer,
    ):
        writer.write(np.zeros(shape, kind))


def test_rate_must_be_positive(tmp_path: Path):
    with pytest.raises(VideoError, match="frame rate above 0, got 0"):
        VideoWriter(tmp_path / "out.mp4", Fraction(0))
