from __future__ import annotations

from pathlib import Path

from trackanything_core.training.log import StepLog, read_log


def test_a_log_is_read_back(tmp_path: Path) -> None:
    with StepLog(tmp_path / "log.csv", 0) as log:
        log.write(1, {"loss": 0.5, "rate": 1e-3})
        log.write(2, {"loss": 0.25, "rate": 2e-3})
    columns = read_log(tmp_path / "log.csv")
    assert columns == {"step": [1, 2], "loss": [0.5, 0.25], "rate": [1e-3, 2e-3]}


def test_what_lies_beyond_the_checkpoint_is_dropped_with_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with StepLog(path, 0) as log:
        for step in range(1, 6):
            log.write(step, {"loss": step})
    whole = path.read_bytes()
    path.write_bytes(whole + b"6,0.")
    with StepLog(path, 3) as log:
        for step in range(4, 6):
            log.write(step, {"loss": step})
    assert path.read_bytes() == whole


def test_a_kill_before_the_first_line_leaves_a_log_that_can_begin(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,lo")
    with StepLog(path, 0) as log:
        log.write(1, {"loss": 2})
    assert path.read_text() == "step,loss\n1,2\n"
