"""A campaign on a terminal: a line for each engine on each model, what is in doubt, what failed.

model          engine        verdict   cases   executions   pairs   both orders   failures
─────────────────────────────────────────────────────────────────────────────────────────
once           explore       ok           41       12,484      37            21
treiber-stack  threads       failed       12        4,510       3             3          1
               sequential    unknown

Executions are those of programs, of state machines and of instances on real threads.
"""

from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stress.report.neutral import neutral
from stress.report.summary import RunSummary, Summary
from stress.report.text import STYLES, show_failure
from stress.verdict import Verdict


def show(summary: Summary, saved: dict[int, list[Path]], console: Console) -> None:
    """Print the summary of a campaign; `saved` has the files of each run's failures."""
    host = summary.host
    gil = "GIL ON" if host.gil else "GIL off"
    console.print(
        f"machine  {host.interpreter}, {gil}, {host.cores} cores, seed {summary.seed}\n",
        highlight=False,
    )
    console.print(_table(summary.runs))
    for place, run in enumerate(summary.runs):
        for failure, path in zip_longest(run.failures, saved.get(place, [])):
            origin = {"model": run.model, "engine": run.engine, "run_seed": summary.seed}
            show_failure(origin | failure, path, console)
    console.print()
    for doubt, owners in _doubts(summary.runs).items():
        where = "everywhere" if len(owners) == len(summary.runs) else ", ".join(owners)
        console.print(Text(f"? {neutral(doubt)}  ({where})", "yellow"))
    console.print(_verdict(summary))


def _table(runs: list[RunSummary]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("model", "engine", "verdict"):
        table.add_column(heading, no_wrap=heading == "verdict", overflow="fold")
    for heading in ("cases", "executions", "pairs", "both orders", "failures"):
        table.add_column(heading, justify="right", no_wrap=True)
    model = ""
    for run in runs:
        counts = run.cases, run.executions or run.examples, run.pairs, run.both_orders
        numbers = (*counts, len(run.failures))
        table.add_row(
            Text(run.model if run.model != model else "", "bold"),
            run.engine,
            Text(run.verdict.value, STYLES[run.verdict]),
            *(f"{number:,}" if number else "" for number in numbers),
        )
        model = run.model
    return table


def _doubts(runs: list[RunSummary]) -> dict[str, list[str]]:
    """Return what is in doubt, and of which engine on which model."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for doubt in run.doubts:
            found.setdefault(doubt, []).append(f"{run.model} {run.engine}")
    return found


def _verdict(summary: Summary) -> Text:
    verdict = summary.verdict
    failures = sum(len(run.failures) for run in summary.runs)
    in_doubt = sum(run.verdict is Verdict.UNKNOWN for run in summary.runs)
    meaning = {
        Verdict.FAILED: f"{failures:,} different failures are saved",
        Verdict.UNKNOWN: f"nothing failed, and {in_doubt:,} of {len(summary.runs):,} lines above "
        f"prove nothing, or less than they seem",
        Verdict.OK: "nothing failed in what was run; larger programs, rarer schedules and, on real "
        "threads, weaker memory orders are not excluded",
    }
    return Text("verdict  ") + Text(verdict.value, STYLES[verdict]) + Text(f": {meaning[verdict]}")
