"""Prompts for training: what a person would click, box or hand over as a poor mask."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trackanything_core.evaluation.clicks import innermost, next_click, random_click
from trackanything_core.synthetic.textures import smooth_noise
from trackanything_core.types import Box, Click, Mask


def first_click(truth: Mask, rng: np.random.Generator) -> Click:
    """A click on the object: in its middle as often as anywhere else on it."""
    if rng.random() < 0.5:
        x, y = innermost(truth)
        return Click(x, y)
    ys, xs = np.nonzero(truth)
    chosen = int(rng.integers(len(xs)))
    return Click(int(xs[chosen]), int(ys[chosen]))


def corrective_click(prediction: Mask, truth: Mask, rng: np.random.Generator) -> Click:
    """A click on an error, in its middle as often as anywhere; on the object if all is well."""
    click = (
        next_click(prediction, truth)
        if rng.random() < 0.5
        else random_click(prediction, truth, rng)
    )
    return click if click is not None else first_click(truth, rng)


def loose_box(truth: Mask, rng: np.random.Generator) -> Box:
    """The object's box, each side off by about a twentieth (arXiv 2304.02643, appendix A)."""
    x, y, width, height = cv2.boundingRect(truth.view(np.uint8))
    shift = rng.normal(0, 0.05, 4) * np.array([width, height, width, height])
    shift = np.clip(shift, -20, 20)
    bottom, right = truth.shape[0] - 1, truth.shape[1] - 1
    x0 = float(np.clip(x + shift[0], 0, right - 1))
    y0 = float(np.clip(y + shift[1], 0, bottom - 1))
    x1 = float(np.clip(x + width - 1 + shift[2], x0 + 1, right))
    y1 = float(np.clip(y + height - 1 + shift[3], y0 + 1, bottom))
    return Box(x0, y0, x1, y1)


def poor_mask(truth: Mask, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The object as a tracker might have lost it: (H, W) float32 probabilities.

    Border bent and moved, grown or shrunk, parts missing, spurious parts, soft all over.
    """
    height, width = truth.shape
    side = float(np.sqrt(truth.sum()))
    soft = truth.astype(np.float32)
    dx, dy = rng.normal(0, 0.05 * side, 2)
    bend = rng.uniform(0, 0.12) * side
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    xs += dx + bend * (2 * smooth_noise(rng, height, width, 5) - 1)
    ys += dy + bend * (2 * smooth_noise(rng, height, width, 5) - 1)
    soft = np.asarray(cv2.remap(soft, xs, ys, cv2.INTER_LINEAR), np.float32)
    blurred = cv2.GaussianBlur(soft, (0, 0), max(rng.uniform(0.01, 0.06) * side, 0.5))
    soft = np.asarray(blurred, np.float32)
    level = rng.uniform(-0.35, 0.35)  # a threshold off one half grows or shrinks the mask
    if rng.random() < 0.5:
        missing = smooth_noise(rng, height, width, rng.uniform(2, 8)) < rng.uniform(0.1, 0.5)
        soft = soft * (1 - 0.9 * missing)
    if rng.random() < 0.4:
        spurious = smooth_noise(rng, height, width, rng.uniform(4, 10)) > rng.uniform(0.75, 0.95)
        near = cv2.dilate(truth.view(np.uint8), np.ones((3, 3), np.uint8), iterations=8) > 0
        soft = np.maximum(soft, 0.8 * (spurious & near))
    return np.clip(soft + level * (soft > 0.05) * (soft < 0.95), 0, 1).astype(np.float32)
