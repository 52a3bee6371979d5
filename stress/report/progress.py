"""How a run is going: a bar on a terminal, a plain line now and then anywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from stress.campaign.coordinator import News

LINE_EVERY: Final = 10.0
"""Seconds between plain lines."""


@contextmanager
def watching(title: str, seconds: float, console: Console) -> Iterator[Callable[[Any], None]]:
    """Yield what shows a run so far (`ThreadsRun` or `SequentialRun`), of `seconds` in all."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[news]}"),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(title, total=seconds, news="starting")
            yield lambda run: bar.update(task, completed=run.seconds, news=news(run))
        return
    console.print(f"{title}: for {seconds:g} s")
    last = time.monotonic()

    def line(run: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            console.print(f"  {run.seconds:5.0f} s  {news(run)}")

    yield line


def news(run: Any) -> str:
    """Return the counts of a run so far in a few words."""
    census: Any = getattr(run, "census", None)
    if hasattr(run, "programs"):
        programs = len(run.programs) + run.drawn.examples
        return f"{run.executions:,} executions of {programs:,} programs"
    if hasattr(run, "drawn"):
        return f"{run.drawn.examples:,} programs, run {census.instances:,} times"
    if census is None:
        return f"{run.examples:,} examples"
    return (
        f"{census.calls:,} calls, {census.overlapped:,} overlapped, "
        f"{census.violations:,} violations"
    )


@contextmanager
def campaigning(console: Console) -> Iterator[Callable[["News"], None]]:
    """Yield what shows how a campaign is going."""
    if console.is_terminal:
        columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[news]}"))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("campaign", total=None, news="starting")
            yield lambda news: bar.update(
                task, total=news.allowed, completed=news.seconds, news=of_campaign(news)
            )
        return
    last = time.monotonic() - LINE_EVERY

    def line(news: "News") -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            left = max(0.0, news.allowed - news.seconds)
            console.print(
                f"  {news.seconds:6.0f} s  {of_campaign(news)}, {left:.0f} s left", highlight=False
            )

    yield line


def of_campaign(news: "News") -> str:
    """Return how a campaign is going in a few words."""
    rate = news.executions / news.seconds if news.seconds else 0.0
    waiting = f", {news.waiting} to be looked at" if news.waiting else ""
    return (
        f"{news.cases:,} cases, {rate:,.0f} executions a second, coverage {news.coverage:,}, "
        f"{news.failures:,} failures{waiting}, workers busy {news.busy:.0%}"
    )
