"""Prompts outlive their acceptance in the editor, and deleted ones do not."""

from __future__ import annotations

import numpy as np

from ml_backend.memory import PromptMemory
from ml_backend.prompts import Interaction, PromptRow
from trackanything_core.types import Box, Click


def row(id: str, frame: int = 0, x: float = 1, *, positive: bool = True) -> PromptRow:
    return PromptRow(id, "kp", frame, (36, 64), Click(x, 1, positive))


def after(*requests: list[PromptRow], label: str = "Cat") -> PromptMemory:
    memory = PromptMemory()
    for rows in requests:
        memory = memory.with_interaction(Interaction(label, rows[-1].frame, None, tuple(rows)))
    return memory


def ids(memory: PromptMemory, frame: int = 0) -> list[str]:
    return [row.id for row in memory.rows_on("Cat", frame)]


def test_prompts_stay_after_the_editor_dropped_them() -> None:
    assert ids(after([row("a")], [row("b")])) == ["a", "b"]


def test_prompts_sent_again_count_once() -> None:
    assert ids(after([row("a")], [row("a"), row("b")])) == ["a", "b"]


def test_a_moved_prompt_replaces_itself() -> None:
    memory = after([row("a"), row("b")], [row("a", x=9), row("b")])
    assert [r.mark for r in memory.rows_on("Cat", 0)] == [Click(9, 1), Click(1, 1)]


def test_a_moved_prompt_may_change_its_frame() -> None:
    memory = after([row("a")], [row("a", frame=3)])
    assert memory.frames("Cat") == [3]


def test_a_prompt_that_the_editor_no_longer_sends_with_its_companions_was_deleted() -> None:
    assert ids(after([row("a"), row("b")], [row("b"), row("c")])) == ["b", "c"]


def test_clicks_and_boxes_come_apart_and_do_not_delete_each_other() -> None:
    box = PromptRow("r", "rect", 0, (36, 64), Box(1, 1, 5, 5))
    memory = after([row("a")], [box], [row("a"), row("b")])
    assert ids(memory) == ["r", "a", "b"]
    prompt = memory.prompt("Cat", 0)
    assert prompt.box == Box(1, 1, 5, 5)
    assert len(prompt.clicks) == 2


def test_labels_do_not_mix() -> None:
    memory = after([row("a")]).with_interaction(Interaction("Dog", 0, None, (row("d"),)))
    assert ids(memory) == ["a"]
    assert [prompt.object_id for prompt in memory.prompts()] == ["Cat", "Dog"]


def test_frames_whose_rows_changed() -> None:
    before = after([row("a", 1), row("b", 2), row("c", 3)])
    now = before.with_interaction(
        Interaction("Cat", 4, None, (row("b", 2), row("c", 3, x=7), row("d", 4)))
    )
    assert before.changed_frames(now, "Cat") == [1, 3, 4]


def test_negative_clicks_alone_need_a_mask_to_start_from() -> None:
    memory = after([row("a", positive=False)])
    assert memory.needs_start("Cat", 0)
    start = np.eye(36, 64, dtype=np.bool_)
    memory = memory.with_start("Cat", 0, start)
    assert not memory.needs_start("Cat", 0)
    mask = memory.prompt("Cat", 0).mask
    assert mask is not None
    assert np.array_equal(mask, start)


def test_a_memory_does_not_change() -> None:
    memory = after([row("a")])
    memory.with_interaction(Interaction("Cat", 0, None, (row("b"),)))
    memory.without("Cat", 0)
    assert ids(memory) == ["a"]
    assert ids(memory.without("Cat", 0)) == []
