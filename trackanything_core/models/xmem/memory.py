"""The memory of one pass: working memory, the long-term one that it drains into, and anchors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from trackanything_core.models.xmem.attention import PositionBias
from trackanything_core.models.xmem.consolidation import consolidate, survivors
from trackanything_core.models.xmem.elements import Elements
from trackanything_core.models.xmem.readout import Query, read
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.models.xmem.store import MemoryStore


class Memory:
    """What was seen of the objects so far (arXiv 2207.07115, sections 3.2 and 3.3).

    Working memory holds the cells of recent memory frames and of the first one. When it is full
    its middle is consolidated into a few prototypes of long-term memory, so that the size is
    bounded however long the video is. Without `settings.long_term` it grows without end.
    Permanent memory (arXiv 2307.15958) holds frames that a human vouched for, and
    is read together with the rest.

    Attributes:
        working: cells of memory frames, oldest first.
        long_term: prototypes, in the order in which they were made.
        permanent: cells of frames that are neither consolidated nor dropped.
    """

    def __init__(self, settings: PropagationSettings, bias: PositionBias | None = None) -> None:
        self.working = MemoryStore()
        self.long_term = MemoryStore()
        self.permanent = MemoryStore()
        self._settings = settings
        self._bias = bias
        self._cells = 0

    @property
    def objects(self) -> int:
        """How many objects have values."""
        return sum(value.shape[1] for value in self.working.values)

    def add(self, elements: Elements, value: Tensor) -> None:
        """Remember one frame for as long as there is room.

        Args:
            elements: its M cells.
            value: (M, N, Cv) of all objects known by now. Those beyond `objects` are new and
                become a group of their own.

        Raises:
            ValueError: `value` lacks objects that memory knows.
        """
        self._append(self.working, elements, value)
        self._cells = self._cells or len(elements)
        full = len(self.working) >= self._settings.max_working_frames * self._cells
        if self._settings.long_term and full:
            self._drain()

    def forget_newest(self) -> None:
        """Take back the newest frame of working memory, as if it had not been added.

        Consolidation never takes the newest frame, so it is there in one piece.
        """
        self.working.drop_last(self._cells)

    def remember(self, elements: Elements, value: Tensor) -> None:
        """Remember one frame for good; arguments and errors as for `add`."""
        self._append(self.permanent, elements, value)

    def read(self, query: Query) -> Tensor:
        """Values (P, N, Cv) that the P cells of a frame find; what is read counts as used."""
        stores = [store for store in self._stores().values() if len(store)]
        values, attention = read(query, stores, top_k=self._settings.top_k, bias=self._bias)
        shares = torch.split(attention, [len(store) for store in stores])
        for store, share in zip(stores, shares, strict=True):
            if store.elements is not None:
                store.elements = store.elements.used(share)
        return values

    def state(self) -> dict[str, Tensor]:
        """Everything remembered, by name, for a checkpoint; bounded as memory is."""
        state = {"cells": torch.tensor(self._cells)}
        for name, store in self._stores().items():
            state |= {f"{name}.{key}": tensor for key, tensor in store.state().items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave."""
        self._cells = int(state["cells"])
        self.working = MemoryStore.from_state(with_prefix_removed(state, "working."))
        self.long_term = MemoryStore.from_state(with_prefix_removed(state, "long_term."))
        self.permanent = MemoryStore.from_state(with_prefix_removed(state, "permanent."))

    def _stores(self) -> dict[str, MemoryStore]:
        """By name, in the order in which they are read."""
        return {
            "permanent": self.permanent,
            "long_term": self.long_term,
            "working": self.working,
        }

    def _append(self, store: MemoryStore, elements: Elements, value: Tensor) -> None:
        if value.shape[1] < self.objects:
            raise ValueError(f"expected values of {self.objects} objects, got {value.shape[1]}")
        if value.shape[1] > self.objects:
            fresh = value[:, self.objects :]
            for each in self._stores().values():
                each.add_group(fresh)
        groups = [known.shape[1] for known in store.values]
        store.append(elements, torch.split(value, groups, dim=1))

    def _drain(self) -> None:
        """Consolidate all of working memory but its first frame and its newest ones."""
        settings = self._settings
        if self.long_term.elements is not None:
            room = settings.max_long_term_elements - settings.prototypes
            self.long_term.keep(survivors(self.long_term.elements.usage, room))
        candidates, values = self.working.take_middle(self._cells, settings.min_working_frames)
        made = consolidate(candidates, values, settings.prototypes, self._bias)
        self.long_term.append(made.elements, made.values)


def with_prefix_removed(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries of `state` whose names start with `prefix`, under the rest of their names."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix)
    }
