"""Calls as bars along time, in their order and as far apart as their names need.

>>> bars = [Bar("T0", "put(1)", 0, 90), Bar("T1", "get() = 1", 10, 30)]
>>> print(chr(10).join(Bars(bars, 40).lines()))
T0  ├─ put(1) ─────┤
T1   ├─ get() = 1 ┤
    ╌╌╌╌╌╌╌╌╌ time ▸

A picture to scale would show a thousand waits and no call.  At one instant calls come before
returns, as they do for the judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stress.report.page import Spelling, cut

type Moment = tuple[float, bool]
"""An instant, and whether calls return at it: where calls and returns meet, calls come first."""

WIDTH: Final = 92
FRAME: Final = 4
"""Columns of a bar besides its name, less one."""
AXIS: Final = " time ▸"


@dataclass(frozen=True, slots=True)
class Bar:
    """One call."""

    lane: str
    name: str
    start: int
    end: int | None
    """None: it never returned."""
    marked: bool = False
    """Whether its lane is marked by a cross."""


class Bars:
    """A drawing of `bars`, in `lanes`, or as they begin; `whole` stretches it to `width`."""

    def __init__(
        self,
        bars: Sequence[Bar],
        width: int = WIDTH,
        spell: Spelling = str,
        *,
        lanes: Sequence[str] = (),
        whole: bool = False,
    ) -> None:
        self._bars = sorted(bars, key=lambda bar: bar.start)
        self._spell = spell
        self._lanes = _lanes(self._bars, lanes)
        self._mark = 2 * any(bar.marked for bar in bars)
        self._margin = self._mark + 2 + max(len(bar.lane) for bar in bars)
        room = max(width - self._margin - FRAME - 1, 1)
        self._names = [cut(bar.name, room, spell) for bar in self._bars]
        self._columns = self._laid_out()
        self._right = max(
            *self._columns.values(),
            *(
                self._columns[_start(bar)] + len(name) + FRAME
                for bar, name in zip(self._bars, self._names, strict=True)
                if bar.end is None
            ),
            self._margin + len(spell(AXIS)) + 1,
        )
        self.fits = self._right < width
        """Whether it is no wider than `width`."""
        if whole and self.fits:
            self._stretch(width - 1)

    def _laid_out(self) -> dict[Moment, int]:
        """Return the column of each instant: the first that leaves room for every name."""
        ends: dict[Moment, list[int]] = {}
        for index, bar in enumerate(self._bars):
            ends.setdefault(_start(bar), [])
            if bar.end is not None:
                ends.setdefault((bar.end, True), []).append(index)
        columns: dict[Moment, int] = {}
        column = self._margin - 1
        for moment in sorted(ends):
            column += 1
            for index in ends[moment]:
                start = columns[_start(self._bars[index])]
                column = max(column, start + len(self._names[index]) + FRAME)
            columns[moment] = column
        return columns

    def _stretch(self, right: int) -> None:
        """Move all instants apart, so that the last is in the column `right`."""
        length = self._right - self._margin
        self._columns = {
            moment: self._margin + (column - self._margin) * (right - self._margin) // length
            for moment, column in self._columns.items()
        }
        self._right = right

    def lines(self) -> list[str]:
        """Return the lanes, and the axis."""
        found = []
        for lane, indexes in self._lanes:
            line = [" "] * (self._right + 1)
            line[self._mark : self._mark + len(lane)] = lane
            if any(self._bars[index].marked for index in indexes):
                line[0] = self._spell("✗")
            for index in indexes:
                bar = self._drawn(index)
                start = self._columns[_start(self._bars[index])]
                line[start : start + len(bar)] = bar
            found.append("".join(line).rstrip())
        axis = self._spell(AXIS)
        dots = self._spell("╌") * (self._right + 1 - self._margin - len(axis))
        return [*found, f"{' ' * self._margin}{dots}{axis}"]

    def _drawn(self, index: int) -> str:
        bar, name = self._bars[index], self._names[index]
        end = self._right if bar.end is None else self._columns[bar.end, True]
        length = end - self._columns[_start(bar)] + 1
        edge, line, last = map(self._spell, ("├", "─", "▸" if bar.end is None else "┤"))
        return f"{f'{edge}{line} {name} ':{line}<{length - 1}}{last}"


def _start(bar: Bar) -> Moment:
    return bar.start, False


def _lanes(bars: Sequence[Bar], order: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Return the lanes, and another of the same name for a bar beside one that is still open."""
    lanes: dict[tuple[str, int], list[int]] = {}
    ordered = [*order, *dict.fromkeys(bar.lane for bar in bars)]
    for index, bar in enumerate(bars):
        beside = 0
        while (earlier := lanes.get((bar.lane, beside))) and (
            (end := bars[earlier[-1]].end) is None or end >= bar.start
        ):
            beside += 1
        lanes.setdefault((bar.lane, beside), []).append(index)
    found = sorted(lanes, key=lambda lane: (ordered.index(lane[0]), lane[1]))
    return [(name, lanes[name, beside]) for name, beside in found]
