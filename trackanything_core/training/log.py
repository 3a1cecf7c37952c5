"""A table of numbers that grows by one line per step and survives a kill."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType


class StepLog:
    """A CSV file with the column "step" first; use it in a `with` statement.

    A run that was killed may have logged steps beyond its last checkpoint, and half a line.
    Opening the file again drops them, since they are going to be repeated.

    Args:
        path: the file; made if it does not exist.
        step: the last step that counts.
    """

    def __init__(self, path: Path, step: int) -> None:
        kept: list[str] = []
        if path.exists():
            head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
            kept = [head] if head.endswith("\n") else []
            kept += [line for line in lines if line.endswith("\n") and _step(line) <= step]
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(kept), encoding="utf-8")
        temporary.replace(path)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._table = csv.writer(self._file, lineterminator="\n")
        self._has_names = bool(kept)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a line; all lines have the same names."""
        if not self._has_names:
            self._table.writerow(["step", *values])
            self._has_names = True
        self._table.writerow([step, *(f"{value:.6g}" for value in values.values())])
        self._file.flush()

    def __enter__(self) -> StepLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def read_log(path: Path) -> dict[str, list[float]]:
    """The columns of such a file, by name."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}


def _step(line: str) -> int:
    return int(line.partition(",")[0])
