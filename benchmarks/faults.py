"""The table of faults caught: which engine finds which deliberate fault, how often, how soon.

Each run is the command a user types: ``stress run registrar:FAULT --engine E --for BUDGET``, in a
process of its own, with seeds 1, 2, 3, ...  It ends at its verdict; a fault is caught when the
verdict is "failed" within the budget.  Reach: each fault is caught by at least one engine within
30 s in at least 9 of 10 runs.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.registrar_faults import FAULTS
from stress.report.text import ENGINES

LEAST_CAUGHT: Final = 0.9
"""The reach of issue 2."""

DRAWING: Final = tuple(engine for engine in ENGINES if engine != "explore")
"""The engines that draw what they run; what the explorer finds does not depend on a seed, and is
in docs/registrar-verified.md."""

ALL: Final = tuple(FAULTS)
"""The names of all faults."""

GRACE: Final = 120.0
"""Seconds that a run may take beyond its budget: it starts, shrinks, saves and shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of one fault in one engine."""

    seed: int
    verdict: str
    seconds: float
    """From the start of the engine to the verdict."""
    rules: list[str]
    """The rules that were broken, by number or name."""

    def __str__(self) -> str:
        return f"{self.verdict} after {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Row:
    """All runs of one fault in one engine."""

    fault: str
    engine: str
    runs: list[Outcome]
    caught: int
    seconds: float | None
    """The median of those that caught it."""
    rules: list[str]


def run(faults: Sequence[str], seeds: int, budget: float, console: Console) -> dict[str, Any]:
    """Run every one of `faults` in every engine with each of the first `seeds` seeds."""
    rows = []
    with _telling(len(faults) * len(DRAWING) * seeds, console) as tell:
        for fault in faults:
            for engine in DRAWING:
                runs = []
                for seed in range(1, seeds + 1):
                    runs.append(_outcome(fault, engine, seed, budget))
                    tell(f"{fault}, {engine}, seed {seed}: {runs[-1]}")
                rows.append(_row(fault, engine, runs, budget))
    return {
        "budget": budget,
        "seeds": seeds,
        "rows": [asdict(row) for row in rows],
        "met": {fault: _met(fault, rows) for fault in faults},
    }


@contextmanager
def _telling(total: int, console: Console) -> Iterator[Callable[[str], None]]:
    """Yield what tells how a run ended: beside a bar on a terminal, on a line anywhere else."""
    news = TextColumn("{task.description}")
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), news)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def tell(news: str) -> None:
            bar.update(task, advance=1, description=news)
            if not console.is_terminal:
                done = int(bar.tasks[0].completed)
                console.print(f"{done} of {total}  {news}", highlight=False)

        yield tell


def _outcome(fault: str, engine: str, seed: int, budget: float) -> Outcome:
    """Run the command; a run that gives no report in time has the verdict "none"."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--engine", engine, "--for", f"{budget:g}", "--seed", f"{seed}", "--json"]
        command = [sys.executable, "-m", "stress", "run", f"registrar:{fault}", *arguments]
        try:
            ran = subprocess.run(  # noqa: S603  (this interpreter, the project's own command)
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=budget + GRACE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(seed, "none", budget + GRACE, [])
    if ran.returncode not in {0, 1, 3}:
        raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stderr}")
    report = json.loads(ran.stdout)
    rules = sorted({violation["rule"] for violation in report["violations"]})
    return Outcome(seed, report["verdict"], report["seconds"], rules)


def _row(fault: str, engine: str, runs: list[Outcome], budget: float) -> Row:
    caught = [
        outcome for outcome in runs if outcome.verdict == "failed" and outcome.seconds <= budget
    ]
    seconds = median(outcome.seconds for outcome in caught) if caught else None
    rules = sorted({rule for outcome in caught for rule in outcome.rules})
    return Row(fault, engine, runs, len(caught), seconds, rules)


def _met(fault: str, rows: Sequence[Row]) -> bool:
    """Return whether at least one engine caught `fault` often enough."""
    return any(row.fault == fault and row.caught >= LEAST_CAUGHT * len(row.runs) for row in rows)


def show(found: dict[str, Any], console: Console) -> None:
    """Print a row for each fault, with a pair of columns for each engine."""
    title = f"faults caught within {found['budget']:g} s, of {found['seeds']} seeds"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("fault", no_wrap=True)
    for engine in DRAWING:
        table.add_column(engine, justify="right")
        table.add_column("median s", justify="right")
    table.add_column("broken")
    table.add_column("reach")
    for fault, met in found["met"].items():
        rows = [Row(**row) for row in found["rows"] if row["fault"] == fault]
        cells = [cell for row in rows for cell in (f"{row.caught}", _seconds(row.seconds))]
        rules = sorted({rule for row in rows for rule in row.rules})
        word = "[green]met[/]" if met else "[red]missed[/]"
        table.add_row(fault, *cells, ", ".join(rules), word)
    console.print(table)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"
