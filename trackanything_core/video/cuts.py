"""Where one shot of a video ends and the next begins.

PySceneDetect's adaptive detector proposes frames that change more than the frames about them do.
A flash, a change of the light, a jolt of the camera and something that rushes past the lens
do that too, but after these the scene is there again. So a proposal counts only if no picture
right after it shows what a picture right before it showed, be it brighter, darker or moved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from trackanything_core.types import FrameIndex, Image
from trackanything_core.video.base import FrameSource

_SIDE = 192  # pixels of the longer side on which changes are measured
_VIEW = (24, 16)  # (width, height) of the views that are compared across a proposal
_CENTRE = np.s_[4:-4, 6:-6]  # of a view; so much it may have moved and is still found
_LOOK = 4  # frames before and after a proposal that are compared: longer than a flash
_SAME_SCENE = 0.85  # correlation, -1..1, from which two views show one scene
_FLAT = 2.0  # standard deviation, 0..255, below which a view is black, white or fog
_RATIO = 3.0  # how much more than the frames about it a frame must change to be proposed
_LEAST_CHANGE = 12.0  # mean change of hue, saturation and brightness, 0..255, to be proposed
_NOMINAL_FPS = 25.0  # the detector wants a frame rate and here uses none


def find_cuts(
    source: FrameSource,
    *,
    shortest_shot: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[FrameIndex, ...]:
    """Find the hard cuts of a video in one pass over its frames, in bounded memory.

    Dissolves and fades are not found, nor cuts within two frames of either end. A scene that is
    away for less than four frames was hidden, not cut. The same pictures give the same cuts.

    Args:
        source: the video.
        shortest_shot: frames that a shot has at least; a cut that follows sooner is passed over.
        progress: called after each frame with the frames done and the frames to do.

    Returns:
        The first frames of new shots, ascending; never frame 0.

    Raises:
        VideoError: a frame cannot be decoded.
    """
    cuts: list[FrameIndex] = []
    for cut in _changes_of_scene(source, progress):
        if not cuts or cut - cuts[-1] >= shortest_shot:
            cuts.append(cut)
    return tuple(cuts)


@dataclass(frozen=True, slots=True)
class _Seen:
    frame: FrameIndex
    view: Image


def _changes_of_scene(
    source: FrameSource, progress: Callable[[int, int], None] | None
) -> Iterator[FrameIndex]:
    detector = AdaptiveDetector(
        adaptive_threshold=_RATIO, min_content_val=_LEAST_CHANGE, min_scene_len=1
    )
    # Wide enough for `_LOOK` frames on both sides of a proposal that waits for the later ones.
    seen: deque[_Seen] = deque(maxlen=2 * _LOOK + detector.window_width)
    waiting: deque[FrameIndex] = deque()
    for frame, image in source.iterate():
        small = _shrink(image)
        seen.append(_Seen(frame, _resize(small, _VIEW)))
        proposals = detector.process_frame(
            FrameTimecode(frame, _NOMINAL_FPS), cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        )
        waiting += [proposal.frame_num for proposal in proposals]
        while waiting and (frame >= waiting[0] + _LOOK - 1 or frame == len(source) - 1):
            proposal = waiting.popleft()
            if _scene_changes(seen, proposal):
                yield proposal
        if progress:
            progress(frame + 1, len(source))


def _scene_changes(seen: deque[_Seen], proposal: FrameIndex) -> bool:
    """Whether no view after a proposal is like one before it."""
    before = [s.view for s in seen if proposal - _LOOK <= s.frame < proposal]
    after = [s.view for s in seen if proposal <= s.frame < proposal + _LOOK]
    return all(_likeness(a, b) < _SAME_SCENE for a in before for b in after)


def _likeness(first: Image, second: Image) -> float:
    """How well the middle of one view is found in the other, -1..1, whatever the light."""
    if min(_contrast(first[_CENTRE]), _contrast(second)) < _FLAT:
        return 0.0  # correlation means nothing where there is nothing to see
    return float(cv2.matchTemplate(second, first[_CENTRE], cv2.TM_CCOEFF_NORMED).max())


def _contrast(view: Image) -> float:
    return float(view.std((0, 1)).max())


def _shrink(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    return _resize(image, (max(1, round(scale * width)), max(1, round(scale * height))))


def _resize(image: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
