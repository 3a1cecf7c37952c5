"""From prompts to the first mask of an object on a frame."""

from __future__ import annotations

from dataclasses import replace

from trackanything_core.errors import PromptError
from trackanything_core.models.base import Segmentation, Segmenter
from trackanything_core.tracking.embeddings import EmbeddingCache
from trackanything_core.tracking.feedback import LogitsFeedback
from trackanything_core.tracking.prompt_check import check_prompt
from trackanything_core.types import Prompt
from trackanything_core.video.base import FrameSource


class Initialiser:
    """Answers prompts on one video; embeds each frame once, feeds earlier answers back.

    Args:
        source: the video.
        segmenter: answers clicks and boxes.
        embedding_bytes: memory for the embeddings of prompted frames.
    """

    def __init__(self, source: FrameSource, segmenter: Segmenter, embedding_bytes: int) -> None:
        self._source = source
        self._segmenter = segmenter
        self._embeddings = EmbeddingCache(embedding_bytes)
        self._feedback = LogitsFeedback()

    def segment(self, prompt: Prompt) -> Segmentation:
        """The mask that a prompt asks for. A mask alone is taken as it is, even an empty one.

        Clicks are answered one after the other, each with what came of those before it: the mask
        follows from the prompt, whether its clicks came one by one or all at once.

        Raises:
            PromptError: the prompt does not fit the video, or nothing was found where it points.
        """
        check_prompt(prompt, len(self._source), self._source.size)
        logits = None
        if prompt.mask is not None:
            logits = self._segmenter.mask_to_logits(prompt.mask)
            if not prompt.clicks and prompt.box is None:
                return Segmentation(prompt.mask.copy(), score=1.0, low_res_logits=logits)
        first = _clicks_of_first_answer(prompt)
        earlier = self._feedback.before(prompt)
        if earlier is not None:
            first, logits = earlier[0] + 1, earlier[1]
        embedding = self._embeddings.get(
            prompt.frame, lambda: self._segmenter.embed(self._source.read(prompt.frame))
        )
        for count in range(first, len(prompt.clicks) + 1):
            step = replace(prompt, clicks=prompt.clicks[:count])
            segmentation = self._segmenter.segment(
                embedding, clicks=step.clicks, box=step.box, mask_logits=logits
            )
            logits = segmentation.low_res_logits
            self._feedback.remember(step, logits)
        if not segmentation.mask.any():
            raise PromptError(
                f"nothing was found for object {prompt.object_id!r} on frame {prompt.frame}: "
                "add a click, or draw a box"
            )
        return segmentation


def _clicks_of_first_answer(prompt: Prompt) -> int:
    """The fewest of the clicks that say where the object is, beside a box or mask if any."""
    if prompt.box is not None:
        return 0
    if prompt.mask is not None:
        return 1
    return 1 + [click.positive for click in prompt.clicks].index(True)
