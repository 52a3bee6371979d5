"""How soon the concurrent machine finds each mutant in the explorer, and how small it makes it.

Every search begins with nothing: no example database, no program drawn by hand.  Reach of issue 4:
each registrar mutant that sequential consistency shows is found in 2 s and shrunk in 5 (median of
10 seeds), to at most 2 threads and 3 calls, those of the prefix included.

    python -m benchmarks.machines [--memory sc] [--seeds 10] [MODEL...]
"""

from dataclasses import dataclass
from statistics import median

import click
from rich.table import Table

from stress import registry
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.explore.programs import ExploredPrograms
from stress.report import text


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


def shown(row: Row) -> list[str]:
    """Return the cells of a row."""
    found = row.found
    cells = [row.name, f"{len(found)} of {len(row.runs)}"]
    if not found:
        return cells
    programs = [run.program for run in found if run.program is not None]
    sizes = {(len(program.threads), program.calls) for program in programs}
    return [
        *cells,
        f"{median(run.found_after or 0 for run in found):.2f}",
        f"{median(run.seconds - (run.found_after or 0) for run in found):.2f}",
        ", ".join(f"{threads} and {calls}" for threads, calls in sorted(sizes)),
        f"{sum(row.executions) / sum(run.examples for run in row.runs):.0f}",
        str(min(map(str, programs), key=len)),
    ]


@click.command()
@click.argument("models", nargs=-1)
@click.option("--memory", default="sc", show_default=True)
@click.option("--seeds", default=10, show_default=True)
@click.option("--for", "seconds", default=20.0, show_default=True, help="Seconds of one search.")
def main(models: tuple[str, ...], memory: str, seeds: int, seconds: float) -> None:
    """Measure every mutant of MODELs (default: registrar)."""
    console = text.console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("mutant", "found", "found s", "shrunk s", "threads and calls",
                    "executions a program", "smallest"):  # fmt: skip
        table.add_column(heading)
    for model in models or ("registrar",):
        for mutant in registry.model_of(model).mutants:
            table.add_row(*shown(measured(f"{model}:{mutant}", memory, seeds, seconds)))
    console.print(table)


if __name__ == "__main__":
    main()
