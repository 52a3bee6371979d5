"""How soon the concurrent machine finds each mutant in the explorer, and how small it makes it.

Every search begins with nothing: no example database, no program drawn by hand.  Reach of issue 4:
each registrar mutant that sequential consistency shows is found in 2 s and shrunk in 5 (median of
10 seeds), to at most 2 threads and 3 calls, those of the prefix included.

``python -m benchmarks machines`` measures those, in about ten minutes;
``python -m benchmarks.machines [--memory sc] [--seeds 10] [MODEL...]`` others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from stress import registry
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.explore.programs import ExploredPrograms
from stress.report import text

SECONDS: Final = 20.0
"""How long one search may take."""


@dataclass(frozen=True, slots=True)
class Row:
    """All searches for one mutant."""

    name: str
    runs: list[ConcurrentRun]
    executions: list[int]

    @property
    def found(self) -> list[ConcurrentRun]:
        """The searches that found it."""
        return [run for run in self.runs if run.program is not None]


def measured(name: str, memory: str, seeds: int, seconds: float) -> Row:
    """Search for the mutant called `name` with each seed, for at most `seconds`."""
    model = registry.model_of(name)
    runs, executions = [], []
    for seed in range(1, seeds + 1):
        engine = ExploredPrograms(model, memory)
        runs.append(ConcurrentMachine(model, engine).search(seed, seconds, lambda _: None))
        executions.append(engine.executions)
    return Row(name, runs, executions)


def run(
    console: Console,
    seeds: int,
    models: Sequence[str] = (),
    memory: str = "sc",
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Return a row for every mutant of `models` (none: of the registrar)."""
    rows = []
    for model in models or ("registrar",):
        for mutant in registry.model_of(model).mutants:
            console.print(f"  {model}:{mutant}", style="dim", highlight=False)
            rows.append(_summed(measured(f"{model}:{mutant}", memory, seeds, seconds)))
    return {"memory": memory, "mutants": rows}


def _summed(row: Row) -> dict[str, Any]:
    """Return what the searches for one mutant came to; None where none found it."""
    found = row.found
    programs = [run.program for run in found if run.program is not None]
    after = [run.found_after or 0 for run in found]
    shrunk = [run.seconds - (run.found_after or 0) for run in found]
    return {
        "mutant": row.name,
        "searches": len(row.runs),
        "found": len(found),
        "found_seconds": median(after) if found else None,
        "shrunk_seconds": median(shrunk) if found else None,
        "threads_and_calls": sorted({(len(each.threads), each.calls) for each in programs}),
        "executions_a_program": sum(row.executions) / sum(run.examples for run in row.runs),
        "smallest": min(map(str, programs), key=len, default=None),
    }


def show(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("mutant", "found", "found s", "shrunk s", "threads and calls",
                    "executions a program", "smallest"):  # fmt: skip
        table.add_column(heading, overflow="fold")
    for row in found["mutants"]:
        cells = [row["mutant"], f"{row['found']} of {row['searches']}"]
        if row["found"]:
            cells += [
                f"{row['found_seconds']:.2f}",
                f"{row['shrunk_seconds']:.2f}",
                ", ".join(f"{threads} and {calls}" for threads, calls in row["threads_and_calls"]),
                f"{row['executions_a_program']:.0f}",
                row["smallest"],
            ]
        table.add_row(*cells)
    console.print(table)


@click.command()
@click.argument("models", nargs=-1)
@click.option("--memory", default="sc", show_default=True)
@click.option("--seeds", default=10, show_default=True)
@click.option("--for", "seconds", default=SECONDS, show_default=True, help="Seconds of one search.")
def main(models: tuple[str, ...], memory: str, seeds: int, seconds: float) -> None:
    """Measure every mutant of MODELs (default: registrar)."""
    show(run(text.console(stderr=True), seeds, models, memory, seconds), text.console())


if __name__ == "__main__":
    main()
