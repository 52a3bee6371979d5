"""The tables of docs/registrar-verified.md are what the explorer finds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import verified
from benchmarks.verified import Table

DOCUMENT = Path(__file__).parents[2] / "docs" / "registrar-verified.md"


def written(columns: list[str]) -> Table:
    """Return the table of the document that has these columns."""
    head = f"| {' | '.join(columns)} |"
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    table = []
    for line in lines[lines.index(head) :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return [table[0], *table[2:]]


def without_seconds(table: Table) -> Table:
    """Return `table` without what differs from machine to machine."""
    return [row[:-1] if table[0][-1] == "seconds" else row for row in table]


@pytest.mark.slow
@pytest.mark.parametrize("table", [verified.programs, verified.faults, verified.equivalents])
def test_document_holds_what_explorer_finds(table: Callable[[], Table]) -> None:
    """Every count, every fault and every kind in the document is exact."""
    found = table()

    assert without_seconds(written(found[0])) == without_seconds(found)
