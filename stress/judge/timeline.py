r"""The calls around one that cannot be placed, drawn along time.

>>> calls = [
...     Span(0, "write", (1,), 0, 90, "ok", 1),
...     Span(1, "read", (), 10, 30, "ok", 1),
...     Span(2, "read", (), 40, 60, "ok", None),
... ]
>>> print("\n".join(drawn(calls, 2)))
P0  ├─ write(1) ──────────────────────┤
P1   ├─ read() = 1 ┤
P2                  ├─ read() = null ┤
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ time ▸

Instants are drawn in their order, and as far apart as the names of the calls need: a picture to
scale would show a thousand waits and no call.  At one instant calls come before returns, as they do
for the judge.
"""

import heapq
from collections.abc import Sequence
from typing import Final

from stress.history import Span
from stress.judge.values import spelled
from stress.report.page import cut

type Moment = tuple[float, bool]
"""An instant, and whether calls return at it: where calls and returns meet, calls come first."""

WIDTH: Final = 92
MOST: Final = 12
"""Calls that are drawn, at most."""
FRAME: Final = 4
"""Columns of a call besides its name, less one."""
AXIS: Final = " time ▸"
SILENT: Final = frozenset({"acquire", "release"})
"""Operations whose results are null, and say nothing."""


def named(call: Span) -> str:
    """Return a call as a report shows it.

    >>> named(Span(0, "add", (5,), 0, 1, "ok", (5, True)))
    'add(5) = true'
    >>> named(Span(0, "write", (5,), 0, 1, "ok", 5))
    'write(5)'
    >>> named(Span(0, "call", (5,), 0, 1, "fail", ("Refused", ("late",))))
    'call(5) raised Refused("late")'
    """
    name = f"{call.f}({', '.join(map(spelled, call.arguments))})"
    result = call.result
    if call.outcome == "info":
        return f"{name} …"
    if call.outcome == "fail" and result is None:
        return f"{name} refused"
    if call.outcome == "fail":
        error, arguments = result
        return f"{name} raised {error}({', '.join(map(spelled, arguments or ()))})"
    if (
        call.f in SILENT
        or result == call.arguments
        or (call.arguments and result == call.arguments[-1])
    ):
        return name
    match result:
        case (x, bool() as seen) if call.arguments == (x,):
            return f"{name} = {str(seen).lower()}"
    return f"{name} = {spelled(result)}"


def drawn(calls: Sequence[Span], misfit: int, width: int = WIDTH) -> list[str]:
    """Return the lines of a drawing of the call `misfit` and of those near it that fit."""
    near = heapq.nsmallest(2 * MOST, calls, key=lambda call: _distance(call, calls[misfit]))
    shown: list[Span] = [calls[misfit]]
    drawing = _Drawing(shown, width)
    for call in near:
        if call is not calls[misfit] and len(shown) < MOST:
            larger = _Drawing([*shown, call], width)
            if larger.fits:
                shown, drawing = [*shown, call], larger
    return drawing.lines()


def _distance(call: Span, other: Span) -> tuple[int, int]:
    """Return how long the one began after the other had ended; then how far apart they began."""
    gaps = [other.start - call.end if call.outcome != "info" else 0, call.start - other.end, 0]
    return max(gaps), abs(call.start - other.start)


class _Drawing:
    def __init__(self, calls: Sequence[Span], width: int) -> None:
        self._calls = sorted(calls, key=lambda call: call.start)
        self._lanes = _lanes(self._calls)
        self._margin = 2 + max(len(str(call.process)) + 1 for call in calls)
        self._names = [
            cut(named(call), width - self._margin - FRAME - 1, str) for call in self._calls
        ]
        self._columns = self._laid_out()
        self._right = max(
            *self._columns.values(),
            *(
                self._columns[_start(call)] + len(name) + FRAME
                for call, name in zip(self._calls, self._names, strict=True)
                if call.outcome == "info"
            ),
            self._margin + len(AXIS) + 1,
        )
        self.fits = self._right < width

    def _laid_out(self) -> dict[Moment, int]:
        """Return the column of each instant: the first that leaves room for every name."""
        ends: dict[Moment, list[int]] = {}
        for index, call in enumerate(self._calls):
            ends.setdefault(_start(call), [])
            if call.outcome != "info":
                ends.setdefault((call.end, True), []).append(index)
        columns: dict[Moment, int] = {}
        column = self._margin - 1
        for moment in sorted(ends):
            column += 1
            for index in ends[moment]:
                start = columns[_start(self._calls[index])]
                column = max(column, start + len(self._names[index]) + FRAME)
            columns[moment] = column
        return columns

    def lines(self) -> list[str]:
        """Return the lanes by processes, and the axis."""
        found = []
        for process, indexes in self._lanes:
            line = [" "] * (self._right + 1)
            line[: len(process)] = process
            for index in indexes:
                bar = self._bar(index)
                start = self._columns[_start(self._calls[index])]
                line[start : start + len(bar)] = bar
            found.append("".join(line).rstrip())
        axis = "╌" * (self._right + 1 - self._margin - len(AXIS))
        return [*found, f"{' ' * self._margin}{axis}{AXIS}"]

    def _bar(self, index: int) -> str:
        call, name = self._calls[index], self._names[index]
        is_open = call.outcome == "info"
        end = self._right if is_open else self._columns[call.end, True]
        length = end - self._columns[_start(call)] + 1
        return f"{f'├─ {name} ':─<{length - 1}}{'▸' if is_open else '┤'}"


def _start(call: Span) -> Moment:
    return call.start, False


def _lanes(calls: Sequence[Span]) -> list[tuple[str, list[int]]]:
    """Return the lanes: one a process, and another for calls beside one that it left open."""
    lanes: dict[tuple[str, int], list[int]] = {}
    for index, call in enumerate(calls):
        beside = 0
        while (earlier := lanes.get((f"P{call.process}", beside))) and (
            calls[earlier[-1]].outcome == "info" or calls[earlier[-1]].end >= call.start
        ):
            beside += 1
        lanes.setdefault((f"P{call.process}", beside), []).append(index)
    ordered = sorted(lanes, key=lambda lane: (len(lane[0]), lane))
    return [(process, lanes[process, beside]) for process, beside in ordered]
