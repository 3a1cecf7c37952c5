"""How pictures, points and masks are brought into SAM's square input, and masks back out.

A picture is scaled until its longer side fills the square and padded at the right and at the
bottom, as in the published code (arXiv 2304.02643).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from trackanything_core.types import Image, Mask, SoftMask

_SOFTNESS = 1.0
_CERTAIN = 8.0


def fitted_size(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) in pixels of a picture once its longer side is `side`."""
    scale = side / max(height, width)
    return int(height * scale + 0.5), int(width * scale + 0.5)


def fit(image: Image, side: int) -> Image:
    """Scale a picture to `fitted_size`, with the same filter as the published code."""
    height, width = fitted_size(image.shape[0], image.shape[1], side)
    scaled = PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BILINEAR)
    return np.asarray(scaled)


def mask_to_logits(mask: Mask, side: int, mask_size: int) -> npt.NDArray[np.float32]:
    """Turn a mask into a mask prompt: letterboxed, shrunk, with a soft border.

    Args:
        mask: (H, W) bool.
        side: of the network's square input, pixels.
        mask_size: side of its mask prompt, pixels; divides `side`.

    Returns:
        (mask_size, mask_size) float32 log-odds within ±8, which is the scale of what SAM puts
        out itself; 0 at the border of the mask.
    """
    height, width = fitted_size(mask.shape[0], mask.shape[1], side)
    shrinking = height < mask.shape[0]
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    square = np.zeros((side, side), np.float32)
    square[:height, :width] = cv2.resize(
        mask.astype(np.float32), (width, height), interpolation=method
    )
    return soft_logits(square, mask_size)


def soft_logits(square: SoftMask, mask_size: int) -> npt.NDArray[np.float32]:
    """Shrink letterboxed probabilities, (S, S), to the size and scale of a mask prompt."""
    share = cv2.resize(square, (mask_size, mask_size), interpolation=cv2.INTER_AREA)
    share = np.clip(cv2.GaussianBlur(share, (0, 0), _SOFTNESS), 1e-6, 1 - 1e-6)
    logits = np.log(share / (1 - share))
    return np.asarray(np.clip(logits, -_CERTAIN, _CERTAIN), np.float32)
