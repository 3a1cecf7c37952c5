"""Hand-made sprites of the demo's scene: sky, hills, a poplar and hot-air balloons."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.synthetic.layers import Sprite, make_sprite
from trackanything_core.synthetic.textures import Palette, smooth_noise

Colour = tuple[int, int, int]

_OVERSAMPLING = 4


def sky(rng: np.random.Generator, height: int, width: int) -> Sprite:
    """Blue above, pale at the horizon, with clouds."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    colour = _blend(down[..., None] ** 0.8, (92, 148, 205), (246, 226, 200))
    noise = smooth_noise(rng, height, width, 3)
    for octave, weight in ((7, 0.5), (16, 0.25), (40, 0.1)):
        noise = noise + weight * (smooth_noise(rng, height, width, octave) - 0.5)
    clouds = np.clip((noise - 0.55) * 2.2, 0, 0.85) * (1 - 0.7 * down)
    picture = colour * (1 - clouds[..., None]) + 250 * clouds[..., None]
    return _solid(picture)


def hills(
    rng: np.random.Generator, height: int, width: int, near: Colour, far: Colour, waves: float
) -> Sprite:
    """A rolling skyline over the full width, grassy below; the sprite's top is clear.

    Args:
        rng: the only source of chance.
        height: pixels, from the highest possible crest to the bottom.
        width: pixels.
        near: colour at the bottom.
        far: colour at the skyline.
        waves: hills across the width.
    """
    x = np.linspace(0, 2 * np.pi * waves, width)
    crest = np.sin(x + rng.uniform(0, 6)) + 0.5 * np.sin(2.3 * x + rng.uniform(0, 6))
    crest = height * (0.2 + 0.11 * crest)
    depth = np.arange(height, dtype=np.float32)[:, None] - crest[None, :].astype(np.float32)
    opacity = np.clip(255 * (depth + 0.5), 0, 255).astype(np.uint8)
    furrows = np.sin(depth / height * 70 + 5 * smooth_noise(rng, height, width, 1.5))
    grain = smooth_noise(rng, height, width, 9) + 0.8 * smooth_noise(rng, height, width, 45) - 0.9
    ground = _blend(np.clip(depth / height, 0, 1)[..., None], far, near)
    light = 1 + 0.25 * grain + 0.05 * furrows
    return make_sprite(_picture(ground * light[..., None]), opacity)


def poplar(rng: np.random.Generator, height: int) -> Sprite:
    """A tall, narrow tree with ragged foliage; a fifth as wide as high."""
    big = height * 2
    width = big // 5
    y, x = np.mgrid[0:big, 0:width].astype(np.float32)
    across = (x - width / 2) / (width / 2)
    down = y / (0.93 * big)
    half = 0.85 * np.clip(np.sin(np.pi * np.clip(down, 0, 1) ** 1.5), 0, None) ** 0.7
    leaves = smooth_noise(rng, big, width, 16)
    edge = half - np.abs(across) + 0.35 * (leaves - 0.5)
    crown = (edge > 0) & (down > 0.01) & (down < 1)
    trunk = (np.abs(across) < 0.13) & (down > 0.5)
    light = np.clip(0.75 + 0.7 * (leaves - 0.5) - 0.35 * across, 0.3, 1.3)
    light = light + 0.5 * (smooth_noise(rng, big, width, 40) - 0.5)
    colour = _blend(crown[..., None].astype(np.float32), (88, 66, 48), (52, 92, 50))
    sprite = make_sprite(
        _picture(colour * light[..., None]), np.where(crown | trunk, np.uint8(255), np.uint8(0))
    )
    small = cv2.resize(sprite, (width // 2, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def balloon(height: int, palette: Palette, band: Colour) -> Sprite:
    """A hot-air balloon with a basket; two thirds as wide as high.

    Args:
        height: pixels.
        palette: (K, 3) RGB, the colours of the gores, in turn.
        band: RGB of the ring round the widest part.
    """
    big = height * _OVERSAMPLING
    width = round(big * 0.72)
    y, x = np.mgrid[0:big, 0:width].astype(np.float32)
    down, across = y / big, (x - (width - 1) / 2) / big
    half = _half_width(down)
    turn = np.clip(across / np.maximum(half, 1e-4), -1, 1)
    longitude = np.arcsin(turn)
    gore = np.floor((longitude / np.pi + 0.5) * 9).astype(int) % len(palette)
    colour = palette[gore]
    ring = np.abs(down - 0.36 - 0.018 * np.sign(np.sin(18 * longitude))) < 0.045
    colour = np.where(ring[..., None], np.array(band, np.float32), colour)
    light = 0.62 + 0.45 * np.cos(longitude + 0.5) * np.cos((down - 0.28) * 1.7)
    picture = _picture(colour * np.clip(light, 0.35, 1.15)[..., None])
    opacity = np.where((np.abs(across) < half) & (down < 0.815), np.uint8(255), np.uint8(0))
    _hang_basket(picture, opacity)
    sprite = make_sprite(picture, opacity)
    size = (width // _OVERSAMPLING, height)
    return np.asarray(cv2.resize(sprite, size, interpolation=cv2.INTER_AREA), np.uint8)


def _half_width(down: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Half the width of the envelope at a height, both in units of the balloon's height."""
    radius, middle = 0.34, 0.355
    dome = np.sqrt(np.clip(radius**2 - (down - middle) ** 2, 0, None))
    below = np.clip((down - middle) / (0.815 - middle), 0, 1)
    taper = radius - (radius - 0.075) * below**1.7
    return np.asarray(np.where(down < middle, dome, taper), np.float32)


def _hang_basket(picture: npt.NDArray[np.uint8], opacity: npt.NDArray[np.uint8]) -> None:
    """Draw ropes and the basket below the envelope, in place."""
    height, width = opacity.shape
    middle, top, bottom = width // 2, round(0.9 * height), height - 4
    reach = round(0.065 * height)
    for side in (-1, 0, 1):
        ends = (middle + side * reach, round(0.8 * height)), (middle + side * reach, top)
        for target, value in ((picture, (70, 55, 45)), (opacity, (255,))):
            cv2.line(target, *ends, value, max(height // 90, 1))
    corners = (middle - reach, top), (middle + reach, bottom)
    cv2.rectangle(picture, *corners, (134, 92, 52), -1)
    cv2.rectangle(opacity, *corners, (255,), -1)
    for row in range(top, bottom, max(height // 45, 2)):
        cv2.line(picture, (middle - reach, row), (middle + reach, row), (104, 68, 38), 2)


def _blend(share: npt.NDArray[np.float32], one: Colour, other: Colour) -> npt.NDArray[np.float32]:
    """`one` where the share is 0, `other` where it is 1."""
    return np.asarray(
        np.array(one, np.float32) * (1 - share) + np.array(other, np.float32) * share, np.float32
    )


def _picture(colours: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.clip(colours, 0, 255).astype(np.uint8)


def _solid(colours: npt.NDArray[np.float32]) -> Sprite:
    return make_sprite(_picture(colours), np.full(colours.shape[:2], 255, np.uint8))
