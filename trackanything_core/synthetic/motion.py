"""Where a layer is on each frame: poses, random paths and elastic bending."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

Bend = npt.NDArray[np.float32]
"""(h, w, 2) float32: x, y displacement in pixels of a layer's own picture."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a layer's picture is placed on the frame.

    Attributes:
        x: where the layer's pivot lands, pixels of the frame.
        y: the same, downwards.
        scale: pixels of the frame per pixel of the layer.
        angle: radians, clockwise on the screen.
        shear: horizontal shift per unit of height.
        tilt_x: perspective, relative change of scale per pixel to the right.
        tilt_y: the same, downwards.
    """

    x: float
    y: float
    scale: float = 1.0
    angle: float = 0.0
    shear: float = 0.0
    tilt_x: float = 0.0
    tilt_y: float = 0.0

    def matrix(self, pivot: tuple[float, float]) -> npt.NDArray[np.float64]:
        """(3, 3) homography from the layer's pixels to the frame's."""
        cos, sin = self.scale * np.cos(self.angle), self.scale * np.sin(self.angle)
        turn = np.array([[cos, cos * self.shear - sin], [sin, sin * self.shear + cos]])
        move = np.eye(3)
        move[:2, :2] = turn
        move[2, :2] = self.tilt_x, self.tilt_y
        to_origin = np.array([[1, 0, -pivot[0]], [0, 1, -pivot[1]], [0, 0, 1.0]])
        to_place = np.array([[1, 0, self.x], [0, 1, self.y], [0, 0, 1.0]])
        return np.asarray(to_place @ move @ to_origin, np.float64)


@dataclass(frozen=True, slots=True)
class Pace:
    """Typical change from frame to frame.

    Attributes:
        move: pixels.
        turn: radians.
        zoom: natural logarithm of the ratio of scales.
    """

    move: float
    turn: float
    zoom: float

    @staticmethod
    def draw(rng: np.random.Generator, size: float) -> Pace:
        """Slow, medium or fast, for frames of `size` pixels."""
        move, turn, zoom = _SPEEDS[int(rng.choice(len(_SPEEDS), p=_SPEED_SHARES))]
        return Pace(size * move, turn, zoom)


_SPEEDS = ((0.015, 0.03, 0.015), (0.05, 0.12, 0.05), (0.13, 0.3, 0.12))
_SPEED_SHARES = (0.35, 0.4, 0.25)


def random_path(rng: np.random.Generator, start: Pose, frames: int, pace: Pace) -> list[Pose]:
    """One pose per frame from `start` on: steady velocity, some acceleration, a little shake."""
    direction = rng.uniform(0, 2 * np.pi)
    speed = pace.move * rng.uniform(0.4, 1.6)
    velocity = speed * np.array([np.cos(direction), np.sin(direction)])
    swerve = 0.35 * pace.move * rng.normal(size=2)
    turn, zoom = pace.turn * rng.normal(), pace.zoom * rng.normal()
    shear, tilts = 0.3 * pace.turn * rng.normal(), 0.002 * pace.turn * rng.normal(size=2)
    poses = [start]
    for step in range(1, frames):
        shake = 0.12 * pace.move * rng.normal(size=2)
        place = velocity * step + swerve * step * (step - 1) / 2 + shake
        # Turning and zooming level off, so that long clips neither spin wildly nor vanish.
        level = 2.5 * np.tanh(step / 2.5)
        poses.append(
            replace(
                start,
                x=start.x + float(place[0]),
                y=start.y + float(place[1]),
                scale=start.scale * float(np.exp(np.clip(zoom * level, -0.7, 0.7))),
                angle=start.angle + turn * level,
                shear=start.shear + float(np.clip(shear * level, -0.3, 0.3)),
                tilt_x=start.tilt_x + float(tilts[0]) * level,
                tilt_y=start.tilt_y + float(tilts[1]) * level,
            )
        )
    return poses


def leave_and_return(rng: np.random.Generator, poses: list[Pose], distance: float) -> list[Pose]:
    """The same path with an excursion by `distance` pixels in the middle, back at the end."""
    direction = rng.uniform(0, 2 * np.pi)
    away = distance * np.sin(np.pi * np.arange(len(poses)) / max(len(poses) - 1, 1))
    return [
        replace(pose, x=pose.x + step * np.cos(direction), y=pose.y + step * np.sin(direction))
        for pose, step in zip(poses, away.tolist(), strict=True)
    ]


def through(poses: list[Pose], targets: list[Pose], frame: int, share: float) -> list[Pose]:
    """The same path, bent so that on `frame` it passes `share` of the way on to the target."""
    gap_x = share * (targets[frame].x - poses[frame].x) / max(frame, 1)
    gap_y = share * (targets[frame].y - poses[frame].y) / max(frame, 1)
    return [replace(p, x=p.x + gap_x * k, y=p.y + gap_y * k) for k, p in enumerate(poses)]


def random_bends(
    rng: np.random.Generator, height: int, width: int, frames: int, strength: float
) -> list[Bend]:
    """Smooth elastic displacement that swings to and fro; one field per frame.

    Args:
        rng: the only source of chance.
        height: of the layer's picture, pixels.
        width: the same, across.
        frames: how many fields.
        strength: typical displacement in pixels; the first frame is bent too.
    """
    start, swing = rng.normal(0, strength, (2, 4, 4, 2)).astype(np.float32)
    phase, step = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.5)
    coarse = [0.5 * start + swing * float(np.sin(phase + step * t)) for t in range(frames)]
    fields = [cv2.resize(c, (width, height), interpolation=cv2.INTER_CUBIC) for c in coarse]
    return [np.asarray(field, np.float32) for field in fields]
