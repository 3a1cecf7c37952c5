"""Procedural outlines, drawn as smooth opacity maps."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Opacity = npt.NDArray[np.uint8]
"""(H, W) uint8: 0 is clear, 255 is solid; an outline lies at 128."""

_SUBPIXEL_BITS = 4


def blob(rng: np.random.Generator, size: int, roughness: float = 0.25) -> Opacity:
    """A closed curve whose radius is a short random Fourier series; fills a square of `size`."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = np.ones_like(angle)
    for order in range(2, 7):
        amplitude = roughness * rng.normal() / (order - 0.5)
        radius += amplitude * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.3, None)
    aspect = rng.uniform(0.6, 1.0)
    points = np.stack([radius * np.cos(angle), aspect * radius * np.sin(angle)], axis=-1)
    return fill(points, size)


def polygon(rng: np.random.Generator, size: int) -> Opacity:
    """A random star-shaped polygon with 3 to 9 corners."""
    corners = int(rng.integers(3, 10))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners)) + np.linspace(0, 0.5, corners)
    radius = rng.uniform(0.45, 1.0, corners)
    return fill(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1), size)


def bar(rng: np.random.Generator, size: int) -> Opacity:
    """A straight beam across the square: what poles and trunks do to the things behind them."""
    half = rng.uniform(0.06, 0.22)
    return fill(np.array([[-1, -half], [1, -half], [1, half], [-1, half]]), size)


def random_shape(rng: np.random.Generator, size: int) -> Opacity:
    """A blob (two times in three) or a polygon."""
    return blob(rng, size) if rng.random() < 0.67 else polygon(rng, size)


def fill(points: npt.NDArray[np.float64], size: int) -> Opacity:
    """Fill a closed curve, scaled about its middle to touch a `size` x `size` square.

    Args:
        points: (K, 2) x, y in any unit.
        size: pixels; the outline stays two pixels inside.

    Returns:
        (size, size) opacity with an anti-aliased border.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (size - 5) / max(float((high - low).max()), 1e-6)
    pixels = (points - (low + high) / 2) * scale + (size - 1) / 2
    canvas = np.zeros((size, size), np.uint8)
    fixed = np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return canvas
