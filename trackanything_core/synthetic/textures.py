"""Procedural textures: pictures with patterns, without a data set."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.types import Image

Palette = npt.NDArray[np.float32]
"""(K, 3) float32 RGB in 0..255, the colours that a pattern runs through."""


def random_palette(rng: np.random.Generator, colours: int = 3) -> Palette:
    """Colours around one hue with one accent, so that a texture reads as one material."""
    hue = rng.uniform(0, 180) + rng.normal(0, 14, colours)
    hue[-1] += rng.uniform(20, 160)
    saturation = np.clip(rng.uniform(20, 200) + rng.normal(0, 40, colours), 0, 255)
    value = np.clip(rng.uniform(60, 220) + rng.normal(0, 55, colours), 25, 255)
    hsv = np.stack([hue % 180, saturation, value], axis=-1).astype(np.uint8)
    rgb = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]
    return np.asarray(rgb, np.float32)


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, cells: float
) -> npt.NDArray[np.float32]:
    """Value noise, (H, W) float32 around 0..1, with about `cells` bumps along the short side."""
    step = max(min(height, width) / cells, 1.0)
    grid = rng.random((round(height / step) + 2, round(width / step) + 2), dtype=np.float32)
    noise = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(noise, np.float32)


def texture(
    rng: np.random.Generator, height: int, width: int, palette: Palette | None = None
) -> Image:
    """Draw one of five patterns (clouds, stripes, checks, spots, gradient) with fine grain.

    Args:
        rng: the only source of chance.
        height: pixels.
        width: pixels.
        palette: colours to run through; drawn at random when absent.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    colours = random_palette(rng) if palette is None else palette
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))]
    value = pattern(rng, height, width)
    grain = smooth_noise(rng, height, width, min(height, width) / 3) - 0.5
    value = value + rng.uniform(0.05, 0.35) * grain
    picture = _colourise(np.clip(value, 0, 1), colours)
    shade = 0.75 + 0.5 * smooth_noise(rng, height, width, 2)
    return np.clip(picture * shade[..., None], 0, 255).astype(np.uint8)


def _colourise(value: npt.NDArray[np.float32], palette: Palette) -> npt.NDArray[np.float32]:
    """Map 0..1 to colours by a table of 256 steps between the palette's colours."""
    stops = np.linspace(0, 255, len(palette))
    table = np.stack([np.interp(np.arange(256), stops, palette[:, c]) for c in range(3)], axis=-1)
    return np.asarray(table.astype(np.float32)[(value * 255).astype(np.uint8)])


def _axis(
    rng: np.random.Generator, height: int, width: int, angle: float
) -> npt.NDArray[np.float32]:
    """Distance along a direction in units of the short side, gently bent."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / min(height, width)
    bend = rng.uniform(0, 0.25) * smooth_noise(rng, height, width, 2.5)
    return np.asarray(np.cos(angle) * x + np.sin(angle) * y + bend, np.float32)


def _clouds(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    cells = rng.uniform(2, 6)
    total = smooth_noise(rng, height, width, cells)
    for octave, weight in ((2, 0.5), (4, 0.3), (8, 0.2)):
        total = total + weight * (smooth_noise(rng, height, width, cells * octave) - 0.5)
    return total


def _stripes(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    along = _axis(rng, height, width, rng.uniform(0, np.pi))
    wave = np.sin(2 * np.pi * rng.uniform(3, 9) * along)
    return np.asarray(0.5 + 0.5 * np.clip(wave * rng.uniform(1, 6), -1, 1), np.float32)


def _checks(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(3, 7)
    one = np.sin(2 * np.pi * pitch * _axis(rng, height, width, angle))
    other = np.sin(2 * np.pi * pitch * _axis(rng, height, width, angle + np.pi / 2))
    return np.asarray(0.5 + 0.5 * np.clip(6 * one * other, -1, 1), np.float32)


def _spots(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    noise = smooth_noise(rng, height, width, rng.uniform(5, 12))
    edge = rng.uniform(0.4, 0.65)
    return np.asarray(np.clip((noise - edge) * 8 + 0.5, 0, 1), np.float32)


def _gradient(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    along = _axis(rng, height, width, rng.uniform(0, 2 * np.pi))
    return np.asarray((along - along.min()) / max(float(np.ptp(along)), 1e-6), np.float32)


_PATTERNS = (_clouds, _stripes, _checks, _spots, _gradient)
