"""A run on its way through the database, so that it outlives the program.

Parts are named after what the run follows, so that two programs that work on one session, one of
them without knowing better, can overwrite but never mix what they write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from trackanything_core.errors import CheckpointError
from trackanything_core.store.checkpoint import SessionCheckpoint
from trackanything_core.tracking.group import Group
from trackanything_core.tracking.run_group import RunState
from trackanything_core.types import FrameIndex

_RUN = "run"


class RunFile:
    """Keeps one run of a session.

    Args:
        checkpoint: where.
    """

    def __init__(self, checkpoint: SessionCheckpoint) -> None:
        self._checkpoint = checkpoint

    def save(self, group: Group, state: RunState, *, goes_on: bool) -> None:
        """Write a run, whole or not at all.

        Args:
            group: what it follows.
            state: how far it is.
            goes_on: it is the run that was saved last, and `state` has new soft masks only;
                otherwise it takes that one's place.

        Raises:
            StoreError: the database cannot be written; what was saved stays.
        """
        name = _name(group)
        facts = {
            "group": name,
            "done": state.done,
            "between": state.propagator is None,
            "examination": state.examination,
        }
        parts = {_RUN: json.dumps(facts).encode() + b"\n" + (state.propagator or b"")}
        parts |= {_soft(name, frame): packed for frame, packed in state.soft_masks}
        self._checkpoint.put(parts, keep=goes_on)

    def find(self, group: Group) -> RunState | None:
        """The run of a group, if it is the one that was saved; its soft masks are read on demand.

        Raises:
            CheckpointError: it is damaged.
            StoreError: the database cannot be read.
        """
        saved = self._checkpoint.get(_RUN)
        if saved is None:
            return None
        header, _, propagator = saved.partition(b"\n")
        try:
            facts = json.loads(header)
            name, done, between = str(facts["group"]), int(facts["done"]), bool(facts["between"])
            examination = facts["examination"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"the saved run is damaged ({error}): start it anew") from error
        if name != _name(group):
            return None
        frames = _blended(group, done)
        if not {_soft(name, frame) for frame in frames} <= self._checkpoint.names():
            raise CheckpointError("the saved run lacks masks of its first pass: start it anew")
        return RunState(
            done,
            None if between else propagator,
            None if between else examination,
            self._soft_masks(name, frames),
        )

    def clear(self) -> None:
        """Remove what was saved."""
        self._checkpoint.clear()

    def _soft_masks(
        self, name: str, frames: Sequence[FrameIndex]
    ) -> Iterator[tuple[FrameIndex, bytes]]:
        for frame in frames:
            packed = self._checkpoint.get(_soft(name, frame))
            if packed is None:
                raise CheckpointError("the saved run went while it was read: start it anew")
            yield frame, packed


def _name(group: Group) -> str:
    return hashlib.blake2b(repr(group.members).encode(), digest_size=12).hexdigest()


def _soft(name: str, frame: FrameIndex) -> str:
    return f"soft {name} {frame}"


def _blended(group: Group, done: int) -> list[FrameIndex]:
    """The frames whose soft masks the last pass needs, as far as they are computed."""
    found: list[FrameIndex] = []
    for frames in group.passes[:-1]:
        found += [frame for frame in frames[:done] if frame in group.span.frames]
        done = max(0, done - len(frames))
    return found
