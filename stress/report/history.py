"""A recorded history as a table: who called what, from when to when, and what it came to.

from us  to us  who          call              came to
    0.0    4.2  thread 0     push(7)           True
    1.1    9.9  thread 1     pop()             7
    1.5    9.0    lock of 1  mutex()           ok

Instants are microseconds from the first.  What a subject did inside a call is indented.  Where
some number is as large as an address, all are hexadecimal.
"""

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from stress.history import Span
from stress.plain import plain
from stress.reference import HEXADECIMAL, Raised, spelled
from stress.report.failure import Call
from stress.report.page import Spelling, cut

LONGEST: Final = 160
"""Characters of a call or a result that are shown; what is saved has all."""


def table(calls: Sequence[Call], spell: Spelling = str) -> Table:
    """Return a row for each of `calls`, by their starts."""
    found = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("from us", "to us"):
        found.add_column(heading, justify="right")
    for heading in ("who", "call", "came to"):
        found.add_column(heading, overflow="fold")
    for call in calls:
        instants = (f"{each / 1000:,.1f}" for each in (call.start, call.end))
        who = f"  {call.process}" if call.inside else call.process
        cells = (cut(each, LONGEST, spell) for each in (who, call.text, call.result))
        found.add_row(*map(Text, map(spell, (*instants, *cells))))
    return found


def is_inside(span: Span) -> bool:
    """Return whether the subject did this inside a call."""
    return isinstance(span.process, str) and span.process != "main"


def who(span: Span) -> str:
    """Return who called."""
    return f"thread {span.process}" if isinstance(span.process, int) else span.process


def spelled_call(span: Span, *, addresses: bool) -> str:
    """Return what was called; `addresses` makes all numbers hexadecimal."""
    arguments = ", ".join(spelled_value(each, addresses=addresses) for each in span.arguments)
    return f"{span.f}({arguments})"


def came_to(span: Span, *, addresses: bool) -> str:
    """Return what a call came to."""
    match span.outcome, plain(span.result):
        case "info", _:
            return "never returned"
        case "ok", result:
            return (
                "ok"
                if is_inside(span) or result == ()
                else spelled_value(result, addresses=addresses)
            )
        case _, (str() as error, None):
            return error
        case _, (str() as error, tuple() as arguments):
            return str(Raised(error, arguments))
        case _, (str() as error, int() as address):
            return f"{error} at {address:#x}"
        case _, result:
            return f"failed: {spelled_value(result, addresses=addresses)}"


def has_address(value: Any) -> bool:
    """Return whether some number in `value` is as large as an address."""
    if isinstance(value, list | tuple):
        return any(map(has_address, value))
    return type(value) is int and value >= HEXADECIMAL


def spelled_value(value: Any, *, addresses: bool) -> str:
    """Return a value as messages spell it, but for text, which is shown as it is."""
    if isinstance(value, list | tuple):
        inside = ", ".join(spelled_value(each, addresses=addresses) for each in value)
        return f"({inside}{',' * (len(value) == 1)})"
    if addresses and type(value) is int:
        return hex(value)
    return value if isinstance(value, str) else spelled(value)
