"""Changes of colour, light and picture quality."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.layers import Sprite
from trackanything_core.synthetic.textures import smooth_noise
from trackanything_core.types import Image

_GREY = np.array([0.299, 0.587, 0.114])


def random_recolour(rng: np.random.Generator, strength: float) -> npt.NDArray[np.float64]:
    """A random change of gain, saturation, contrast and brightness.

    Args:
        rng: the only source of chance.
        strength: 0 changes nothing, 0.15 is another exposure, 0.5 another material.

    Returns:
        (4, 4) matrix for `recolour`.
    """
    gain = np.exp(strength * rng.normal(size=3))
    saturation = float(np.exp(strength * rng.normal()))
    contrast = float(np.exp(0.7 * strength * rng.normal()))
    brightness = 60 * strength * rng.normal()
    mix = saturation * np.eye(3) + (1 - saturation) * _GREY[None, :]
    matrix = np.eye(4)
    matrix[:3, :3] = contrast * mix * gain[None, :]
    matrix[:3, 3] = (128 * (1 - contrast) + brightness) / 255
    return matrix


def recolour(sprite: Sprite, matrix: npt.NDArray[np.float64]) -> Sprite:
    """Apply a colour matrix to a sprite; its opacity stays as it is.

    Premultiplied colours need no special care: the opacity is the matrix's constant input.
    """
    changed = cv2.transform(sprite, matrix)
    opacity = changed[..., 3:]
    return np.minimum(changed, opacity)  # a colour cannot exceed its opacity


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """What happens between the scene and the stored picture, for one clip.

    Attributes:
        light: (T, 3) float32 gain per frame and channel.
        shade: (h, w) float32 gain that drifts over the picture, larger than it; or None.
        drift: x, y pixels per frame that the shade moves.
        blur: standard deviation of the lens blur in pixels, 0 for none.
        noise: standard deviation of the sensor noise in grey levels.
        quality: JPEG quality 1..100, or None for no compression.
    """

    light: npt.NDArray[np.float32]
    shade: npt.NDArray[np.float32] | None
    drift: tuple[float, float]
    blur: float
    noise: float
    quality: int | None

    @staticmethod
    def draw(rng: np.random.Generator, frames: int, size: int) -> Camera:
        """A random camera: mostly mild, now and then dim, soft, noisy or heavily compressed."""
        drift = np.exp(0.025 * rng.normal(size=(1, 3)) + 0.06 * rng.normal())
        shade = None
        if rng.random() < 0.3:
            depth = rng.uniform(0.2, 0.6)
            noise = smooth_noise(rng, 2 * size, 2 * size, rng.uniform(3, 8))
            shade = (1 - depth * np.clip(2.5 * noise - 0.8, 0, 1)).astype(np.float32)
        speed = rng.normal(0, 0.04 * size, 2)
        return Camera(
            light=np.power(drift, np.arange(frames)[:, None]).astype(np.float32),
            shade=shade,
            drift=(float(speed[0]), float(speed[1])),
            blur=rng.uniform(0.4, 1.1) if rng.random() < 0.25 else 0.0,
            noise=abs(rng.normal(0, 4)) if rng.random() < 0.6 else 0.0,
            quality=int(rng.integers(25, 85)) if rng.random() < 0.3 else None,
        )

    def shoot(
        self, rng: np.random.Generator, picture: npt.NDArray[np.float32], frame: int
    ) -> Image:
        """Turn a painted (H, W, 3) float32 picture into the stored uint8 RGB one."""
        height, width = picture.shape[:2]
        shot = picture * self.light[frame]
        if self.shade is not None:
            shot *= self._shade_at(self.shade, frame, height, width)[..., None]
        if self.blur > 0:
            shot = cv2.GaussianBlur(shot, (0, 0), self.blur)
        if self.noise > 0:
            shot += self.noise * rng.standard_normal(shot.shape, dtype=np.float32)
        stored = np.clip(shot, 0, 255).astype(np.uint8)
        return stored if self.quality is None else _compress(stored, self.quality)

    def _shade_at(
        self, shade: npt.NDArray[np.float32], frame: int, height: int, width: int
    ) -> npt.NDArray[np.float32]:
        x, y = self.drift[0] * frame, self.drift[1] * frame
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        moved = cv2.warpAffine(shade, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(moved, np.float32)


def _compress(image: Image, quality: int) -> Image:
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8)
