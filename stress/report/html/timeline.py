"""A recorded history as bars: a line for each process, time to the right.

Where there is a legal order, each call in it has a dot with its place: an instant within the call
at which it can have happened, later than that of the call before it in the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stress.report.failure import Call

LETTER: Final = 0.75
"""Percent of the width that a letter of a label needs, where there is room for labels."""
NARROWEST: Final = 0.4
"""Percent of the width of the shortest bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A call as it is drawn; positions and widths in percent of the time line."""

    number: int
    """Of the row in the table that tells it."""
    call: Call
    label: str
    """Empty where it would not fit."""
    x: float
    width: float
    point: float | None
    """Where it can have happened."""

    @property
    def middle(self) -> float:
        """Where its number stands."""
        return round(self.x + self.width / 2, 3)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The processes with their bars, and the calls in the order in which they began."""

    processes: list[tuple[str, int, list[Bar]]]
    """Name, number of the hue, bars."""
    bars: list[Bar]
    hues: dict[str, int]
    """The number of each process's hue."""
    nanoseconds: int
    """From the first start to the last end."""


def timeline_of(calls: Sequence[Call]) -> Timeline:
    """Return `calls` as bars."""
    ordered = sorted(calls, key=lambda call: (call.start, call.end))
    first = min((call.start for call in ordered), default=0)
    whole = max((call.end for call in ordered), default=0) - first
    points = _points(ordered)
    names = sorted({call.process for call in ordered}, key=_rank)
    bars = []
    for number, call in enumerate(ordered, 1):
        x, width = (_percent(each, whole) for each in (call.start - first, call.end - call.start))
        width = max(width, NARROWEST)
        x = min(x, 100 - width)
        text = f"{call.text} = {call.result}" if call.result else call.text
        label = text if len(text) * LETTER + 1.2 <= width else ""
        instant = points.get(number)
        point = None if instant is None else _percent(instant - first, whole)
        bars.append(Bar(number, call, label, x, width, point))
    lines = [
        (name, hue, [bar for bar in bars if bar.call.process == name])
        for hue, name in enumerate(names)
    ]
    return Timeline(lines, bars, {name: hue for hue, name in enumerate(names)}, whole)


def _rank(process: str) -> tuple[int, int, str]:
    """Sort processes: main, then threads by number, then what subjects do inside calls."""
    digits = process.removeprefix("thread ")
    number = int(digits) if digits.isdecimal() and len(digits) < 10 else -1  # noqa: PLR2004
    return (0 if process == "main" else 1 if number >= 0 else 2, number, process)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 3) if whole > 0 else 0.0


def _points(calls: Sequence[Call]) -> dict[int, int]:
    """Return for each call of the legal order, by its number, the first instant it can have."""
    placed = sorted(
        (call.place, number, call) for number, call in enumerate(calls, 1) if call.place is not None
    )
    found, now = {}, 0
    for _, number, call in placed:
        now = max(now, call.start)
        found[number] = min(now, call.end)
    return found
