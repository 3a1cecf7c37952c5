"""How a pass over a video is run: sizes, intervals and the limits of memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from trackanything_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PropagationSettings:
    """The defaults are those of the official code; weights may bring their own.

    Attributes:
        internal_size: short side in pixels at which the network works; None is the native size.
        memory_every: frames from one memory frame to the next; a given mask makes one at once.
        deep_update_every: frames between deep updates of the sensory memory; None does one with
            every memory frame.
        top_k: memory elements that a query reads; None reads all.
        long_term: consolidate old working memory, so that memory is bounded.
        max_working_frames: working memory that starts a consolidation, in frames.
        min_working_frames: what a consolidation leaves there: the first frame and the newest.
        prototypes: elements that a consolidation makes.
        max_long_term_elements: long-term elements, after which the least used are dropped.
    """

    internal_size: int | None = 480
    memory_every: int = 5
    deep_update_every: int | None = None
    top_k: int | None = 30
    long_term: bool = True
    max_working_frames: int = 10
    min_working_frames: int = 5
    prototypes: int = 128
    max_long_term_elements: int = 10_000

    def __post_init__(self) -> None:
        for name in ("internal_size", "deep_update_every", "top_k"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"expected {name} of 1 or more, or None, got {value}")
        for name in ("memory_every", "min_working_frames", "prototypes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"expected {name} of 1 or more, got {getattr(self, name)}")
        if self.max_working_frames <= self.min_working_frames:
            raise ConfigError(
                f"expected max_working_frames above min_working_frames, got "
                f"{self.max_working_frames} and {self.min_working_frames}: "
                "a consolidation would find nothing"
            )
        if self.max_long_term_elements < self.prototypes:
            raise ConfigError(
                f"expected max_long_term_elements of at least prototypes, got "
                f"{self.max_long_term_elements} and {self.prototypes}"
            )

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PropagationSettings:
        """The inverse of `to_dict`; what is not named keeps its default.

        Raises:
            ConfigError: a name is unknown or a value has no meaning.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown propagation settings {unknown}; known are {sorted(known)}")
        return cls(**values)
