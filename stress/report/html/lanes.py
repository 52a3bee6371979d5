"""The lanes of a trace as rows of a table: a lane for each thread, its calls around its steps.

Three kinds of rows: a call begins or returns; a step; a thread stands for good.  In every row each
lane has a cell, which knows whether a call of its thread is under way there and which pieces of
arrows pass it.  A thread that acts only before and after all others has no lane, and is named.
"""

from dataclasses import dataclass, field
from typing import Final

from stress.explore.trace import End, Trace, TraceCall, TraceStep
from stress.report.arrows import Arrow, arrows_of, columns
from stress.report.html import arrows, wording
from stress.report.html.arrows import Line
from stress.report.html.hues import hues_of
from stress.report.steps import places, spelled_steps

MOST_LANES: Final = 4
"""With more threads than these there is one column, the thread first."""
WIDEST: Final = 28
"""Characters of the longest column of names."""


@dataclass(slots=True)
class Place:
    """A cell: one lane in one row."""

    lane: int
    thread: int
    in_call: bool = False
    text: str = ""
    """Of a call that begins or returns, or of how a thread stands."""
    gutter: list[Line] = field(default_factory=list)
    """Pieces of arrows to the right of it."""
    crossed: list[Line] = field(default_factory=list)
    """Pieces of arrows through it."""
    leads: list[Line] = field(default_factory=list)
    """Pieces of arrows from its text to the right."""


@dataclass(slots=True)
class Row:
    """One row of the table."""

    kind: str
    """call, return, step or end."""
    cells: list[Place]
    step: TraceStep | None = None
    end: End | None = None
    name: str = ""
    """Of a step: the location."""
    access: str = ""
    """Of a step: what is done."""
    said: str = ""
    """Of a step: all of it, in words."""
    marks: list[str] = field(default_factory=list)
    where: str = ""
    conflict: bool = False
    touches: str = ""
    """The numbers of the arrows that begin or end here."""
    call: TraceCall | None = None
    text: str = ""
    """Of a call: what it is, or what it returns."""


@dataclass(slots=True)
class Lanes:
    """The table of a trace."""

    trace: Trace
    shown: list[int]
    """Threads that have a lane."""
    rows: list[Row]
    widths: list[int]
    """How many lines go down to the right of each lane."""
    names: dict[int, int]
    """How many characters the names of each thread's locations need."""
    hues: list[int]
    """The number of each thread's colour."""
    solid: set[bool]
    """Which kinds of arrows there are."""

    @property
    def folded(self) -> bool:
        """Whether there are more threads than can stand side by side."""
        return len(self.shown) > MOST_LANES


def lanes_of(trace: Trace) -> Lanes:
    """Return the table of `trace`."""
    shown = [at for at in range(len(trace.threads)) if at not in trace.outside]
    lanes = {thread: lane for lane, thread in enumerate(shown)}
    folded = len(shown) > MOST_LANES
    drawn = [] if folded else arrows.drawable(arrows_of(trace, lanes))
    widths = [columns(drawn, lane) for lane in range(len(shown))]
    names = dict.fromkeys(range(len(trace.threads)), 0)
    for step in trace.steps:
        names[step.thread] = min(max(names[step.thread], len(step.location)), WIDEST)
    colours = hues_of(trace.threads)
    hues = [colours[name] for name in trace.threads]
    builder = _Builder(trace, lanes, drawn, widths)
    return Lanes(trace, shown, builder.rows(), widths, names, hues, {each.solid for each in drawn})


def gutter(lines: int) -> int:
    """Return how many pixels so many lines down need, with room for an arrow head."""
    return arrows.FIRST + arrows.APART * lines + 6 if lines else 0


