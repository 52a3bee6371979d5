"""A judgement on a recorded history as text.

✗ no order of all calls agrees with model and clock              recorded history · register
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
history   stale.jsonl: 3 calls of 3 processes
judged    by the monitor for register, in 0.0 s

P0  ├─ write(1) ──────────────────────┤
P1   ├─ read() = 1 ┤
P2                  ├─ read() = null ┤
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ time ▸

longest legal order   P0 write(1),  P1 read() = 1
cannot be placed      P2 read() = null
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from stress.history import Span
from stress.judge.jepsen import Recorded
from stress.judge.judgement import Judgement
from stress.judge.specification import Specification
from stress.judge.timeline import drawn, named
from stress.report.bars import WIDTH
from stress.report.page import cut
from stress.verdict import Verdict

LAST: Final = 6
"""Calls of the longest legal order that are named: the last ones."""
TIED: Final = "\N{NO-BREAK SPACE}"
"""A space within a call, at which a line does not end."""
LABEL: Final = 10
EVIDENCE: Final = 22
"""Columns of the labels below the drawing."""

TITLES: Final = {
    Verdict.OK: "✓ one order of all calls agrees with model and {}",
    Verdict.FAILED: "✗ no order of all calls agrees with model and {}",
    Verdict.UNKNOWN: "? whether an order of all calls agrees is not known",
}


def lines(  # noqa: PLR0913, PLR0917  (all there is to a report)
    source: str,
    model: str,
    recorded: Recorded,
    judgement: Judgement,
    specification: Specification,
    order: str = "clock",
) -> Iterator[str]:
    """Yield the lines of the report, none wider than `WIDTH` but for a file's name.

    `order` says what an order of the calls has to agree with, besides the model.
    """
    title = TITLES[judgement.verdict].format(order)
    room = WIDTH - len(title)
    yield f"{title}{cut(f'  recorded history · {model}', room, str):>{room}}"
    yield "━" * WIDTH
    yield f"{'history':<{LABEL}}{source}: {_counted(recorded)}"
    yield f"{'judged':<{LABEL}}{_judged(judgement, specification)}"
    if judgement.verdict is Verdict.UNKNOWN:
        yield from _labelled(
            "unknown",
            "The budget was spent, in seconds or in memory, before all orders were tried.  This is "
            "no pass.  Give more with --budget, or judge a shorter history.",
            LABEL,
        )
    if judgement.misfit is not None:
        yield from _evidence(recorded.calls, judgement, judgement.misfit, specification)


def _counted(recorded: Recorded) -> str:
    calls = recorded.calls
    processes = len({call.process for call in calls})
    found = f"{_many(len(calls), 'call')} of {_many(processes, 'process', 'es')}"
    if opened := sum(call.outcome == "info" for call in calls):
        found += f", {opened:,} never returned"
    if recorded.skipped:
        found += f"; {_many(recorded.skipped, 'line')} of others skipped"
    return found


def _many(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{plural if count != 1 else ''}"


def _judged(judgement: Judgement, specification: Specification) -> str:
    if judgement.by == "monitor":
        return f"by the monitor for {specification.datatype}, in {judgement.seconds:.1f} s"
    return f"by a search of {judgement.steps:,} model steps, in {judgement.seconds:.1f} s"


def _evidence(
    calls: Sequence[Span], judgement: Judgement, misfit: int, specification: Specification
) -> Iterator[str]:
    key = specification.key(calls[misfit])
    alike = [call for call in calls if specification.key(call) == key]
    yield ""
    yield from drawn(alike, next(at for at, call in enumerate(alike) if call is calls[misfit]))
    yield ""
    if judgement.order is not None:
        last = [_of(calls[index]) for index in judgement.order[-LAST:]]
        if more := len(judgement.order) - len(last):
            last = [f"{more:,} calls", *last]
        yield from _labelled("longest legal order", ",  ".join(last) or "(none)", EVIDENCE)
    yield from _labelled("cannot be placed", _of(calls[misfit]), EVIDENCE)
    if len(alike) < len(calls):
        others = f"Calls on other keys, {len(calls) - len(alike):,}, have nothing to do with it."
        yield from _labelled("", others, EVIDENCE)


def _of(call: Span) -> str:
    return f"P{call.process} {named(call)}".replace(" ", TIED)


def _labelled(label: str, text: str, column: int) -> list[str]:
    first, others = f"{label:<{column}}", " " * column
    lines = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=others)
    return [line.replace(TIED, " ") for line in lines]
