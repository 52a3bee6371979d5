"""A failing interleaving as text, from its trace alone.

First what is wrong, in words that can be read aloud; then how to see it again; then the steps, in
lanes with arrows (`stress.report.drawing`); then why, naming steps by number.  A dotted arrow
leads to a read that does not synchronise with what it reads, a solid one to what does; plain data
has no arrows.  A read marked stale has skipped something newer.  With more than three threads, or
where lanes would not fit, there is one column, the thread first.
"""

import textwrap
from collections.abc import Iterator
from itertools import product
from typing import Final

from rich.text import Text

from stress.explore.trace import Trace
from stress.report.drawing import ROOMY, TIGHT, Drawing
from stress.report.page import Spelling, as_ascii, cut
from stress.report.steps import aligned, is_drawn, only_file, places, spelled_steps

WIDTH: Final = 92
MOST_LANES: Final = 3
NARROWEST: Final = 80
"""A page narrower than this has no lanes."""
LABEL: Final = 10
"""Columns of a label and the space after it."""
LONGEST: Final = 400
"""Steps that are drawn in lanes."""
MODELS: Final = {
    "rc11": "weak memory · rc11",
    "tso": "store buffers · tso",
    "sc": "interleavings · sc",
}
LEGEND: Final = {
    False: "╌╌ reads from, without synchronizing",
    True: "── reads from or follows, and synchronizes",
}


def render(trace: Trace, width: int = WIDTH, *, ascii: bool = False) -> str:  # noqa: A002
    """Return the report; no line of it is wider than `width`, unless a file name or command is."""
    spell: Spelling = as_ascii if ascii else str
    drawn, source = _steps(trace, width, spell)
    found = [*_heading(trace, source, width, spell), "", *drawn]
    if trace.why:
        found += ["", *_labelled("why", spell("  ".join(trace.why)), width)]
    styles = {step.synchronizes for step in trace.steps if is_drawn(trace, step)}
    if styles:
        found += ["", "      ".join(spell(LEGEND[style]) for style in sorted(styles))]
    return "".join(f"{line.rstrip()}\n" for line in found)


def painted(report: str) -> Text:
    """Return a report in colours, for a terminal."""
    text = Text(report, end="")
    text.highlight_regex(r"\A.*", "bold red")
    labels = "scenario|found|bounds|source|replay|saved|observed|allowed|why"
    text.highlight_regex(rf"(?m)^({labels})(?= )", "dim")
    text.highlight_regex(r"  (stale|race|overtaken|spurious)\b", "bold yellow")
    text.highlight_regex(r"(?m)^ [✗X] .*", "red")
    return text


# Above and below the steps


def _heading(trace: Trace, source: str, width: int, spell: Spelling) -> Iterator[str]:
    title, model = spell(f"✗ {trace.title}"), spell(MODELS.get(trace.memory, trace.memory))
    first, *rest = textwrap.wrap(title, width - len(model) - 2, subsequent_indent="  ")
    yield f"{first}{model:>{width - len(first)}}"
    yield from rest
    yield spell("━") * width
    pairs = {
        "scenario": trace.scenario,
        "found": trace.found,
        "bounds": trace.bounds,
        "source": source,
        "saved": trace.saved,
    }
    yield from _side_by_side(
        [(label, spell(pairs[label])) for label in pairs if pairs[label]], width
    )
    if trace.saved:
        yield spell(f"{'replay':<{LABEL}}stress replay {trace.saved}")
    if trace.observed or trace.allowed:
        yield ""
    for label, lines in (("observed", trace.observed), ("allowed", trace.allowed)):
        for number, line in enumerate(lines):
            yield from _labelled("" if number else label, spell(line), width)


def _side_by_side(pairs: list[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield labels with their values, two in a line where they are short."""
    half = width // 2
    while pairs:
        (label, value), *pairs = pairs
        line = f"{label:<{LABEL}}{value}"
        if pairs and len(line) < half - 1 and len(pairs[0][1]) <= width - half - LABEL:
            (label, value), *pairs = pairs
            line = f"{line:<{half}}{label:<{LABEL}}{value}"
        yield line


def _labelled(label: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=f"{label:<{LABEL}}", subsequent_indent=" " * LABEL
    )


# The steps


def _steps(trace: Trace, width: int, spell: Spelling) -> tuple[list[str], str]:
    """Return the steps drawn; and their file, where only its lines are in the drawing."""
    lanes = len(trace.threads) - len(trace.outside)
    choices = [(places(trace), "")]
    if file := only_file(trace):
        lines = {where: where.rpartition(":")[2] for where in choices[0][0]}
        choices.append((lines, file))
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


def _column(trace: Trace, width: int, where: dict[str, str], spell: Spelling) -> list[str]:
    """Return one line a step, the thread first."""
    rows = [("#", "thread", "step", "reads", "where")]
    for step, text in zip(trace.steps, aligned(spelled_steps(trace, spell)), strict=True):
        arrow = "◂─" if step.synchronizes else "◂╌"
        reads = f"{arrow} {step.reads}" if is_drawn(trace, step) else ""
        name = trace.threads[step.thread]
        rows.append((str(step.number), name, text, reads, where[step.where]))
    for end in trace.ends:
        mark = "✗" if end.failed else ""
        rows.append((mark, trace.threads[end.thread], end.text, "", where[end.where]))
    rows = [(a, spell(b), spell(c), spell(d), spell(e)) for a, b, c, d, e in rows]
    if not any(row[3] for row in rows[1:]):
        rows = [(*row[:3], "", row[4]) for row in rows]
    widths = [max(2, *(len(row[at]) for row in rows)) for at in range(5)]
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
