"""A summary on a terminal, or as plain lines where there is none.

model    registrar, real threads, 30.5 s, seed 1234
machine  CPython 3.14.2 (free-threaded build, x86_64), GIL off, 2 cores
threads  2 in 37, 4 in 6, 6 in 5 shifts
calls    87,314, 2,863 a second, on 14,208 instances
met      39,902 calls overlapped another on the same key, 29,447 met at a lock
backend  35,260 callbacks, 8,391 failures injected
memory   98 MiB resident, 428 KiB of page tables at most
broken   0 violations
verdict  ok: nothing broke a rule this often, on this machine; ...
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stress.explore.engine import MEMORY
from stress.host import Host
from stress.report.failure import Report
from stress.report.summary import RunSummary, Summary
from stress.report.telling import told
from stress.report.written import WIDTH, painted, written
from stress.verdict import Verdict

ENGINES: Final = {
    "threads": "real threads",
    "sequential": "state machine, one thread",
    "concurrent": "drawn programs on real threads",
    "explore": "every execution of small programs",
}
STYLES: Final = {
    Verdict.OK: "bold green",
    Verdict.FAILED: "bold red",
    Verdict.UNKNOWN: "bold yellow",
}
MEANING: Final = {
    (
        "threads",
        Verdict.OK,
    ): "nothing broke a rule this often, on this machine; rarer schedules "
    "and weaker memory orders are not excluded",
    (
        "sequential",
        Verdict.OK,
    ): "one thread sees what the reference sees; nothing concurrent was tested",
    (
        "explore",
        Verdict.OK,
    ): f"no execution that was visited fails under {MEMORY}; larger programs are not excluded",
    ("explore", Verdict.FAILED): "an execution fails; it is saved",
    ("explore", Verdict.UNKNOWN): "not every execution was visited",
    ("threads", Verdict.FAILED): "a rule was broken; the failure is saved",
    (
        "sequential",
        Verdict.FAILED,
    ): "the subject and the reference differ; the failure is saved",
    ("threads", Verdict.UNKNOWN): "nothing broke a rule, but that proves nothing here",
    ("sequential", Verdict.UNKNOWN): "the run was not completed",
    (
        "concurrent",
        Verdict.OK,
    ): "no program failed as often as it ran, on this machine; rarer schedules and weaker memory "
    "orders are not excluded",
    ("concurrent", Verdict.FAILED): "a program fails; the smallest found is saved",
    ("concurrent", Verdict.UNKNOWN): "no program failed, but that proves nothing here",
}


def console(*, stderr: bool = False) -> Console:
    """Return where to print: as wide as the terminal, or 100 columns where there is none."""
    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=100)


def show(summary: Summary, saved: dict[int, list[Path]], console: Console) -> None:
    """Print every run of `summary`; `saved` has the files of each run's failures, by its place."""
    for place, run in enumerate(summary.runs):
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column()
        for name, value in _lines(run, summary.host, summary.seed):
            grid.add_row(name, value)
        grid.add_row("verdict", _verdict(run))
        console.print(grid)
        label = "unknown because" if run.verdict is Verdict.UNKNOWN else "note"
        for doubt in run.doubts:
            console.print(Text(f"  {label}  {doubt}", "yellow"))
        for failure, path in zip_longest(run.failures, saved.get(place, [])):
            origin = {
                "model": run.model,
                "engine": run.engine,
                "interpreter": summary.host.interpreter,
                "run_seed": summary.seed,
            }
            show_failure(origin | failure, path, console)
        console.print()


def _lines(run: RunSummary, host: Host, seed: int) -> Iterator[tuple[str, str]]:
    yield "model", f"{run.model}, {ENGINES[run.engine]}, {run.seconds:.1f} s, seed {seed}"
    gil = "GIL ON" if host.gil else "GIL off"
    yield "machine", f"{host.interpreter}, {gil}, {host.cores} cores"
    if run.cases:
        yield "cases", f"{run.cases:,}"
    if run.pairs:
        yield "coverage", f"{run.pairs:,} pairs, {run.both_orders:,} in both orders"
    if run.engine == "sequential":
        yield "examples", f"{run.examples:,}"
        return
    if run.engine == "explore":
        rate = run.executions / run.seconds if run.seconds else 0.0
        sampled = f", {run.sampled:,} of them sampled" if run.sampled else ""
        yield "programs", f"{run.examples:,}{sampled}"
        yield "executions", f"{run.executions:,}, {rate:,.0f} a second"
        return
    if run.engine == "concurrent":
        yield "programs", f"{run.examples:,}, run {run.executions:,} times"
        yield "met", f"{run.overlapped:,} of {run.calls:,} calls overlapped another"
        return
    rate = run.calls / run.seconds if run.seconds else 0.0
    crews = [f"{threads} in {count:,}" for threads, count in sorted(run.shifts.items())]
    yield "threads", f"{', '.join(crews)} shifts" if crews else "no shift was completed"
    yield "calls", f"{run.calls:,}, {rate:,.0f} a second, on {run.examples:,} instances"
    met = f"{run.overlapped:,} calls overlapped another on the same key"
    yield "met", f"{met}, {run.contended:,} met at a lock" if run.contended else met
    if run.callbacks:
        yield "backend", f"{run.callbacks:,} callbacks, {run.failures_injected:,} failures injected"
    if run.memory:
        resident, tables = run.memory.get("VmRSS", 0), run.memory.get("VmPTE", 0)
        yield (
            "memory",
            f"{resident / 1024:.0f} MiB resident, {tables:,} KiB of page tables at most",
        )
    yield "broken", f"{run.violations_seen:,} violations"


def _verdict(run: RunSummary) -> Text:
    verdict = run.verdict
    return Text(verdict.value, STYLES[verdict]) + Text(
        f": {MEANING[run.engine, verdict]}", "default"
    )


def show_failure(
    failure: dict[str, Any], path: Path | None, console: Console, again: str = ""
) -> None:
    """Print one failure: what broke, the command that shows it again, and the evidence.

    `again` is that command where the failure names none.
    """
    report = told(failure, path)
    report.replay = report.replay or again
    console.print()
    show_report(report, console)


def show_report(report: Report, console: Console, *, as_ascii: bool = False) -> None:
    """Print a report as wide as the console, and no wider than reports are."""
    as_ascii = as_ascii or not (console.encoding or "").startswith("utf")
    text = written(report, min(console.width, WIDTH), ascii=as_ascii)
    console.print(painted(text.removesuffix("\n")), soft_wrap=True)
