"""Steps that are left out of a long page: runs of one thread that nobody else has to do with.

A report should fit a screen.  Where it would not, runs of steps are folded into one line, the
longest first: steps of one thread within one call that no arrow leads to or from, that no sentence
names, and that are neither stale nor one of the two that conflict.
"""

import re
from collections.abc import Iterator
from typing import Final

from stress.explore.trace import Trace
from stress.report.steps import is_drawn
from stress.report.titles import conflicting

MOST: Final = 24
"""Rows, of steps and of calls, up to which nothing is left out."""
SHORTEST: Final = 2
"""Steps of a run that is folded, at least."""
NAMED: Final = re.compile(r"\b[Ss]tep (\d+)")


def folded(trace: Trace, rows: int) -> dict[int, int]:
    """Return the first and last steps of the runs to leave out of a page of so many `rows`."""
    found: dict[int, int] = {}
    for first, last in sorted(_runs(trace), key=lambda run: (run[0] - run[1], run)):
        if rows <= MOST:
            break
        found[first] = last
        rows -= last - first
    return found


def _runs(trace: Trace) -> Iterator[tuple[int, int]]:
    """Yield each run of steps that could be left out."""
    kept = _kept(trace)
    borders = {call.first for call in trace.calls} | {call.last + 1 for call in trace.calls}
    first = 1
    for step, following in zip(trace.steps, [*trace.steps[1:], None], strict=True):
        number = step.number
        if number in kept:
            first = number + 1
        elif (
            following is None
            or following.number in kept
            or following.thread != step.thread
            or following.number in borders
        ):
            if number - first + 1 >= SHORTEST:
                yield first, number
            first = number + 1


def _kept(trace: Trace) -> set[int]:
    """Return the steps that are shown on every page."""
    kept = {step.number for step in conflicting(trace)}
    kept |= {int(number) for sentence in trace.why for number in NAMED.findall(sentence)}
    kept |= {step.number for step in trace.steps if step.stale or step.race}
    for step in trace.steps:
        if is_drawn(trace, step):
            kept |= {step.number, step.reads or 0}
    return kept | {step.number for step in trace.steps if step.thread in trace.outside}
