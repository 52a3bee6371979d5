"""A report as text, of at most 92 columns, whatever kind of failure it tells of.

First what is wrong, in words that can be read aloud; then how to see it again; then what was
observed and what was allowed; then the evidence: an execution in lanes (`stress.report.execution`),
a history as bars along time or as a table, outcomes with their counts, or where the threads stood;
then why it is wrong, naming steps by number, and which repairs were tried.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from stress.report import execution, history, timeline
from stress.report.failure import Repair, Report
from stress.report.neutral import neutralised
from stress.report.outcomes import counted
from stress.report.page import Spelling, as_ascii, cut

WIDTH: Final = 92
LABEL: Final = 10
"""Columns of a label and the space after it."""
EVIDENCE: Final = 22
"""Columns of the labels below a history."""
MOST_LINES: Final = 12
"""Entries of a list that are shown."""
MOST_ENTRY: Final = 4
"""Lines of each."""
MOST_TITLE: Final = 3
"""Lines of a title."""
LABELS: Final = (
    "scenario|found|bounds|source|replay|saved|observed|allowed|why|tried|note|model|program|seed|"
    "rule|calls|met|identity|longest legal order|cannot be placed"
)
WIDEST_CHANGE: Final = 40
"""Columns of a change, so that what came of all stands below one another."""
VERDICTS: Final = {
    "holds": "holds in all {} execution{}",
    "fails": "fails, in execution {}",
    "unknown": "not decided in {} execution{}",
}


def written(report: Report, width: int = WIDTH, *, ascii: bool = False) -> str:  # noqa: A002
    """Return the report; no line of it is wider than `width`, unless a path or command is."""
    spell: Spelling = as_ascii if ascii else str
    report = neutralised(report, spell)
    sections = [
        _observed(report, width),
        _executed(report, width, spell),
        _recorded(report, width, spell),
        counted(report.outcomes, width, spell),
        _stood(report, width, spell),
        _reasons(report, width, spell),
        _tried(report.tried, width, spell),
        _notes(report, width),
        execution.legend(report.trace, width, spell) if report.trace else [],
    ]
    found = list(_heading(report, width, spell))
    for section in sections:
        if section:
            found += ["", *section]
    return "".join(f"{spell(line).rstrip()}\n" for line in found)


def painted(text: str) -> Text:
    """Return a report in colours, for a terminal."""
    found = Text(text, end="")
    found.highlight_regex(r"\A.*", "bold red")
    found.highlight_regex(rf"(?m)^({LABELS})(?= )", "dim")
    found.highlight_regex(r"  (stale|race|overtaken|spurious)\b", "bold yellow")
    found.highlight_regex(r"(?m)^( [✗X]|[✗X] ) .*", "red")
    found.highlight_regex(r"(?m)^ *\d+[●*](?= )", "bold red")
    found.highlight_regex(r"\bholds in .*", "green")
    return found


# Above the evidence


def _heading(report: Report, width: int, spell: Spelling) -> Iterator[str]:
    setting = cut(report.setting, width // 2, spell)
    room = "\0" * (len(setting) + 2)  # the first line is shorter by what stands at its end
    titles = _wrapped(f"{room}{spell('✗')} {report.title}", width, "  ", MOST_TITLE, spell)
    first = titles[0].removeprefix(room)
    yield f"{first}{setting:>{width - len(first)}}"
    yield from titles[1:]
    yield spell("━") * width
    facts = dict(report.facts)
    if report.trace is not None and report.trace.scenario:
        facts.pop("model", None)
        facts.pop("seed", None)
    if report.fingerprint:
        facts["identity"] = report.fingerprint
    if report.saved and report.saved not in report.replay:
        facts["saved"] = report.saved
    yield from _side_by_side(list(facts.items()), width, spell)
    if report.replay:
        yield f"{'replay':<{LABEL}}{report.replay}"


def _side_by_side(pairs: Sequence[tuple[str, str]], width: int, spell: Spelling) -> Iterator[str]:
    """Yield labels with their values, two in a line where they are short."""
    half = width // 2
    left = list(pairs)
    while left:
        (label, value), *left = left
        line = f"{_label(label, spell)}{value}"
        if left and len(line) < half - 1:
            beside = f"{_label(left[0][0], spell)}{left[0][1]}"
            if len(beside) <= width - half:
                line = f"{line:<{half}}{beside}"
                left = left[1:]
        if len(line) <= width or label == "saved":
            yield line
        else:
            yield from _wrapped(line, width, " " * LABEL, MOST_TITLE, spell)


def _label(label: str, spell: Spelling) -> str:
    """Return a label and the space after it."""
    return f"{cut(label, 2 * LABEL, spell)}  " if len(label) > LABEL - 2 else f"{label:<{LABEL}}"


def _observed(report: Report, width: int) -> list[str]:
    observed, allowed = report.observed, report.allowed
    if observed == allowed:
        allowed = ["that, and that the rule holds"] if allowed else []
    return [*_list("observed", observed, width), *_list("allowed", allowed, width)]


def _list(label: str, lines: Sequence[str], width: int) -> list[str]:
    found: list[str] = []
    for number, line in enumerate(lines[:MOST_LINES]):
        found += _labelled("" if number else label, line, width, most=MOST_ENTRY)
    if more := len(lines) - MOST_LINES:
        found += [f"{'':<{LABEL}}and {more:,} more"] * (more > 0)
    return found


# The evidence


def _executed(report: Report, width: int, spell: Spelling) -> list[str]:
    if report.trace is None:
        return []
    lines, source = execution.drawn(report.trace, width, spell)
    if source:
        lines = [f"{'source':<{LABEL}}{source}", "", *lines]
    if report.order:
        lines += ["", *_order(report, width)]
    return lines


def _recorded(report: Report, width: int, spell: Spelling) -> list[str]:
    if not report.calls:
        return []
    if not any(call.result for call in report.calls):
        return _list("calls", [call.text for call in report.calls], width)
    met = ["as real threads met it", ""] if report.trace else []
    lines = timeline.drawn(report.calls, width, spell) or _table(report, width, spell)
    told = report.trace is None and (report.order or report.misfit)
    below = _order(report, width) if told else []
    return [*met, *lines, *([""] if below else []), *below]


def _table(report: Report, width: int, spell: Spelling) -> list[str]:
    console = Console(width=width, color_system=None, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(history.table(report.calls, spell))
    return [line.rstrip() for line in capture.get().splitlines()]


def _order(report: Report, width: int) -> list[str]:
    """Return the longest legal order, and the call that cannot be placed after it."""
    order = report.order[-MOST_LINES:]
    if more := len(report.order) - len(order):
        order = [f"{more:,} calls", *order]
    legal = ",  ".join(order) or "nothing"
    found = _labelled("longest legal order", legal, width, EVIDENCE, most=MOST_ENTRY)
    if report.misfit and report.observed != [report.misfit]:
        found += _labelled("cannot be placed", report.misfit, width, EVIDENCE)
    return found


def _stood(report: Report, width: int, spell: Spelling) -> list[str]:
    """Return where the threads stood."""
    found: list[str] = []
    for stack in report.stacks:
        lines = stack.split("\n")
        found += [""] * bool(found) + [cut(line, width, spell) for line in lines]
    return found


# Below the evidence


def _reasons(report: Report, width: int, spell: Spelling) -> list[str]:
    text = "  ".join(report.why[:MOST_LINES])
    return _wrapped(f"{'why':<{LABEL}}{text}", width, " " * LABEL, 2 * MOST_LINES, spell) * bool(
        text
    )


def _tried(tried: Sequence[Repair], width: int, spell: Spelling) -> list[str]:
    """Return the repairs that were explored again: what holds first."""
    ranks = {"holds": 0, "unknown": 1, "fails": 2}
    ordered = sorted(tried, key=lambda each: (ranks[each.verdict], each.size))[:MOST_LINES]
    wide = min(max((len(each.change) for each in ordered), default=0), WIDEST_CHANGE)
    found = []
    for number, repair in enumerate(ordered):
        smallest = spell("   ◂ smallest") if not number and repair.verdict == "holds" else ""
        change, came = f"{repair.change:<{wide}}", f"{_came_to(repair)}{smallest}"
        label = "" if number else "tried"
        lines = [f"{change}   {came}"]
        if LABEL + len(lines[0]) > width:
            lines = [cut(repair.change, width - LABEL, spell), f"  {came}"]
        found += [f"{label:<{LABEL}}{lines[0]}", *(f"{'':<{LABEL}}{each}" for each in lines[1:])]
    if more := len(tried) - len(ordered):
        found.append(f"{'':<{LABEL}}and {more:,} more")
    return found


def _came_to(repair: Repair) -> str:
    count = f"{repair.executions:,}"
    return VERDICTS[repair.verdict].format(count, "s" * (repair.executions != 1))


def _notes(report: Report, width: int) -> list[str]:
    return _list("note", report.notes, width)


# Lines


def _labelled(
    label: str, text: str, width: int, column: int = LABEL, most: int = MOST_LINES
) -> list[str]:
    return _wrapped(f"{label:<{column}}{text}", width, " " * column, most, str)


def _wrapped(text: str, width: int, indent: str, most: int, spell: Spelling) -> list[str]:
    """Return `text` in at most so many lines; the last says that there is more."""
    wrapped = textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)
    if len(wrapped) > most:
        wrapped = [*wrapped[: most - 1], f"{indent}{spell('…')}"]
    return wrapped or [""]
