"""The arrows of a trace: who read what whom wrote, and where each goes down between two lanes.

An arrow leaves a step, goes down in the gutter to the right of a lane, and leads to every step that
reads what was written, in one way: synchronising or not.  Those that would overlap in a gutter have
columns of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stress.explore.trace import Trace, TraceStep
from stress.report.steps import is_drawn


@dataclass(slots=True)
class Arrow:
    """From a step to those that read what it wrote, in one way."""

    number: int
    source: int
    """Which of the steps, from 0."""
    lane: int
    """The source's."""
    gutter: int
    """To the right of which lane it goes down."""
    solid: bool
    """Whether the reads synchronise."""
    targets: list[tuple[int, int]] = field(default_factory=list)
    """Steps, with their lanes."""
    column: int = 0
    """Of its gutter, from 0."""

    @property
    def last(self) -> int:
        """The last step it leads to."""
        return self.targets[-1][0]


def arrows_of(trace: Trace, lanes: Mapping[int, int]) -> list[Arrow]:
    """Return the arrows of `trace`, whose threads have these lanes, each in a column."""
    found: dict[tuple[int, int, bool], Arrow] = {}
    for at, step in enumerate(trace.steps):
        if not _has_arrow(trace, step, at, lanes):
            continue
        source = (step.reads or 0) - 1
        lane, target = lanes[trace.steps[source].thread], lanes[step.thread]
        gutter = lane if target > lane else lane - 1
        arrow = Arrow(len(found), source, lane, gutter, step.synchronizes)
        found.setdefault((source, gutter, step.synchronizes), arrow).targets.append((at, target))
    arrows = list(found.values())
    for gutter in range(len(lanes)):
        _assign([each for each in arrows if each.gutter == gutter])
    return arrows


def _has_arrow(trace: Trace, step: TraceStep, at: int, lanes: Mapping[int, int]) -> bool:
    if not step.reads or not 0 < step.reads <= at or not is_drawn(trace, step):
        return False
    return step.thread in lanes and trace.steps[step.reads - 1].thread in lanes


def _assign(arrows: list[Arrow]) -> None:
    """Give arrows that overlap different columns."""
    ends: list[int] = []
    for arrow in sorted(arrows, key=lambda each: each.source):
        free = [column for column, end in enumerate(ends) if end < arrow.source]
        arrow.column = free[0] if free else len(ends)
        ends[arrow.column : arrow.column + 1] = [arrow.last]


def columns(arrows: list[Arrow], gutter: int) -> int:
    """Return how many columns a gutter has."""
    return max((each.column + 1 for each in arrows if each.gutter == gutter), default=0)
