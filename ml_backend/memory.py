"""What was said of one task's objects so far.

The editor drops all smart prompts when a mask is accepted, so that later requests carry new ones
only. Here they stay, by object and frame, and a new request adds to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml_backend.prompts import Interaction, PromptRow, build_prompt
from trackanything_core.masks.rle import Rle, decode_rle, encode_rle
from trackanything_core.types import FrameIndex, Mask, ObjectId, Prompt


@dataclass(frozen=True, slots=True)
class Said:
    """A row, and the object that it was said of."""

    object_id: ObjectId
    row: PromptRow


@dataclass(frozen=True, slots=True)
class Pending:
    """Ids of the last request's rows of one label and control.

    The editor still shows these, or has accepted them since.
    """

    label: str
    control: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Start:
    """The mask of an object on a frame that its clicks there are to improve.

    Attributes:
        size: (height, width) in pixels.
        counts: COCO's run lengths.
    """

    object_id: ObjectId
    frame: FrameIndex
    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True)
class PromptMemory:
    """The remembered prompts of one task; changes make a new memory.

    Attributes:
        said: oldest first, each row id once.
        pending: at most one for each label and control.
        starts: at most one for each object and frame.
    """

    said: tuple[Said, ...] = ()
    pending: tuple[Pending, ...] = ()
    starts: tuple[Start, ...] = ()

    def new_rows(self, interaction: Interaction) -> list[PromptRow]:
        """The rows of a request that were never seen, oldest first."""
        known = {said.row.id for said in self.said}
        return [row for row in interaction.rows if row.id not in known]

    def repeats(self, interaction: Interaction) -> bool:
        """Whether a request repeats rows of the one before it of its label and control.

        Then the answer to that one was not accepted, or never arrived in the editor.
        """
        return bool(self._last(interaction) & _ids(interaction))

    def with_known(self, interaction: Interaction) -> PromptMemory:
        """Take over what a request says of rows that are known, and remember what it shows.

        A row with a known id has been moved and replaces it. A request repeats the rows that are
        still in the editor: if it repeats some of the last request but not all, then the others
        were deleted there, and are forgotten.
        """
        sent, last = _ids(interaction), self._last(interaction)
        deleted = last - sent if sent & last else frozenset()
        rows = {row.id: row for row in interaction.rows}
        said = tuple(
            replace(s, row=rows.get(s.row.id, s.row)) for s in self.said if s.row.id not in deleted
        )
        control = interaction.rows[-1].control
        others = tuple(
            p for p in self.pending if (p.label, p.control) != (interaction.label, control)
        )
        pending = (*others, Pending(interaction.label, control, sent))
        return replace(self, said=said, pending=pending)

    def with_row(self, object_id: ObjectId, row: PromptRow) -> PromptMemory:
        """Add a row that is said of an object."""
        return replace(self, said=(*self.said, Said(object_id, row)))

    def with_start(self, object_id: ObjectId, frame: FrameIndex, mask: Mask) -> PromptMemory:
        """Remember the mask (H, W) that the clicks on this frame are to improve."""
        rle = encode_rle(mask)
        start = Start(object_id, frame, (mask.shape[0], mask.shape[1]), rle["counts"])
        others = (s for s in self.starts if (s.object_id, s.frame) != (object_id, frame))
        return replace(self, starts=(*others, start))

    def without(self, object_id: ObjectId, frame: FrameIndex | None = None) -> PromptMemory:
        """Forget what was said of an object on one frame, or on all."""

        def stays(of: ObjectId, on: FrameIndex) -> bool:
            return of != object_id or frame not in (None, on)

        return replace(
            self,
            said=tuple(s for s in self.said if stays(s.object_id, s.row.frame)),
            starts=tuple(s for s in self.starts if stays(s.object_id, s.frame)),
        )

    @property
    def prompted(self) -> dict[tuple[ObjectId, FrameIndex], tuple[PromptRow, ...]]:
        """The rows by object and frame, oldest first."""
        found: dict[tuple[ObjectId, FrameIndex], tuple[PromptRow, ...]] = {}
        for said in self.said:
            key = said.object_id, said.row.frame
            found[key] = (*found.get(key, ()), said.row)
        return found

    def rows_on(self, object_id: ObjectId, frame: FrameIndex) -> tuple[PromptRow, ...]:
        """The rows of one object on one frame, oldest first."""
        return self.prompted.get((object_id, frame), ())

    def object_of(self, row_id: str) -> ObjectId | None:
        """The object that a row was said of; None for a row that is not known."""
        return next((said.object_id for said in self.said if said.row.id == row_id), None)

    def has_start(self, object_id: ObjectId, frame: FrameIndex) -> bool:
        """Whether the rows on a frame improve a mask."""
        return any((s.object_id, s.frame) == (object_id, frame) for s in self.starts)

    def needs_start(self, object_id: ObjectId, frame: FrameIndex) -> bool:
        """Whether the rows say how a mask is to change, and nothing says which mask.

        Negative clicks alone only take away, and marks on a selected mask are about that mask.
        """
        rows = self.rows_on(object_id, frame)
        about_a_mask = all(row.is_negative for row in rows) or any(row.selected for row in rows)
        return about_a_mask and not self.has_start(object_id, frame)

    def prompt(self, object_id: ObjectId, frame: FrameIndex) -> Prompt:
        """All that was said of one object on one frame.

        Raises:
            PromptError: nothing was, or nothing but what it is not.
        """
        found = (s for s in self.starts if (s.object_id, s.frame) == (object_id, frame))
        start = next(found, None)
        mask = decode_rle(Rle(size=list(start.size), counts=start.counts)) if start else None
        return build_prompt(object_id, frame, self.rows_on(object_id, frame), mask)

    def _last(self, interaction: Interaction) -> frozenset[str]:
        control = interaction.rows[-1].control
        ids = (p.ids for p in self.pending if (p.label, p.control) == (interaction.label, control))
        return next(ids, frozenset())


def _ids(interaction: Interaction) -> frozenset[str]:
    return frozenset(row.id for row in interaction.rows)
