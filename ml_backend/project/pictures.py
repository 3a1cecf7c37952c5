"""The frames of a video as picture files, exact where they are PNG."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path

import cv2

from trackanything_core.types import Image

_JPEG_QUALITY = 95


class PictureFormat(str, Enum):
    """How frames are stored.

    Attributes:
        PNG: lossless; what is tracked is what the file holds.
        JPEG: quality 95, full colour resolution; a tenth of the size.
    """

    PNG = "png"
    JPEG = "jpeg"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class VideoKey:
    """What a video's pictures and its session are named after: its content, not its path.

    Attributes:
        digest: of the file, 16 hexadecimal digits.
        format: how its frames are stored.
    """

    digest: str
    format: PictureFormat

    def picture(self, frame: int) -> str:
        """Name of the file of one frame."""
        suffix = "png" if self.format is PictureFormat.PNG else "jpg"
        return f"{self.digest}-{frame:06d}.{suffix}"

    def session(self, project: int, frames: int) -> str:
        """Name of the session of its first `frames` frames in a project."""
        return f"video-{project}-{self.digest}-{self.format.value}-{frames}"


def video_key(path: Path, format: PictureFormat) -> VideoKey:
    """Read a video's digest from its content."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return VideoKey(digest.hexdigest()[:16], format)


def encode_picture(image: Image, format: PictureFormat) -> bytes:
    """Encode a frame.

    Args:
        image: (H, W, 3) uint8 RGB.
        format: PNG gives back the same pixels.
    """
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if format is PictureFormat.PNG:
        _, data = cv2.imencode(".png", bgr)
    else:
        _, data = cv2.imencode(
            ".jpg",
            bgr,
            [
                cv2.IMWRITE_JPEG_QUALITY,
                _JPEG_QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ],
        )
    return data.tobytes()
