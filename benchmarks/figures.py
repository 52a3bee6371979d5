"""What turns of timings came to: nanoseconds a call, what more threads gain, what is in reach.

    ns a call        1: best   median   2: best   median    gain   4: best   median    gain
    register()         1,516    1,598     1,659    1,770   x1.81     3,455   ~8,816  ~x0.80
    met: 0.92 of what 2 threads gain in the loop (at least 0.8); median of 71 quiet turns 0.91

A figure is taken over quiet timings, in which other work left each thread its core, and a median
of ratios over turns in which all timings that they are made of were quiet.  That is not enough:
a core may be slower for a while for reasons that cannot be seen from here (a neighbour on the
other half of it).  Such things only ever add time, so a reach is judged by the best timings, and
the median stands beside it.  Where too few timings were quiet, figures prove nothing: they are
marked ~, and a reach is neither met nor missed, but unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.timing import Turn

ENOUGH: Final = 5
"""How many quiet turns a figure needs to prove anything."""

type Source = tuple[str, int]
"""A subject and a number of threads."""

type PerCall = Mapping[Source, float]
"""Nanoseconds of wall time for one call of each thread, in one turn."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One subject with one number of threads."""

    subject: str
    threads: int
    best: float
    """Nanoseconds of wall time for one call of each thread."""
    median: float
    gain: float
    """Throughput over that of one thread: the median of the turns'."""
    quiet: int
    """In how many of the turns it and the subject alone were left in quiet."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A goal, what came of it, and whether that meets it: None where too little was quiet."""

    goal: str
    value: float
    """Made from the best timings."""
    median: float
    """Of the turns' own."""
    quiet: int
    """In how many turns everything it is made of was left in quiet."""
    met: bool | None


def figures(turns: Sequence[Turn]) -> list[Figure]:
    """Return a figure for each subject and number of threads in `turns`."""
    return [_figure(turns, source) for source in turns[0]]


def _figure(turns: Sequence[Turn], source: Source) -> Figure:
    subject, threads = source
    alone = subject, 1
    quiet = _quiet(turns, [source, alone])
    taken = quiet if len(quiet) >= ENOUGH else _per_call(turns)
    times = [turn[source] for turn in taken]
    gain = median(threads * turn[alone] / turn[source] for turn in taken)
    return Figure(subject, threads, min(times), median(times), gain, len(quiet))


def reach(
    turns: Sequence[Turn],
    goal: str,
    sources: Sequence[Source],
    value: Callable[[PerCall], float],
    meets: Callable[[float], bool],
) -> Reach:
    """Return whether the `value` made from the best timings of `sources` `meets` the goal."""
    quiet = [_quiet(turns, [source]) for source in sources]
    proves = min(map(len, quiet)) >= ENOUGH
    pairs = zip(sources, quiet if proves else [_per_call(turns)] * len(sources), strict=True)
    best = value({source: min(turn[source] for turn in taken) for source, taken in pairs})
    whole = _quiet(turns, sources)
    middle = median(value(turn) for turn in whole or _per_call(turns))
    return Reach(goal, best, middle, len(whole), meets(best) if proves else None)


def _quiet(turns: Sequence[Turn], sources: Sequence[Source]) -> list[PerCall]:
    """Return the turns in which all of `sources` were left in quiet."""
    return _per_call([turn for turn in turns if all(turn[source].quiet for source in sources)])


def _per_call(turns: Sequence[Turn]) -> list[PerCall]:
    return [{source: turn[source].per_call for source in turn} for turn in turns]


def show_figures(found: Sequence[Figure], title: str, turns: int, console: Console) -> None:
    """Print a table: a row a subject, and best, median and gain for each number of threads."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("ns a call", style="dim", no_wrap=True)
    for count in sorted({figure.threads for figure in found}):
        for heading in (f"{count}: best", "median", *(["gain"] if count > 1 else [])):
            table.add_column(heading, justify="right", no_wrap=True)
    for subject in dict.fromkeys(figure.subject for figure in found):
        row = [subject]
        for figure in found:
            if figure.subject == subject:
                mark = "" if figure.quiet >= ENOUGH else "~"
                row += [f"{figure.best:,.0f}", f"{mark}{figure.median:,.0f}"]
                row += [f"{mark}x{figure.gain:.2f}"] if figure.threads > 1 else []
        table.add_row(*row)
    console.print(table)
    note = f"{turns:,} turns; columns are threads; ~ other work disturbed all but a few turns"
    console.print(note, style="dim", highlight=False)


def show_reaches(reaches: Sequence[Reach], console: Console) -> None:
    """Print each goal with its value and whether it is met."""
    said = {True: "[green]met[/]", False: "[red]missed[/]", None: "[yellow]unknown[/]"}
    for item in reaches:
        turns = f"{item.quiet:,} quiet turns" if item.quiet else "all turns, none quiet"
        news = f"{item.value:.2f} {item.goal}; median of {turns} {item.median:.2f}"
        console.print(f"{said[item.met]}: {news}", highlight=False, soft_wrap=True)
    console.print()
