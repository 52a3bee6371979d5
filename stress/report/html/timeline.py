"""A recorded history as bars: a line for each process, time to the right.

Calls of a microsecond may lie milliseconds apart, so time is not to scale: what is drawn is which
call ended before which began, with the same room between any two instants that follow each other.
Where there is a legal order, each call in it has a dot with its place: an instant within the call
at which it can have happened, later than that of the call before it in the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stress.report.failure import Call
from stress.report.html.hues import hues_of

LETTER, PADDING = 0.7, 1.4
"""Percent of the width that a letter of a label needs, where there is room for labels at all."""


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

    processes: list[tuple[str, list[Bar]]]
    """Names with their bars."""
    bars: list[Bar]
    hues: dict[str, int]
    """The number of each process's colour."""
    nanoseconds: int
    """From the first start to the last end."""


def timeline_of(calls: Sequence[Call]) -> Timeline:
    """Return `calls` as bars."""
    ordered = sorted(calls, key=lambda call: (call.start, call.end))
    scale = _scale(ordered)
    points = _points(ordered, scale)
    bars = []
    for number, call in enumerate(ordered, 1):
        width = round(max(scale[call.end] - scale[call.start], 0), 3)
        label = _label(call, width)
        bars.append(Bar(number, call, label, scale[call.start], width, points.get(number)))
    names = sorted({call.process for call in ordered}, key=_rank)
    lines = [(name, [bar for bar in bars if bar.call.process == name]) for name in names]
    first = min((call.start for call in ordered), default=0)
    whole = max((call.end for call in ordered), default=0) - first
    return Timeline(lines, bars, hues_of(names), whole)


def _scale(calls: Sequence[Call]) -> dict[int, float]:
    """Return where each instant is, in percent of the width."""
    instants = sorted({instant for call in calls for instant in (call.start, call.end)})
    last = max(len(instants) - 1, 1)
    return {instant: round(100 * at / last, 3) for at, instant in enumerate(instants)}


def _label(call: Call, width: float) -> str:
    """Return as much of what a call is and came to as fits into its bar, in whole parts."""
    sign = "✗ " * call.misfit
    texts = (f"{sign}{call.text} = {call.result}", f"{sign}{call.text}")
    fitting = [text for text in texts if len(text) * LETTER + PADDING <= width]
    return fitting[0] if fitting else ""


def _rank(process: str) -> tuple[int, int, str]:
    """Sort processes: main, then threads by number, then what subjects do inside calls."""
    digits = process.removeprefix("thread ")
    number = int(digits) if digits.isdecimal() and len(digits) < 10 else -1  # noqa: PLR2004
    return (0 if process == "main" else 1 if number >= 0 else 2, number, process)


def _points(calls: Sequence[Call], scale: dict[int, float]) -> dict[int, float]:
    """Return where each call of the legal order can have happened, by its number: in order."""
    placed = sorted(
        (call.place, number, call) for number, call in enumerate(calls, 1) if call.place is not None
    )
    together: dict[int, list[int]] = {}
    now = 0
    for _, number, call in placed:
        now = min(max(now, call.start), call.end)
        together.setdefault(now, []).append(number)
    room = 100 / max(len(scale) - 1, 1)
    found = {}
    for instant, numbers in together.items():
        for at, number in enumerate(numbers, 1):
            x = scale[instant] + room * at / (len(numbers) + 1)
            found[number] = round(min(x, scale[calls[number - 1].end]), 3)
    return found
