"""Prompts outlive their acceptance in the editor, and deleted ones do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml_backend.editor_notes import EditorNotes
from ml_backend.memory import PromptMemory
from ml_backend.prompts import Interaction, PromptRow
from trackanything_core.types import Box, Click


def row(id: str, frame: int = 0, x: float = 1, *, positive: bool = True) -> PromptRow:
    return PromptRow(id, "kp", frame, (36, 64), Click(x, 1, positive))


def asked(*rows: PromptRow, label: str = "Cat") -> Interaction:
    return Interaction(label, rows[-1].frame, None, rows)


def after(*requests: list[PromptRow], label: str = "Cat") -> PromptMemory:
    """The memory after requests whose new rows are all about the object named like the label."""
    return add(PromptMemory(), *requests, label=label)


def add(memory: PromptMemory, *requests: list[PromptRow], label: str = "Cat") -> PromptMemory:
    for rows in requests:
        interaction = asked(*rows, label=label)
        new = memory.new_rows(interaction)
        memory = memory.with_known(interaction)
        for one in new:
            memory = memory.with_row(label, one)
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


def test_a_moved_prompt_stays_with_its_object_and_may_change_its_frame() -> None:
    memory = after([row("a")]).with_known(asked(row("a", frame=3)))
    assert memory.object_of("a") == "Cat"
    assert ids(memory, 3) == ["a"]
    assert ids(memory) == []


def test_a_prompt_that_the_editor_no_longer_sends_with_its_companions_was_deleted() -> None:
    assert ids(after([row("a"), row("b")], [row("b"), row("c")])) == ["b", "c"]


def test_clicks_and_boxes_come_apart_and_do_not_delete_each_other() -> None:
    box = PromptRow("r", "rect", 0, (36, 64), Box(1, 1, 5, 5))
    memory = after([row("a")], [box], [row("a"), row("b")])
    assert ids(memory) == ["a", "r", "b"]
    prompt = memory.prompt("Cat", 0)
    assert prompt.box == Box(1, 1, 5, 5)
    assert len(prompt.clicks) == 2


def test_objects_do_not_mix() -> None:
    memory = add(after([row("a")]), [row("d")], label="Dog")
    assert ids(memory) == ["a"]
    assert memory.object_of("d") == "Dog"
    assert memory.object_of("x") is None
    assert ids(memory.without("Cat")) == []
    assert memory.without("Cat").object_of("d") == "Dog"


def test_repeated_rows_say_that_the_last_answer_was_not_taken() -> None:
    memory = after([row("a")])
    assert memory.repeats(asked(row("a"), row("b")))
    assert not memory.repeats(asked(row("b")))
    assert not memory.repeats(asked(row("a"), label="Dog"))


def test_negative_clicks_alone_need_a_mask_to_start_from() -> None:
    memory = after([row("a", positive=False)])
    assert memory.needs_start("Cat", 0)
    start = np.eye(36, 64, dtype=np.bool_)
    memory = memory.with_start("Cat", 0, start)
    assert not memory.needs_start("Cat", 0)
    mask = memory.prompt("Cat", 0).mask
    assert mask is not None
    assert np.array_equal(mask, start)


def test_a_click_on_a_selected_mask_starts_from_that_mask() -> None:
    assert not after([row("a")]).needs_start("Cat", 0)
    assert after([replace(row("a"), selected=True)]).needs_start("Cat", 0)


def test_a_memory_does_not_change() -> None:
    memory = after([row("a")])
    add(memory, [row("b")])
    memory.without("Cat", 0)
    assert ids(memory) == ["a"]
    assert ids(memory.without("Cat", 0)) == []


def test_a_memory_goes_through_the_database_as_it_is() -> None:
    box = replace(row("r"), mark=Box(1, 1, 5, 5), selected=True)
    memory = after([row("a")], [row("b", 3, positive=False)], [box])
    memory = memory.with_start("Cat", 3, np.eye(36, 64, dtype=np.bool_))
    notes = EditorNotes()
    notes.prompts = memory
    stored: dict[str, object] = {}
    notes.write(stored)
    assert EditorNotes.read(stored).prompts == memory
