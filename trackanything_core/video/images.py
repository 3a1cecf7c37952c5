"""A list of image files as a video."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from trackanything_core.errors import VideoError
from trackanything_core.types import FrameIndex, Image
from trackanything_core.video.base import FrameSource, check_frame

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})

_EXIF_ORIENTATION = 0x0112


class ImageList(FrameSource):
    """Image files in the order given, one frame each; all must have the same upright size.

    Opening reads the headers only. Images are turned as their EXIF orientation says, as browsers
    do. The list holds no decoded frames, and any number of threads may read it.
    """

    def __init__(self, paths: Iterable[str | Path], *, fps: Fraction | None = None) -> None:
        """Take a list of images.

        Args:
            paths: the files, frame 0 first.
            fps: frames per second, where known.

        Raises:
            VideoError: no images, one that cannot be read, or sizes that differ.
        """
        self._paths = tuple(Path(path) for path in paths)
        self._fps = fps
        if not self._paths:
            raise VideoError("expected at least one image, got an empty list")
        headers = [_read_header(path) for path in self._paths]
        self._size = headers[0][0]
        self._orientations = [orientation for _, orientation in headers]
        for path, (size, _) in zip(self._paths, headers, strict=True):
            if size != self._size:
                raise VideoError(
                    f"{path} is {size[1]}x{size[0]} pixels where {self._paths[0]} is "
                    f"{self._size[1]}x{self._size[0]}: the images of a video need one size"
                )

    @classmethod
    def from_directory(cls, directory: str | Path, *, fps: Fraction | None = None) -> ImageList:
        """Take every image in a folder, sorted as people count: 2.jpg comes before 10.jpg.

        Raises:
            VideoError: not a folder, or without images, and as for a list.
        """
        folder = Path(directory)
        if not folder.is_dir():
            raise VideoError(f"expected a folder of images at {folder}: check the path")
        found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
        if not found:
            raise VideoError(
                f"{folder} holds no images: expected files that end in "
                f"{', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        found.sort(key=lambda path: _natural_key(path.name))
        return cls(found, fps=fps)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file of each frame."""
        return self._paths

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def times(self) -> Sequence[Fraction] | None:
        return None

    @property
    def fps(self) -> Fraction | None:
        return self._fps

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, frame: FrameIndex) -> Image:
        check_frame(frame, len(self))
        return _read_image(self._paths[frame], self._orientations[frame])

    def close(self) -> None:
        """Nothing is held open."""


def _read_header(path: Path) -> tuple[tuple[int, int], int]:
    """Upright (height, width) of an image, and its EXIF orientation (1..8)."""
    if not path.is_file():
        raise VideoError(f"expected an image, but there is no file at {path}: check the path")
    try:
        with PIL.Image.open(path) as image:
            width, height = image.size
            # Asked for EXIF that it has not met yet, Pillow would decode a whole PNG to look on.
            plain = image.format == "PNG" and "exif" not in image.info
            orientation = 1 if plain else image.getexif().get(_EXIF_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise VideoError(f"{path} is not an image that can be read: {error}") from error
    if orientation not in range(1, 9):
        orientation = 1
    return ((width, height) if orientation >= 5 else (height, width)), orientation


def _read_image(path: Path, orientation: int) -> Image:
    try:
        # Through memory, since OpenCV cannot open every path on every system.
        pixels = cv2.imdecode(
            np.fromfile(path, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except (OSError, cv2.error) as error:
        raise VideoError(f"{path} cannot be read: {error}") from error
    if pixels is None:
        raise VideoError(f"{path} cannot be decoded: the file is damaged, get it again")
    return _upright(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8), orientation)


def _upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation, 1..8 (CIPA DC-008, tag 274)."""
    if orientation >= 5:  # stored by columns
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):  # right to left
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):  # bottom to top
        image = image[::-1]
    return np.ascontiguousarray(image)


def _natural_key(name: str) -> tuple[list[tuple[int, int | str]], str]:
    """Digits compare as numbers and stand before letters; the name itself breaks ties."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts], name
