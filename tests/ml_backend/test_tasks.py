"""Who has the turn, who waits, and what is dropped."""

from __future__ import annotations

import threading

from ml_backend import tasks as module
from ml_backend.memory import PromptMemory
from ml_backend.prompts import Interaction, PromptRow
from ml_backend.tasks import TaskKey, Tasks
from trackanything_core.types import Click

ROW = PromptRow("a", "kp", 0, (36, 64), Click(1, 1))


def test_a_task_keeps_its_state_between_turns() -> None:
    tasks = Tasks(live_sessions=1)
    with tasks.turn(TaskKey("1", 7)) as turn:
        turn.state.memory = PromptMemory().with_interaction(Interaction("Cat", 0, None, (ROW,)))
    with tasks.turn(TaskKey("1", 7)) as turn:
        assert turn.state.memory.frames("Cat") == [0]
    with tasks.turn(TaskKey("2", 7)) as turn:
        assert turn.state.memory.frames("Cat") == []


def test_turns_of_one_task_do_not_overlap_and_the_first_is_told() -> None:
    tasks = Tasks(live_sessions=1)
    key, order = TaskKey("1", 7), []

    def second() -> None:
        with tasks.turn(key):
            order.append("second")

    with tasks.turn(key) as turn:
        assert not turn.is_superseded()
        thread = threading.Thread(target=second)
        thread.start()
        while not turn.is_superseded():
            pass
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_turns_of_different_tasks_do_overlap() -> None:
    tasks = Tasks(live_sessions=1)
    with tasks.turn(TaskKey("1", 1)) as one, tasks.turn(TaskKey("1", 2)):
        assert not one.is_superseded()


def test_a_flood_of_tasks_drops_the_oldest(monkeypatch) -> None:
    monkeypatch.setattr(module, "_MAX_TASKS", 3)
    tasks = Tasks(live_sessions=1)
    with tasks.turn(TaskKey("1", 0)):
        for number in range(1, 6):
            with tasks.turn(TaskKey("1", number)):
                pass
    # Task 0 was at work, and stayed.
    assert [key.task for key, _ in tasks.states()] == [0, 4, 5]
