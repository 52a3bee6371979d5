"""The steps of a trace on a page: in lanes where they fit, else in one column, the thread first."""

from itertools import product
from typing import Final

from stress.explore.trace import Trace
from stress.report.calls import CallLines
from stress.report.drawing import ROOMY, TIGHT, Drawing
from stress.report.page import Spelling, cut
from stress.report.steps import LONGEST_THREAD, aligned, is_drawn, only_file, places, spelled_steps
from stress.report.titles import conflicting

MOST_LANES: Final = 3
NARROWEST: Final = 80
"""A page narrower than this has no lanes."""
LONGEST: Final = 400
"""Steps that are drawn in lanes."""
LEGEND: Final = {
    False: "╌╌ reads from, without synchronizing",
    True: "── reads from or follows, and synchronizes",
}
CONFLICT: Final = "● the two steps that conflict"


def drawn(trace: Trace, width: int, spell: Spelling) -> tuple[list[str], str]:
    """Return the lines; and the file of all steps, where only its lines are in the drawing."""
    lanes = len(trace.threads) - len(trace.outside)
    choices = [(places(trace), "")]
    if file := only_file(trace):
        choices.append(({where: where.rpartition(":")[2] for where in choices[0][0]}, file))
    if width >= NARROWEST and 0 < lanes <= MOST_LANES and len(trace.steps) <= LONGEST:
        for (shown, source), gutter in product(choices, (ROOMY, TIGHT)):
            drawing = Drawing(trace, width, shown, spell, gutter=gutter)
            if drawing.width <= width:
                return drawing.drawn(), source
    for shown, source in choices:
        column = _column(trace, width, shown, spell)
        if max(map(len, column)) <= width:
            return column, source
    return column, source


def legend(trace: Trace, width: int, spell: Spelling) -> list[str]:
    """Return what the marks in the drawing mean."""
    styles = {step.synchronizes for step in trace.steps if is_drawn(trace, step)}
    found = [LEGEND[style] for style in sorted(styles)]
    if conflicting(trace):
        found.append(CONFLICT)
    line = spell("    ".join(found))
    return [line] * bool(line) if len(line) <= width else [*map(spell, found)]


type _Row = tuple[str, str, str, str, str]


def _column(trace: Trace, width: int, where: dict[str, str], spell: Spelling) -> list[str]:
    """Return one line a step, the thread first."""
    rows = [("#", "thread", "step", "reads", "where"), *_rows(trace, where, spell)]
    rows = [(a, spell(b), spell(c), spell(d), spell(e)) for a, b, c, d, e in rows]
    if not any(row[3] for row in rows[1:]):
        rows = [(*row[:3], "", row[4]) for row in rows]
    widths = [max(2, *(len(row[at]) for row in rows)) for at in range(5)]
    widths[1] = min(widths[1], LONGEST_THREAD)
    widths[3] = max(len(row[3]) for row in rows)
    widths[2] = max(min(widths[2], width - sum(widths) + widths[2] - 2 * 4), 10)
    shown = [at for at in range(5) if widths[at]]
    rule = tuple("─" * wide for wide in widths)
    return [
        "  ".join(
            f"{cut(spell(row[at]), widths[at], spell):{'>' if at == 0 else '<'}{widths[at]}}"
            for at in shown
        )
        for row in (rows[0], rule, *rows[1:])
    ]


def _rows(trace: Trace, where: dict[str, str], spell: Spelling) -> list[_Row]:
    """Return a row for each step, each beginning and end of a call, and each thread's end."""
    calls = CallLines(trace, spell)
    pair = {step.number for step in conflicting(trace)}
    rows: list[_Row] = []
    for step, text in zip(trace.steps, aligned(spelled_steps(trace, spell)), strict=True):
        rows += _called(trace, calls.before(step.number))
        if calls.hides(step):
            continue
        arrow = "◂─" if step.synchronizes else "◂╌"
        reads = f"{arrow} {step.reads}" if is_drawn(trace, step) else ""
        mark = "●" if step.number in pair else ""
        name = trace.threads[step.thread]
        rows.append((f"{step.number}{mark}", name, text, reads, where[step.where]))
        rows += _called(trace, calls.after(step.number))
    rows += _called(trace, calls.before(len(trace.steps) + 1))
    for end in trace.ends:
        mark = "✗" if end.failed else ""
        rows.append((mark, trace.threads[end.thread], end.text, "", where[end.where]))
    return rows


def _called(trace: Trace, lines: list[tuple[int, str]]) -> list[_Row]:
    return [("", trace.threads[thread], text, "", "") for thread, text in lines]
