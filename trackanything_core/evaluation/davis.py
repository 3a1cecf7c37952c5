"""Reads data sets that are laid out like DAVIS: pictures, and an index map for each of them.

DAVIS-2016 marks one object in black and white; DAVIS-2017 numbers the objects in a palette image,
with 255 for pixels that do not count. Of its test sets the first frame alone is annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from trackanything_core.errors import DataError
from trackanything_core.types import FrameIndex, Mask, ObjectId

_VOID = 255


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true of one frame.

    Attributes:
        masks: (H, W) bool per object of the sequence; empty where it is out of sight.
        void: (H, W) bool, pixels that do not count.
    """

    masks: dict[ObjectId, Mask]
    void: Mask


@dataclass(frozen=True, slots=True)
class DavisSequence:
    """One sequence with its truth.

    Attributes:
        name: the name of its folder.
        images: the folder of its pictures.
        frames: how many pictures there are.
        annotations: its index maps, one for each frame, in order; of a test set the first alone.
        objects: the objects on the first frame, named by their numbers, ascending.
        binary: every pixel that is not black belongs to the one object.
    """

    name: str
    images: Path
    frames: int
    annotations: tuple[Path, ...]
    objects: tuple[ObjectId, ...]
    binary: bool

    def __len__(self) -> int:
        return self.frames

    @property
    def is_measurable(self) -> bool:
        """Whether the truth of every frame is known."""
        return len(self.annotations) == self.frames

    def truth(self, frame: FrameIndex) -> Truth:
        """The masks of all objects on one frame.

        Raises:
            DataError: there is no annotation, or it cannot be read.
        """
        if frame >= len(self.annotations):
            raise DataError(
                f"expected an annotation of frame {frame} of {self.name}, there are "
                f"{len(self.annotations)} for {self.frames} pictures"
            )
        values, _ = _read_values(self.annotations[frame])
        if self.binary:
            return Truth({self.objects[0]: values > 0}, np.zeros(values.shape, bool))
        return Truth({name: values == int(name) for name in self.objects}, values == _VOID)


def read_davis(
    root: Path, resolution: str = "480p", image_set: str | None = None
) -> list[DavisSequence]:
    """Find the sequences of a data set, by name.

    Args:
        root: holds JPEGImages/RESOLUTION/SEQUENCE/*.jpg and
            Annotations/RESOLUTION/SEQUENCE/*.png, with one annotation for each picture, or one
            for the first picture alone.
        resolution: name of the folders between.
        image_set: takes the sequences that ImageSets/IMAGE_SET.txt lists, as "2017/val" does;
            all of them if None.

    Raises:
        DataError: it is not laid out so.
    """
    images, annotations = (root / kind / resolution for kind in ("JPEGImages", "Annotations"))
    for folder in (images, annotations):
        if not folder.is_dir():
            raise DataError(
                f"expected a data set laid out like DAVIS, with JPEGImages/{resolution}/SEQUENCE "
                f"and Annotations/{resolution}/SEQUENCE; there is no folder {folder}"
            )
    names = sorted(folder.name for folder in annotations.iterdir() if folder.is_dir())
    if not names:
        raise DataError(f"expected one folder for each sequence in {annotations}, found none")
    if image_set is not None:
        names = _read_image_set(root / "ImageSets" / f"{image_set}.txt", names)
    return [_read_sequence(images / name, annotations / name) for name in names]


def _read_image_set(path: Path, known: Sequence[str]) -> list[str]:
    """The sequences that a list names.

    DAVIS-2017 has the name of a sequence on each line, DAVIS-2016 a picture and its annotation.
    """
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        there = path.parent.parent.glob("*/*.txt")
        sets = sorted(f"{found.parent.name}/{found.stem}" for found in there)
        raise DataError(
            f"expected a list of sequences in {path}; there are {', '.join(sets) or 'none'}"
        ) from error
    names = sorted({Path(first).parent.name or first for first, *_ in lines})
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        raise DataError(
            f"expected {path} to list sequences that are there, got {', '.join(unknown) or 'none'}"
        )
    return names


def _read_sequence(images: Path, annotations: Path) -> DavisSequence:
    pictures = sorted(path.stem for path in images.glob("*.jpg"))
    maps = sorted(annotations.glob("*.png"))
    if [path.stem for path in maps] not in (pictures, pictures[:1]) or not maps:
        raise DataError(
            f"expected a PNG of the same name in {annotations} for each JPEG in {images}, or for "
            f"the first alone, got {len(maps)} for {len(pictures)}"
        )
    if len(pictures) < 3:
        # The measure leaves out the first frame and the last.
        raise DataError(f"expected at least 3 frames in {images}, got {len(pictures)}")
    values, has_palette = _read_values(maps[0])
    numbers = np.unique(values[values > 0])
    binary = not has_palette and len(numbers) == 1
    objects = ["1"] if binary else [str(number) for number in numbers if number != _VOID]
    if not objects:
        raise DataError(f"expected at least one object on the first frame, {maps[0]} has none")
    return DavisSequence(
        annotations.name, images, len(pictures), tuple(maps), tuple(objects), binary
    )


def _read_values(path: Path) -> tuple[npt.NDArray[np.uint8], bool]:
    """The numbers of the pixels, (H, W) uint8, and whether they point into a palette."""
    try:
        with PillowImage.open(path) as picture:
            has_palette = picture.mode == "P"
            return np.array(picture if has_palette else picture.convert("L")), has_palette
    except OSError as error:
        raise DataError(f"expected a picture of object numbers, cannot read {path}") from error