class _Builder:
    """Puts the rows of a table together."""

    def __init__(
        self, trace: Trace, lanes: dict[int, int], drawn: list[Arrow], widths: list[int]
    ) -> None:
        self._trace = trace
        self._lanes = lanes
        self._arrows = drawn
        self._widths = widths
        self._texts = spelled_steps(trace, str)
        self._places = places(trace)
        self._open: set[int] = set()
        """Threads in a call."""

    def rows(self) -> list[Row]:
        found: list[Row] = []
        for at, step in enumerate(self._trace.steps):
            found += self._beginning(at, step.number)
            found.append(self._step(at, step))
            found += self._returning(at, step.number)
        last = len(self._trace.steps)
        found += self._beginning(last, self._trace.steps[-1].number + 1 if last else 1)
        return found + [self._end(end) for end in self._trace.ends]

    def _beginning(self, at: int, number: int) -> list[Row]:
        """Return a row with the calls that begin before step `number`, if any do."""
        calls = [call for call in self._trace.calls if call.first == number]
        found = []
        for call in calls:
            self._open.add(call.thread)
            found.append(self._call("call", call, call.text, at))
            if call.last < call.first:  # no step of it is told
                found += self._returned(call, at)
        return _merged(found)

    def _returning(self, at: int, number: int) -> list[Row]:
        calls = [call for call in self._trace.calls if call.first <= call.last == number]
        return _merged([row for call in calls for row in self._returned(call, at + 1)])

    def _returned(self, call: TraceCall, at: int) -> list[Row]:
        if not call.result:
            return []
        row = self._call("return", call, f"= {call.result}", at)
        self._open.discard(call.thread)
        return [row]

    def _call(self, kind: str, call: TraceCall, text: str, at: int) -> Row:
        cells = self._cells()
        for cell in cells:
            cell.gutter = arrows.between(self._arrows, cell.lane, at - 1)
            if cell.thread == call.thread:
                cell.text = text
        return Row(kind, cells, call=call, text=text)

    def _cells(self) -> list[Place]:
        return [
            Place(lane, thread, in_call=thread in self._open)
            for thread, lane in self._lanes.items()
        ]

    def _step(self, at: int, step: TraceStep) -> Row:
        name, access, _ = self._texts[at]
        marks = wording.marks(step)
        for mark in reversed(marks):
            access = access.removesuffix(f"  {mark}")
        return Row(
            "step",
            [self._crossed(cell, at, step) for cell in self._cells()],
            step,
            name=name,
            access=access,
            said=wording.said(step),
            marks=marks,
            where=self._places.get(step.where, step.where),
            conflict=step.number in self._trace.conflict,
            touches=" ".join(str(arrow.number) for arrow in self._arrows if _touches(arrow, at)),
        )

    def _crossed(self, cell: Place, at: int, step: TraceStep) -> Place:
        lane = cell.lane
        cell.gutter = arrows.in_gutter(self._arrows, lane, at, gutter(self._widths[lane]))
        if cell.thread == step.thread:
            cell.leads = arrows.to_the_right(self._arrows, lane, at)
        else:
            cell.crossed = arrows.across(self._arrows, lane, at)
        return cell

    def _end(self, end: End) -> Row:
        cells = self._cells()
        for cell in cells:
            if cell.thread == end.thread:
                cell.text = end.text
        return Row("end", cells, end=end, where=self._places.get(end.where, end.where))


def _touches(arrow: Arrow, at: int) -> bool:
    return at == arrow.source or any(at == target for target, _ in arrow.targets)


def _merged(rows: list[Row]) -> list[Row]:
    """Put neighbours of one kind into one row, where they are in different lanes."""
    found: list[Row] = []
    for row in rows:
        before = found[-1] if found else None
        if before is None or before.kind != row.kind or _clash(before, row):
            found.append(row)
            continue
        for old, new in zip(before.cells, row.cells, strict=True):
            old.text = old.text or new.text
            old.in_call = old.in_call or new.in_call
    return found


def _clash(one: Row, other: Row) -> bool:
    """Return whether they cannot share a row: one has no lane, or both have the same."""
    if not all(any(cell.text for cell in row.cells) for row in (one, other)):
        return True
    return any(a.text and b.text for a, b in zip(one.cells, other.cells, strict=True))
