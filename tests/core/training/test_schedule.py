from __future__ import annotations

import pytest

from trackanything_core.training.schedule import Budget, cosine, ramp, warm_up


def test_a_budget_in_steps_does_not_look_at_the_clock() -> None:
    budget = Budget(steps=200, spent=1e6)
    assert [budget.progress(step) for step in (0, 50, 200, 300)] == [0, 0.25, 1, 1]


def test_a_budget_in_minutes_counts_what_an_earlier_process_spent() -> None:
    budget = Budget(minutes=10, spent=300)
    assert budget.progress(step=7) == pytest.approx(0.5, abs=0.01)
    assert budget.seconds_left(step=7) == pytest.approx(300, rel=0.05)


@pytest.mark.parametrize("arguments", [{}, {"steps": 1, "minutes": 1.0}])
def test_a_budget_is_one_of_the_two(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="steps or in minutes"):
        Budget(**arguments)  # type: ignore[arg-type]


def test_factors_on_the_rate() -> None:
    assert cosine(0) == pytest.approx(1)
    assert cosine(1, floor=0.02) == pytest.approx(0.02)
    assert warm_up(0, 100) == pytest.approx(0.01)
    assert warm_up(500, 100) == 1
    assert [ramp(p, 0.2, 0.6) for p in (0.1, 0.4, 0.9)] == [0, pytest.approx(0.5), 1]
