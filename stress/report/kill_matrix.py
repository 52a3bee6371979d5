"""The kill matrix as a table: a cross and the time to it where a subject was killed.

subject          sequential  threads    concurrent  explore-sc  explore-tso  explore-rc11
───────────────  ──────────  ─────────  ──────────  ──────────  ───────────  ────────────
treiber-stack    ·           ·          ·           ·           ·            ·
  no-tag         ·           ·          ✗ 1.1 s     ✗ 0.3 s     ✗ 0.3 s      ✗ 0.4 s
  relaxed-push   ·           ·          ·           ·           ·            ✗ 0.1 s
"""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from stress.host import Host
from stress.mutants import COLUMNS, Cell, Row
from stress.verdict import Verdict

STYLES: Final = {"correct": "bold", "mutant": "", "equivalent": "italic"}


def table(rows: Sequence[Row]) -> Group:
    """Return the matrix, with a line for each subject; ≡ is equivalent, with its reason below."""
    found = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    found.add_column("subject", overflow="fold")
    for heading in COLUMNS:
        found.add_column(heading, no_wrap=True, min_width=max(len(heading), len("✗ 0.00 s")))
    for row in rows:
        name = row.name if row.kind == "correct" else f"  {row.name}"
        if row.kind == "equivalent":
            name += " ≡"
        cells = [_cell(row, row.cells[column]) for column in COLUMNS]
        found.add_row(Text(name, STYLES[row.kind]), *cells)
    return Group(found, Text(""), *map(Text, _notes(rows)))


def _cell(row: Row, cell: Cell) -> Text:
    if cell.killed:
        return Text(f"✗ {_duration(cell.seconds)}", "green" if row.kind == "mutant" else "bold red")
    return Text("?", "yellow") if cell.doubt else Text("·", "dim")


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.kind == "equivalent":
            yield f"≡ {row.model}, {row.name}: {row.summary}"
    doubts: dict[str, list[str]] = {}
    for row in rows:
        for column, cell in row.cells.items():
            if cell.doubt and not cell.killed:
                doubts.setdefault(cell.doubt, []).append(f"{row.model}, {row.name}, {column}")
    for doubt, (first, *others) in doubts.items():
        more = f", and {len(others):,} more" if others else ""
        yield f"? {first}{more}: {doubt}"


def conclusion(rows: Sequence[Row], host: Host, seconds: float, seed: int, took: float) -> Group:
    """Return what the matrix comes to, and what it rests on."""
    mutants = [row for row in rows if row.kind == "mutant"]
    right = [row for row in rows if row.kind != "mutant"]
    lines = [
        Text(
            f"{host.interpreter}, {'GIL ON' if host.gil else 'GIL off'}, {host.cores} cores; "
            f"{seconds:g} s for each cell, seed {seed}, {took:.0f} s in all."
        ),
        Text(
            f"{sum(row.killed for row in mutants)} of {len(mutants)} mutants killed; "
            f"{sum(not row.killed for row in right)} of {len(right)} correct subjects and "
            f"equivalents survive everywhere."
        ),
    ]
    for row in rows:
        if row.verdict is Verdict.FAILED:
            wrong = "is right, and was accused" if row.killed else "was killed by no engine"
            lines.append(Text(f"✗ {row.model}, {row.name} {wrong}: {row.summary}", "bold red"))
    return Group(*lines)


def markdown(rows: Sequence[Row]) -> str:
    """Return the matrix as a table in Markdown."""
    lines = [f"| subject | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for row in rows:
        name = f"**{row.name}**" if row.kind == "correct" else f"`{row.name}`"
        name += ", equivalent" * (row.kind == "equivalent")
        cells = [
            f"✗ {_duration(cell.seconds)}" if cell.killed else "?" if cell.doubt else "·"
            for cell in (row.cells[column] for column in COLUMNS)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
