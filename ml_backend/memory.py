"""What was said of one task's objects so far.

The editor drops all smart prompts when a mask is accepted, so that later requests carry new ones
only. Here they stay, by label and frame, and a new request adds to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ml_backend.prompts import Interaction, PromptRow, build_prompt
from trackanything_core.masks.rle import Rle, decode_rle, encode_rle
from trackanything_core.types import Click, FrameIndex, Mask, Prompt


@dataclass(frozen=True, slots=True)
class PromptMemory:
    """The remembered prompts of one task; changes make a new memory.

    Attributes:
        rows: per label, oldest first, each row id once.
        pending: ids of the last request per label and control; the editor still shows these, or
            has accepted them since.
        starts: masks that clicks improve upon, where they could not do without.
    """

    rows: Mapping[str, tuple[PromptRow, ...]] = field(default_factory=dict)
    pending: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    starts: Mapping[tuple[str, FrameIndex], Rle] = field(default_factory=dict)

    def with_interaction(self, interaction: Interaction) -> PromptMemory:
        """Add the rows of a request; a row with a known id has been moved and replaces it.

        A request repeats the rows that are still in the editor. If it repeats some of the last
        request but not all, then the others were deleted there, and are forgotten.
        """
        label, control = interaction.label, interaction.rows[-1].control
        sent = frozenset(row.id for row in interaction.rows)
        last = self.pending.get((label, control), frozenset())
        gone = sent | last if sent & last else sent
        kept = [row for row in self.rows.get(label, ()) if row.id not in gone]
        return replace(
            self,
            rows={**self.rows, label: (*kept, *interaction.rows)},
            pending={**self.pending, (label, control): sent},
        )

    def with_start(self, label: str, frame: FrameIndex, mask: Mask) -> PromptMemory:
        """Remember the mask (H, W) that the clicks on this frame are to improve."""
        return replace(self, starts={**self.starts, (label, frame): encode_rle(mask)})

    def without(self, label: str, frame: FrameIndex) -> PromptMemory:
        """Forget the rows of one label on one frame."""
        kept = tuple(row for row in self.rows.get(label, ()) if row.frame != frame)
        return replace(self, rows={**self.rows, label: kept})

    def frames(self, label: str) -> list[FrameIndex]:
        """The frames with rows of this label, ascending."""
        return sorted({row.frame for row in self.rows.get(label, ())})

    def changed_frames(self, other: PromptMemory, label: str) -> list[FrameIndex]:
        """The frames on which another memory has other rows of this label, ascending."""
        frames = sorted({*self.frames(label), *other.frames(label)})
        return [f for f in frames if self.rows_on(label, f) != other.rows_on(label, f)]

    def rows_on(self, label: str, frame: FrameIndex) -> tuple[PromptRow, ...]:
        """The rows of one label on one frame, oldest first."""
        return tuple(row for row in self.rows.get(label, ()) if row.frame == frame)

    def needs_start(self, label: str, frame: FrameIndex) -> bool:
        """Whether the rows only take away, and nothing says from what."""
        marks = [row.mark for row in self.rows_on(label, frame)]
        only_negative = all(isinstance(mark, Click) and not mark.positive for mark in marks)
        return only_negative and (label, frame) not in self.starts

    def prompt(self, label: str, frame: FrameIndex) -> Prompt:
        """All that was said of one label on one frame; the object is named as the label.

        Raises:
            PromptError: nothing was, or nothing but what it is not.
        """
        start = self.starts.get((label, frame))
        mask = decode_rle(start) if start else None
        return build_prompt(label, frame, self.rows_on(label, frame), mask)

    def prompts(self) -> Iterator[Prompt]:
        """All prompts, label by label and frame by frame."""
        for label in self.rows:
            for frame in self.frames(label):
                yield self.prompt(label, frame)
