"""What is no video, or only part of one."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from tests.core.video.burned import Recipe, read_number
from trackanything_core.errors import VideoError
from trackanything_core.video.open import open_source
from trackanything_core.video.reader import VideoReader

_B_FRAMES = {"g": "12", "bf": "3", "b_strategy": "0"}
_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
_CUTTABLE = [
    Recipe("cut.mkv", options=_B_FRAMES),
    Recipe("cut.ts", options=_B_FRAMES),
    Recipe("cut.mp4", options=_B_FRAMES, container_options=_FRAGMENTS),
    Recipe("cut-index-first.mp4", options=_B_FRAMES, container_options={"movflags": "faststart"}),
    Recipe("cut.avi", "mpeg4", options={"g": "12", "bf": "2"}),
    Recipe("cut.webm", "libvpx-vp9", options={"g": "10", "deadline": "realtime", "cpu-used": "8"}),
]


@pytest.mark.parametrize("recipe", _CUTTABLE, ids=lambda recipe: recipe.name)
def test_truncated_file_is_the_video_up_to_the_cut(tmp_path: Path, recipe: Recipe):
    path = recipe.encode(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with VideoReader(path, cache_bytes=0) as reader:
        forward = [image for _, image in reader.iterate()]
        assert 5 <= len(forward) == len(reader) < recipe.frames
        # The very last pictures may be half there, or lean on ones that are gone.
        whole = len(forward) - 4
        assert [read_number(image) for image in forward[:whole]] == list(range(whole))
        for frame, image in reader.iterate(len(reader) - 1, None, -1):
            np.testing.assert_array_equal(image, forward[frame])


@pytest.mark.parametrize("recipe", _CUTTABLE, ids=lambda recipe: recipe.name)
def test_damage_in_the_middle_costs_frames_near_it_only(tmp_path: Path, recipe: Recipe):
    path = recipe.encode(tmp_path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 20] = bytes(len(content) // 20)
    path.write_bytes(content)
    with VideoReader(path) as reader:
        assert recipe.frames // 3 <= len(reader) <= recipe.frames
        assert [read_number(reader.read(frame)) for frame in range(5)] == list(range(5))
        for frame in range(len(reader) - 1, -1, -1):
            assert reader.read(frame).shape == (96, 128, 3)


def test_picture_size_that_changes_is_refused_with_the_frame(tmp_path: Path):
    small = Recipe("small.ts", frames=20).encode(tmp_path)
    large = Recipe("large.ts", frames=20, size=(112, 144)).encode(tmp_path)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(
        VideoError, match="changes its picture size at frame 20, from 128x96 to 144x112"
    ):
        VideoReader(joined)


def test_missing_file(tmp_path: Path):
    with pytest.raises(
        VideoError, match=r"expected a video file, but there is none at .*gone\.mp4"
    ):
        open_source(tmp_path / "gone.mp4")


@pytest.mark.parametrize("content", [b"", b"This is a letter, not a video.\n" * 100, bytes(5000)])
def test_file_that_is_no_video(tmp_path: Path, content: bytes):
    path = tmp_path / "letter.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"letter\.mp4 is not a video that can be read"):
        open_source(path)


def test_playlist_that_poses_as_a_video_reaches_for_nothing(tmp_path: Path):
    path = tmp_path / "playlist.mp4"
    path.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/part.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(VideoError):
        open_source(path)


def test_sound_without_pictures(tmp_path: Path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        silence = AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.rate = 44100
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="has no video stream"):
        open_source(path)


def test_video_without_a_single_picture(tmp_path: Path):
    path = Recipe("empty.mp4", container_options=_FRAGMENTS).encode(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moof") - 4])
    with pytest.raises(VideoError, match=r"no picture of .* can be decoded"):
        open_source(path)


def test_file_that_changed_under_the_reader(tmp_path: Path):
    path = Recipe("shrinks.mkv", options=_B_FRAMES).encode(tmp_path)
    with VideoReader(path) as reader:
        table = reader.table
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with (
        VideoReader(path, table=table) as reader,
        pytest.raises(VideoError, match=r"frame 55 of .* decoded once but not again"),
    ):
        reader.read(55)
