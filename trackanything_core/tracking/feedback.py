"""Logits of earlier answers, fed back with the next click.

SAM improves a mask step by step: each answer's low-resolution logits go into the next request
(arXiv 2304.02643, section 5 and appendix A). Answers are found again by the prompt that they
answered.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from trackanything_core.types import Box, Click, FrameIndex, ObjectId, Prompt

_Key: TypeAlias = tuple[ObjectId, FrameIndex, tuple[Click, ...], Box | None, bytes | None]
Logits: TypeAlias = npt.NDArray[np.float32]

_REMEMBERED_ANSWERS = 128


class LogitsFeedback:
    """The newest answers of a session, by prompt."""

    def __init__(self) -> None:
        self._logits: LRUCache[_Key, Logits] = LRUCache(_REMEMBERED_ANSWERS)

    def remember(self, prompt: Prompt, logits: Logits) -> None:
        """Keep the logits (h, w) float32 that answered a prompt."""
        self._logits[_key(prompt)] = logits

    def before(self, prompt: Prompt) -> tuple[int, Logits] | None:
        """The longest shorter series of the same clicks that was answered.

        Returns:
            How many clicks that were, and the logits; None where there is none.
        """
        object_id, frame, clicks, box, digest = _key(prompt)
        for count in range(len(clicks) - 1, -1, -1):
            logits = self._logits.get((object_id, frame, clicks[:count], box, digest))
            if logits is not None:
                return count, logits
        return None


def _key(prompt: Prompt) -> _Key:
    digest = None
    if prompt.mask is not None:
        digest = hashlib.blake2b(np.packbits(prompt.mask).tobytes(), digest_size=16).digest()
    return prompt.object_id, prompt.frame, prompt.clicks, prompt.box, digest
