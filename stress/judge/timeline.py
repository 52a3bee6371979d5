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

Instants are drawn in their order, and as far apart as the names of the calls need
(`stress.report.bars`).
"""

import heapq
from collections.abc import Sequence
from typing import Final

from stress.history import Span
from stress.judge.values import spelled
from stress.report.bars import WIDTH, Bar, Bars

MOST: Final = 12
"""Calls that are drawn, at most."""
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
    drawing = _bars(shown, width)
    for call in near:
        if call is not calls[misfit] and len(shown) < MOST:
            larger = _bars([*shown, call], width)
            if larger.fits:
                shown, drawing = [*shown, call], larger
    return drawing.lines()


def _distance(call: Span, other: Span) -> tuple[int, int]:
    """Return how long the one began after the other had ended; then how far apart they began."""
    gaps = [other.start - call.end if call.outcome != "info" else 0, call.start - other.end, 0]
    return max(gaps), abs(call.start - other.start)


def _bars(calls: Sequence[Span], width: int) -> Bars:
    """Return the drawing of `calls`, with a lane for each process."""
    lanes = sorted({f"P{call.process}" for call in calls}, key=lambda lane: (len(lane), lane))
    bars = [
        Bar(
            f"P{call.process}",
            named(call),
            call.start,
            None if call.outcome == "info" else call.end,
        )
        for call in calls
    ]
    return Bars(bars, width, lanes=lanes)
