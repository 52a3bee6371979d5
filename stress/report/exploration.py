"""An exploration on a terminal: how it goes, and what it came to.

scenario    tests/test_queue.py::test_hand_over
explored    every execution under rc11, in 0.4 s
machine     CPython 3.14.2 (free-threaded build, x86_64); its GIL does not matter here
executions  1,764, 4,410 a second
verdict     ok: no execution of this program under rc11 fails
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Explorer, Search
from stress.explore.search.estimate import Estimate, estimate
from stress.explore.task import Task
from stress.host import Host
from stress.report.text import STYLES
from stress.verdict import Verdict

SOON = 1.0
"""Seconds after which an exploration is not small, and its size is estimated."""
ESTIMATING = 1.0
"""Seconds that the estimate may take."""


def explored_with_news(  # noqa: PLR0913, PLR0917  (what an exploration needs)
    task: Task, bounds: Bounds, search: Search, jobs: int, title: str, console: Console
) -> Explorer:
    """Explore `task`; if that is not done soon, say how much there is and how it goes."""
    short = SOON if bounds.seconds is None else min(SOON, bounds.seconds)
    whole = search.name != "exhaustive"  # drawing has no size to estimate
    first = Explorer(task, bounds if whole else replace(bounds, seconds=short))
    with first.interruption.noticed():
        return _in_two_parts(task, bounds, search, jobs, first, title, console)


def _in_two_parts(  # noqa: PLR0913, PLR0917
    task: Task,
    bounds: Bounds,
    search: Search,
    jobs: int,
    first: Explorer,
    title: str,
    console: Console,
) -> Explorer:
    first.run(search)
    found = first.found
    if (
        found.finished
        or found.failure is not None
        or found.interrupted
        or search.name != "exhaustive"
        or found.executions == bounds.executions
        or (bounds.seconds is not None and found.seconds >= bounds.seconds)
    ):
        return first
    return going_on(task, bounds, jobs, first, title, console)


def going_on(  # noqa: PLR0913, PLR0917  (what an exploration needs)
    task: Task, bounds: Bounds, jobs: int, first: Explorer, title: str, console: Console
) -> Explorer:
    """Explore what `first` has left, with a progress bar."""
    with first.interruption.noticed():
        return _going_on(task, bounds, jobs, first, title, console)


def _going_on(  # noqa: PLR0913, PLR0917
    task: Task, bounds: Bounds, jobs: int, first: Explorer, title: str, console: Console
) -> Explorer:
    program = task.program()
    with task.guard(program):
        guess = estimate(program, task.model(), Random(0), seconds=ESTIMATING)
    console.print(
        f"{title}: {guess} executions, give or take {guess.error:,.0f}, and rather more than fewer "
        f"(Knuth's estimate, {guess.descents:,} random descents)",
        highlight=False,
        style="dim",
    )
    with _bar(title, guess, console) as watch:
        rest = Explorer(
            task,
            bounds,
            watch=watch,
            left=first.left,
            found=first.found,
            interruption=first.interruption,
        )
        rest.run(jobs=jobs)
    return rest


@contextmanager
def _bar(
    title: str, guess: Estimate, console: Console
) -> Iterator[Callable[[Exploration], None] | None]:
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[news]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=max(guess.executions, 1), news="")

        def watch(found: Exploration) -> None:
            news = f"{found.executions:,} of {guess} executions"
            bar.update(task, completed=found.executions, news=news)

        yield watch


def shown(title: str, memory: str, search: Search, found: Exploration) -> Table:
    """Return a grid of what an exploration came to."""
    host = Host.of_this_process()
    rate = found.executions / found.seconds if found.seconds else 0.0
    how = "every execution" if search.name == "exhaustive" else f"{search.name}, seed {search.seed}"
    counted = [f"{found.executions:,}, {rate:,.0f} a second"]
    if found.blocked:
        counted.append(f"{found.blocked:,} more that stayed in an await loop others leave")
    if found.cut:
        counted.append(f"{found.cut:,} cut off at the bound on steps")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    grid.add_row("scenario", Text(title))
    grid.add_row("explored", f"{how} under {memory}, in {found.seconds:.1f} s")
    grid.add_row("machine", f"{host.interpreter}; simulated, so its GIL does not matter")
    grid.add_row("executions", "; ".join(counted))
    meaning = Text(f": {meant(memory, search, found)}", "default")
    grid.add_row("verdict", Text(found.verdict.value, STYLES[found.verdict]) + meaning)
    return grid


def meant(memory: str, search: Search, found: Exploration) -> str:
    """Return in words what the verdict says."""
    if found.failure is not None:
        return f"{found.failure.kind}: {found.failure.message}"
    if found.verdict is Verdict.UNKNOWN:
        why = (
            "it was interrupted"
            if found.interrupted
            else "a thread went on at its bound on steps: perhaps it spins, and lacks sync.pause()"
            if found.cut
            else "it met its bound"
        )
        return f"no execution failed so far, and not all were visited: {why}"
    if search.name == "exhaustive":
        return f"no execution of this program under {memory} fails"
    return f"none of those drawn fails under {memory}; others are not excluded"


def to_json(title: str, memory: str, search: Search, found: Exploration) -> dict[str, Any]:
    """Return the same as JSON."""
    failure = found.failure
    return {
        "scenario": title,
        "memory": memory,
        "search": search.name,
        "seed": search.seed,
        "verdict": found.verdict.value,
        "executions": found.executions,
        "blocked": found.blocked,
        "cut": found.cut,
        "seconds": round(found.seconds, 6),
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
    }
