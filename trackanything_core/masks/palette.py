"""The colours of DAVIS and PASCAL VOC, and index maps as PNG files in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image

from trackanything_core.errors import MaskError
from trackanything_core.files import replaced_on_success
from trackanything_core.masks.index_map import IndexMap, check_index_map


def davis_palette() -> npt.NDArray[np.uint8]:
    """256 colours that differ most among the first: (256, 3) uint8 RGB; 0 is black.

    The bits of an index are dealt to red, green and blue in turn, lowest bit first, and fill
    each channel from its highest bit downwards.
    """
    index = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        channel, round_ = bit % 3, bit // 3
        palette[:, channel] |= ((index >> bit & 1) << 7 - round_).astype(np.uint8)
    return palette


def write_indexed_png(path: Path, index_map: IndexMap) -> None:
    """Write an index map, (H, W) uint8, as a palette PNG; the file appears whole or not at all.

    Raises:
        MaskError: not (H, W) uint8.
        OSError: the file cannot be written.
    """
    image = PIL.Image.fromarray(check_index_map(index_map))
    image.putpalette(davis_palette().tobytes())
    with replaced_on_success(path) as temporary:
        image.save(temporary, format="PNG")


def read_indexed_png(path: Path) -> IndexMap:
    """Read the indices of a palette or grey PNG as (H, W) uint8.

    Raises:
        MaskError: no such file, damaged, or with colours in place of indices.
    """
    try:
        with PIL.Image.open(path) as image:
            if image.mode not in ("P", "L"):
                raise MaskError(
                    f"{path} holds colours ({image.mode}): expected a palette or 8-bit grey PNG"
                )
            return np.array(image)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise MaskError(f"{path} cannot be read as a mask: {error}") from error
