"""What is remembered of the editor between requests, kept with the session in the database.

The editor tells a backend little: which prompts it still shows, and a draft that lags by some
seconds. What it was given, and what a human has made of that since, is therefore written down here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from ml_backend.memory import PromptMemory
from trackanything_core.types import FrameIndex, ObjectId

_NO_MASK = ""
"""Digest of an empty mask."""

_AUTOSAVE_SECONDS = 10.0
"""After this the editor has saved a change; it does so after five seconds."""


class HandMask(BaseModel):
    """A region that a human made or changed, as it was last taken over.

    Attributes:
        object_id: whose mask it is.
        frame: of the session.
        written: digest of the mask as the editor wrote it.
        holds: whether it is part of the anchor; False once a later prompt improved upon it.
    """

    object_id: ObjectId
    frame: FrameIndex
    written: str
    holds: bool = True


class Answer(BaseModel):
    """What the last answer changed, to be undone if the editor did not take it.

    Attributes:
        mark: of the annotation before it.
        regions: digests before it; None for regions that were new.
        time: when it was given, in seconds since the epoch.
    """

    mark: int
    regions: dict[str, str | None]
    time: float


class WorkNotes(BaseModel):
    """What one annotation, or one draft, holds in the editor.

    Attributes:
        requests: how many came.
        saved: when what was read last had been saved, in seconds since the epoch.
        mark: all that had changed up to this point of the session was answered.
        regions: digest of the mask that was answered last, by region id.
        seen: regions of ours, or made by hand, that a draft has shown.
        hand: what a human made, by region id.
        last: the newest answer.
    """

    requests: int = 0
    saved: float = 0.0
    mark: int = 0
    regions: dict[str, str] = {}
    seen: list[str] = []
    hand: dict[str, HandMask] = {}
    last: Answer | None = None

    def is_new(self, region: str, digest: str) -> bool:
        """Whether the editor holds something else; an empty mask is no news where it has none."""
        return self.regions.get(region, _NO_MASK) != digest

    def give(self, regions: Mapping[str, str], mark: int, time: float) -> None:
        """Write down that an answer carried these masks, and everything up to a mark."""
        before = {name: self.regions.get(name) for name in regions}
        self.last = Answer(mark=self.mark, regions=before, time=time)
        self.regions |= regions
        self.mark = mark

    def compare(self, shown: Collection[str], saved: float) -> None:
        """Forget regions that the annotation, saved well after the last answer, does not show.

        They were rejected, or their answer was dropped for a newer one.

        Args:
            shown: the regions that it shows.
            saved: when it was saved, in seconds since the epoch.
        """
        if self.last is None or saved < self.last.time + _AUTOSAVE_SECONDS:
            return
        missing = self.regions.keys() - shown
        if missing:
            self.regions = {k: v for k, v in self.regions.items() if k not in missing}
            self.mark, self.last = 0, None

    def take_back(self) -> None:
        """The last answer never reached the annotation; nothing of it counts as given."""
        if self.last is None:
            return
        for name, digest in self.last.regions.items():
            if digest is None:
                self.regions.pop(name, None)
            else:
                self.regions[name] = digest
        self.mark, self.last = self.last.mark, None


class EditorNotes(BaseModel):
    """All notes of one session.

    Attributes:
        works: by name of the draft or annotation.
        names: all objects that ever were, with their labels; no name is given twice.
        seeds: the frame of the session on which each object was first shown. The editor lists the
            regions of the object under that one; it stays, so that no two are under each other.
        objects: how many objects a label has, where the project said so at some time.
        prompts: the remembered ones.
    """

    works: dict[str, WorkNotes] = {}
    names: dict[ObjectId, str] = {}
    seeds: dict[ObjectId, FrameIndex] = {}
    objects: Literal["one", "many"] | None = None
    prompts: PromptMemory = Field(default=PromptMemory(), alias="memory")

    @classmethod
    def read(cls, notes: Mapping[str, Any]) -> EditorNotes:
        """From the session's notes; notes of an older form are begun anew."""
        try:
            return cls.model_validate(notes.get(_KEY, {}))
        except ValidationError:
            return cls()

    def write(self, notes: dict[str, Any]) -> None:
        """Into the session's notes, beside what others keep there."""
        notes[_KEY] = self.model_dump(mode="json", by_alias=True)


_KEY = "editor"
