"""Embeddings of the frames that were prompted, within a limit of bytes."""

from __future__ import annotations

from collections.abc import Callable

from cachetools import LRUCache

from trackanything_core.models.base import Embedding
from trackanything_core.types import FrameIndex


class EmbeddingCache:
    """The most recently used embeddings of one video; encoding a frame is the slow step."""

    def __init__(self, max_bytes: int) -> None:
        self._embeddings: LRUCache[FrameIndex, Embedding] = LRUCache(
            max_bytes, getsizeof=lambda embedding: embedding.nbytes
        )

    def get(self, frame: FrameIndex, embed: Callable[[], Embedding]) -> Embedding:
        """The embedding of a frame; `embed` makes it where it is not at hand."""
        embedding = self._embeddings.get(frame)
        if embedding is None:
            embedding = embed()
            if embedding.nbytes <= self._embeddings.maxsize:
                self._embeddings[frame] = embedding
        return embedding
