"""Small annotated pictures with known content."""

from __future__ import annotations

import numpy as np

from trackanything_core.training.coco import CocoImage, Segment

RED, BLUE, GREEN = (220, 30, 30), (30, 30, 220), (30, 200, 30)


def picture_with_things() -> CocoImage:
    """96x128, blue: a red disc in the middle, a green thing at the left edge, a speck, a sky."""
    labels = np.full((96, 128), 4, np.uint8)
    y, x = np.mgrid[0:96, 0:128]
    labels[(x - 70) ** 2 + (y - 48) ** 2 < 24**2] = 1
    labels[30:70, 0:20] = 2
    labels[2:5, 2:5] = 3
    colours = np.array([(0, 0, 0), RED, GREEN, RED, BLUE], np.uint8)
    names = (("ball", True), ("door", True), ("speck", True), ("sky", False))
    segments = tuple(
        Segment(name, is_thing, labels, label)
        for label, (name, is_thing) in enumerate(names, start=1)
    )
    return CocoImage("things", colours[labels], segments, license_id=4)


def picture_without_things() -> CocoImage:
    """A grey picture, 100x80, of which nothing can be cut out."""
    labels = np.ones((100, 80), np.uint8)
    image = np.full((100, 80, 3), 128, np.uint8)
    return CocoImage("wall", image, (Segment("wall", False, labels, 1),), license_id=4)
