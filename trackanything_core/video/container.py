"""How FFmpeg opens a file here, and which of its pictures count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from trackanything_core.errors import VideoError


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a file and find its first video stream; cover pictures of audio files do not count.

    Raises:
        VideoError: no such file, not a video, no video stream, or no decoder for it.
    """
    if not path.is_file():
        raise VideoError(f"expected a video file, but there is none at {path}: check the path")
    try:
        # "file:" keeps odd names from being read as addresses; the list keeps a playlist that
        # poses as a video from reaching for the network.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except av.error.FFmpegError as error:
        raise VideoError(
            f"{path} is not a video that can be read ({error.strerror}): "
            "expected mp4, mov, webm, mkv, avi or MPEG-TS"
        ) from error
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            break
    else:
        container.close()
        raise VideoError(f"{path} has no video stream, only sound or text: give a video")
    if stream.codec_context is None:
        container.close()
        raise VideoError(f"{path} is in a video format that no decoder here knows: re-encode it")
    return container, stream


def decode_pictures(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Yield the pictures from where the container stands, in the order they are shown.

    Damaged packets are passed over, and a file that ends in the middle ends there: the pictures
    that decode are the video. What the decoder makes up next to damage can differ between passes.
    """
    for packet in _packets(container, stream):
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            continue


def _packets(
    container: InputContainer, stream: VideoStream
) -> Iterator[Packet[VideoStream] | None]:
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError:
        yield None  # no more can be read, yet the decoder still holds pictures: flush it
