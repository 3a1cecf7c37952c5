"""Memory elements: one per cell of a memory frame, or one per prototype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from trackanything_core.models.xmem.attention import Places

Rows = slice | Tensor
"""Which elements: a slice, a bool mask (M,) or indices."""

_INITIAL_LIFE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """M elements, all that is known of them but the values of objects.

    Attributes:
        key: (M, Ck) float32.
        shrinkage: (M,) float32, at least 1.
        selection: (M, Ck) float32 in 0..1; needed when an element becomes a prototype.
        xy: (M, 2) float32, centre of the cell in pixels of the network's input.
        time: (M,) float32, in steps of the pass.
        use: (M,) float32, attention received so far.
        life: (M,) float32, reads lived through.
    """

    key: Tensor
    shrinkage: Tensor
    selection: Tensor
    xy: Tensor
    time: Tensor
    use: Tensor
    life: Tensor

    @classmethod
    def fresh(cls, key: Tensor, shrinkage: Tensor, selection: Tensor, places: Places) -> Elements:
        """Elements that were never read."""
        use = torch.zeros_like(shrinkage)
        return cls(key, shrinkage, selection, places.xy, places.time, use, use + _INITIAL_LIFE)

    @classmethod
    def join(cls, parts: Sequence[Elements]) -> Elements:
        """All elements of `parts`, in that order."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def __len__(self) -> int:
        return len(self.shrinkage)

    def __getitem__(self, rows: Rows) -> Elements:
        return Elements(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def places(self) -> Places:
        """Where and when the elements were made."""
        return Places(self.xy, self.time)

    @property
    def usage(self) -> Tensor:
        """(M,), mean attention per read."""
        return self.use / self.life

    def used(self, attention: Tensor) -> Elements:
        """The same elements after one more read that paid them `attention`, (M,)."""
        return replace(self, use=self.use + attention, life=self.life + 1)
