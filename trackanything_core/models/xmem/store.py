"""A store of memory elements together with the values of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import torch
from torch import Tensor

from trackanything_core.models.xmem.elements import Elements


class MemoryStore:
    """Elements in order, and for each group of objects the values that it has for them.

    Objects that entered at the same step are a group. A group that entered late has values for
    fewer elements: its values belong to the *last* ones, as in the official code.

    Attributes:
        elements: M elements, or None as long as there are none.
        values: per group (V, N, Cv) with V <= M, N objects of the group.
    """

    def __init__(self) -> None:
        self.elements: Elements | None = None
        self.values: list[Tensor] = []

    def __len__(self) -> int:
        return 0 if self.elements is None else len(self.elements)

    def add_group(self, like: Tensor) -> None:
        """Make room for a group whose values look `like` (any, N, Cv); it has none yet."""
        self.values.append(like[:0])

    def append(self, elements: Elements, values: Sequence[Tensor]) -> None:
        """Put elements at the end.

        Args:
            elements: what to add.
            values: per group (V, N, Cv), for the last V of `elements`.
        """
        known = [] if self.elements is None else [self.elements]
        self.elements = Elements.join([*known, elements])
        self.values = [torch.cat(pair) for pair in zip(self.values, values, strict=True)]

    def keep(self, rows: Tensor) -> None:
        """Drop all elements but those marked in `rows`, (M,) bool, with their values."""
        if self.elements is not None:
            self.elements = self.elements[rows]
            self.values = [value[rows[len(rows) - len(value) :]] for value in self.values]

    def drop_last(self, cells: int) -> None:
        """Drop the last `cells` elements, with the values that every group has for them."""
        if self.elements is not None:
            self.elements = self.elements[: len(self) - cells]
            self.values = [value[: len(value) - cells] for value in self.values]

    def take_middle(self, cells: int, kept_frames: int) -> tuple[Elements, list[Tensor]]:
        """Remove everything between the first frame and the newest ones.

        A group that entered late has its own first frame kept back, and is left out while it
        has few frames; from `kept_frames + 1` on it loses what lies between, as the keys do.

        Args:
            cells: elements of a frame.
            kept_frames: frames that stay, the first one and the newest; fewer than there are.

        Returns:
            The removed elements, and per group the values (V, N, Cv) for the last V of them.
        """
        if self.elements is None:
            raise ValueError("nothing to take from an empty store")
        total, newest, least = len(self), (kept_frames - 1) * cells, (kept_frames + 1) * cells
        removed = self.elements[cells : total - newest]
        taken = []
        for group, value in enumerate(self.values):
            count = len(value)
            has_middle = count == total or count > least
            taken.append(value[cells : count - newest] if has_middle else value[:0])
            if count >= least:
                self.values[group] = torch.cat([value[:cells], value[count - newest :]])
        self.elements = Elements.join([self.elements[:cells], self.elements[total - newest :]])
        return removed, taken

    def state(self) -> dict[str, Tensor]:
        """Everything in the store, by name; `from_state` makes the same store of it."""
        state = {f"values.{group}": value for group, value in enumerate(self.values)}
        if self.elements is not None:
            for field in fields(self.elements):
                state[field.name] = getattr(self.elements, field.name)
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> MemoryStore:
        """The inverse of `state`."""
        store = cls()
        groups = sum(name.startswith("values.") for name in state)
        store.values = [state[f"values.{group}"] for group in range(groups)]
        if "key" in state:
            store.elements = Elements(**{f.name: state[f.name] for f in fields(Elements)})
        return store
