"""The calls of a report as bars along time; what the subject did inside a call has its own lane."""

from collections.abc import Sequence
from typing import Final

from stress.report.bars import Bar, Bars
from stress.report.failure import Call
from stress.report.page import Spelling, cut

MOST: Final = 12
"""Calls that are drawn; of more there is a table."""
LEAST_NAME: Final = 20
"""Columns that the name of a call has at least."""
NEVER: Final = "never returned"
LATEST: Final = 1 << 63


def drawn(calls: Sequence[Call], width: int, spell: Spelling) -> list[str]:
    """Return the lines of the drawing; none for many calls, or those of one thread."""
    processes = list(dict.fromkeys(call.process for call in calls))
    if len(processes) < 2 or len(calls) > MOST:  # noqa: PLR2004
        return []
    bars = Bars([_bar(call) for call in calls], width, spell, lanes=_lanes(calls), whole=True)
    return bars.lines() if bars.fits else _listed(calls, width, spell)


def _listed(calls: Sequence[Call], width: int, spell: Spelling) -> list[str]:
    """Return a line for each call, its name before its bar; instants in their order."""
    instants = sorted({(call.start, False) for call in calls} | {_end(call) for call in calls})
    columns = {instant: column for column, instant in enumerate(instants)}
    rows = [(spell("✗") if call.misfit else "", _lane(call), _named(call)) for call in calls]
    wide = [max(len(row[at]) for row in rows) for at in range(3)]
    taken = wide[0] + wide[1] + 2 * len([each for each in wide if each])
    wide[2] = min(wide[2], max(width - taken - len(instants), LEAST_NAME))
    scale = max((width - taken - wide[2] - 1) // len(instants), 1)
    found = []
    for call, row in zip(calls, rows, strict=True):
        start, end = columns[call.start, False] * scale, columns[_end(call)] * scale
        last = "▸" if call.result == NEVER else "┤"
        bar = spell(f"{' ' * start}├{'─' * (end - start - 1)}{last}")
        cells = [
            f"{cut(cell, room, spell):<{room}}"
            for cell, room in zip(row, wide, strict=True)
            if room
        ]
        found.append("  ".join([*cells, bar]))
    return found


def _end(call: Call) -> tuple[int, bool]:
    """Return when a call ends; one that never does ends after all others."""
    return (LATEST, True) if call.result == NEVER else (call.end, True)


def _bar(call: Call) -> Bar:
    end = None if call.result == NEVER else call.end
    return Bar(_lane(call), _named(call), call.start, end, call.misfit)


def _named(call: Call) -> str:
    silent = call.result in {"", "ok", NEVER}
    return call.text if silent else f"{call.text} = {call.result}"


def _lane(call: Call) -> str:
    return f"  {call.process}" if call.inside else call.process


def _lanes(calls: Sequence[Call]) -> list[str]:
    """Return the lanes: each thread, and below it what the subject did inside its calls."""
    threads = sorted({call.process for call in calls if not call.inside})
    found = []
    for thread in threads:
        found.append(thread)
        number = thread.rpartition(" ")[2]
        found += dict.fromkeys(
            _lane(call) for call in calls if call.inside and call.process.endswith(f" {number}")
        )
    return found
