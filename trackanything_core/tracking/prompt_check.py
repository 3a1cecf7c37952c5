"""Does a prompt fit the video? Said before anything is computed or changed."""

from __future__ import annotations

from trackanything_core.errors import PromptError
from trackanything_core.types import Prompt


def check_prompt(prompt: Prompt, frame_count: int, size: tuple[int, int]) -> None:
    """Refuse a prompt that lies outside the video.

    Args:
        prompt: what a human said.
        frame_count: frames of the video.
        size: (height, width) of its pictures in pixels.

    Raises:
        PromptError: the frame is beyond the video, a click or box is outside the picture, or the
            mask has another size or type.
    """
    if prompt.frame >= frame_count:
        raise PromptError(
            f"frame {prompt.frame} is beyond the video, "
            f"which has {frame_count} frames (0..{frame_count - 1})"
        )
    for click in prompt.clicks:
        _check_point(click.x, click.y, size, "click")
    if prompt.box is not None:
        _check_point(prompt.box.x0, prompt.box.y0, size, "box corner")
        _check_point(prompt.box.x1, prompt.box.y1, size, "box corner")
    if prompt.mask is not None and prompt.mask.shape != size:
        raise PromptError(
            f"expected a mask of the size of the video, {_dimensions(size)} pixels, "
            f"got an array of shape {prompt.mask.shape} (rows, columns)"
        )
    if prompt.mask is not None and prompt.mask.dtype != bool:
        raise PromptError(f"expected a mask of type bool, got {prompt.mask.dtype}")


def _check_point(x: float, y: float, size: tuple[int, int], what: str) -> None:
    height, width = size
    # Centres of pixels are at whole numbers, so the picture reaches half a pixel further.
    # Written so that NaN is refused as well.
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise PromptError(
            f"the {what} {x:g},{y:g} is outside the picture of {_dimensions(size)} pixels "
            f"(x 0..{width - 1}, y 0..{height - 1})"
        )


def _dimensions(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
