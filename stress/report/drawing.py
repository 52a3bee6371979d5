"""The lanes of a trace: a column for each thread, time going down, an arrow for each read.

 #  writer                    reader                     where
 ─  ────────────────────────  ─────────────────────────  ────────
 1  data  ← 42  relaxed                                  mp.py:9
 2  ready ← 1   relaxed ╌╌╮                              mp.py:10
 3                        ╰╌▸ ready → 1         acquire  mp.py:13
 4                            data  → 0  stale  relaxed  mp.py:14

A thread that acts only before and after all others has no lane; its steps name it.
"""

from typing import Final

from stress.explore.trace import End, Trace, TraceStep
from stress.report.arrows import Arrow, arrows_of, columns
from stress.report.calls import CallLines
from stress.report.page import Page, Spelling, cut
from stress.report.steps import aligned, spelled_steps
from stress.report.titles import conflicting

ROOMY, TIGHT = 6, 4
"""Columns between two lanes, besides those of the lines down."""
BESIDE: Final = 2
"""Columns beside a step's number: for a mark, and a space."""
WIDE: Final = 32
"""Lanes are made as wide as this if there is room."""
MOST_WANTED: Final = 48
"""And as wide as this for the names of calls."""


class Drawing:
    """The lanes of `trace`, as wide as they need be, up to `width`."""

    def __init__(
        self, trace: Trace, width: int, places: dict[str, str], spell: Spelling, *, gutter: int
    ) -> None:
        self._trace = trace
        self._places = {where: spell(place) for where, place in places.items()}
        self._spell = spell
        self._gutter = gutter
        self._names = [spell(name) for name in trace.threads]
        self._shown = [at for at in range(len(trace.threads)) if at not in trace.outside]
        self._lanes = {thread: lane for lane, thread in enumerate(self._shown)}
        self._texts = self._aligned_texts()
        self._calls = CallLines(trace, spell)
        self._conflict = {step.number for step in conflicting(trace)}
        self._number = max(2, len(str(len(trace.steps)))) + BESIDE
        self._arrows = arrows_of(trace, self._lanes)
        self._starts: list[int] = []
        self._where = 0
        self._lay_out(width)
        self.width = self._where + self._where_width
        """How wide it is."""

    def _aligned_texts(self) -> list[str]:
        """Return the text of each step; those of one thread are aligned."""
        steps = self._trace.steps
        cells = spelled_steps(self._trace, self._spell)
        texts = [""] * len(steps)
        for thread in range(len(self._trace.threads)):
            mine = [at for at, step in enumerate(steps) if step.thread == thread]
            for at, text in zip(mine, aligned([cells[at] for at in mine]), strict=True):
                texts[at] = text
        return texts

    def _lay_out(self, width: int) -> None:
        """Decide in which columns lanes and lines are."""
        widths, gutters, wanted = [], [], []
        for thread, lane in self._lanes.items():
            steps = enumerate(self._trace.steps)
            mine = [len(self._texts[at]) for at, step in steps if step.thread == thread]
            widths.append(max(len(self._names[thread]), *mine, 0))
            wanted.append(min(max(self._calls.width(thread), WIDE), MOST_WANTED))
            lines = columns(self._arrows, lane)
            gutters.append(lines + self._gutter if lines else 2)
        self._where_width = max(len("where"), *map(len, self._places.values()))
        spare = width - self._number - sum(widths) - sum(gutters) - self._where_width
        lacking = [max(want - wide, 0) for want, wide in zip(wanted, widths, strict=True)]
        self._where = self._number
        for lane, wide in enumerate(widths):
            self._starts.append(self._where)
            share = max(spare, 0) // (len(widths) - lane)
            grown = min(lacking[lane], share)
            spare -= grown
            end = self._where + wide + grown
            for arrow in self._arrows:
                if arrow.gutter == lane:
                    arrow.column += end + self._gutter - 3
            self._where = end + gutters[lane]

    def drawn(self) -> list[str]:
        """Return the lines of the drawing."""
        page = Page(self.width)
        self._draw_header(page)
        rows = []
        for at, step in enumerate(self._trace.steps):
            self._draw_calls(page, self._calls.before(step.number))
            rows.append(-1 if self._calls.hides(step) else self._draw_step(page, at, step))
            self._draw_calls(page, self._calls.after(step.number))
        self._draw_calls(page, self._calls.before(len(rows) + 1))
        for arrow in self._arrows:
            self._draw_arrow(page, arrow, rows)
        for end in self._trace.ends:
            self._draw_end(page, end)
        return page.drawn(self._spell)

    def _draw_header(self, page: Page) -> None:
        names, rule = page.add(), page.add()
        columns = [(1, "#", 1)]
        ends = [*self._starts[1:], self._where]
        for thread, start, end in zip(self._shown, self._starts, ends, strict=True):
            columns.append((start, self._names[thread], end - 2 - start))
        columns.append((self._where, "where", self._where_width))
        for column, name, wide in columns:
            page.write(names, column, name)
            page.write(rule, column, self._spell("─") * wide)

    def _draw_calls(self, page: Page, lines: list[tuple[int, str]]) -> None:
        """Write where calls begin and end; those of different lanes share a row."""
        row, taken = -1, set[int]()
        for thread, text in lines:
            lane = self._lanes.get(thread)
            if lane is None:
                self._write_outside(page, page.add(), thread, text)
                row = -1
                continue
            if row < 0 or lane in taken:
                row, taken = page.add(), set()
            taken.add(lane)
            start = self._starts[lane]
            end = [*self._starts, self._where][lane + 1] - 2
            page.write(row, start, cut(text, end - start, self._spell))

    def _draw_step(self, page: Page, at: int, step: TraceStep) -> int:
        row = page.add()
        page.write(row, 0, f"{step.number:>{self._number - BESIDE}}")
        if step.number in self._conflict:
            page.write(row, self._number - BESIDE, self._spell("●"))
        if step.thread in self._lanes:
            page.write(row, self._starts[self._lanes[step.thread]], self._texts[at])
        else:
            source = f"  from step {step.reads}" if step.reads else ""
            self._write_outside(page, row, step.thread, f"{self._texts[at]}{source}")
        page.write(row, self._where, self._places[step.where])
        return row

    def _write_outside(self, page: Page, row: int, thread: int, text: str) -> None:
        """Write what is not in a lane."""
        text = f"{self._names[thread]}: {text}"
        page.write(row, self._number, cut(text, self._where - self._number - 2, self._spell))

    def _draw_arrow(self, page: Page, arrow: Arrow, rows: list[int]) -> None:
        """Draw the line down from a write, and a branch to each step that reads it."""
        solid = arrow.solid
        page.down(arrow.column, rows[arrow.source], rows[arrow.last], solid=solid)
        start = self._starts[arrow.lane]
        after = start + len(self._texts[arrow.source]) + 1
        ends = (after, arrow.column) if arrow.gutter == arrow.lane else (arrow.column, start - 2)
        page.across(rows[arrow.source], *ends, solid=solid)
        for at, lane in arrow.targets:
            start = self._starts[lane]
            after = start + len(self._texts[at]) + 1
            if arrow.gutter < lane:
                page.across(rows[at], arrow.column, start - 2, solid=solid)
                page.write(rows[at], start - 2, self._spell("▸"))
            else:
                page.across(rows[at], after, arrow.column, solid=solid)
                page.write(rows[at], after, self._spell("◂"))

    def _draw_end(self, page: Page, end: End) -> None:
        row = page.add()
        page.write(row, 1, self._spell("✗" if end.failed else " "))
        text = self._spell(end.text)
        lane = self._lanes.get(end.thread)
        if lane is None or self._starts[lane] + len(text) > self._where - 2:
            self._write_outside(page, row, end.thread, text)
        else:
            page.write(row, self._starts[lane], text)
        page.write(row, self._where, self._places[end.where])
