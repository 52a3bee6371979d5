"""The kill matrix as the page shows it: a sign and words in each cell, never colour alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stress.mutants import COLUMNS, Cell, Row

KINDS: Final = {"correct": "correct", "mutant": "mutant", "equivalent": "equivalent"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What one engine came to with one subject."""

    style: str
    """killed, accused, survived, unknown or missing."""
    sign: str
    said: str
    time: str


@dataclass(frozen=True, slots=True)
class Line:
    """One subject."""

    row: Row
    marks: list[Mark]
    wrong: bool
    """Whether it came out as it must not."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """All subjects, and what they come to."""

    columns: list[str]
    lines: list[Line]
    conclusion: str
    doubts: list[str]


def matrix_of(rows: Sequence[Row]) -> Matrix:
    """Return the matrix of `rows`, with the columns in which any of them has a cell."""
    columns = [name for name in COLUMNS if any(name in row.cells for row in rows)]
    lines = [
        Line(
            row,
            [_mark(row, row.cells.get(name)) for name in columns],
            row.verdict.value == "failed",
        )
        for row in rows
    ]
    mutants = [row for row in rows if row.kind == "mutant"]
    right = [row for row in rows if row.kind != "mutant"]
    conclusion = (
        f"{sum(row.killed for row in mutants)} of {len(mutants)} mutants killed; "
        f"{sum(not row.killed for row in right)} of {len(right)} correct subjects and equivalents "
        f"survive everywhere."
    )
    return Matrix(columns, lines, conclusion, _doubts(rows))


def _mark(row: Row, cell: Cell | None) -> Mark:
    if cell is None:
        return Mark("missing", "", "not run", "")
    time = f"{cell.seconds:.2f} s" if cell.seconds < 1 else f"{cell.seconds:.1f} s"
    if cell.killed:
        mutant = row.kind == "mutant"
        return Mark("killed" if mutant else "accused", "✗", "killed after" if mutant else
                    "accused, though right, after", time)  # fmt: skip
    if cell.doubt:
        return Mark("unknown", "?", f"unknown: {cell.doubt}", "")
    return Mark("survived", "·", f"survived {time}", "")


def _doubts(rows: Sequence[Row]) -> list[str]:
    """Return each doubt once, with the first cell that has it and how many more do."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for column, cell in row.cells.items():
            if cell.doubt and not cell.killed:
                found.setdefault(cell.doubt, []).append(f"{row.model}, {row.name}, {column}")
    return [
        f"{first}{f', and {len(others):,} more' if others else ''}: {doubt}"
        for doubt, (first, *others) in found.items()
    ]
