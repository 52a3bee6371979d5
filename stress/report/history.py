"""A recorded history as a table: who called what, from when to when, and what it came to.

from us  to us  who          call              came to
    0.0    4.2  thread 0     push(7)           True
    1.1    9.9  thread 1     pop()             7
    1.5    9.0    lock of 1  mutex()           ok

Instants are microseconds from the first.  What a subject did inside a call is indented.  Where
some number is as large as an address, all are hexadecimal.
"""

from typing import Any

from rich.table import Table
from rich.text import Text

from stress.history import Span
from stress.plain import plain
from stress.reference import HEXADECIMAL, Raised, spelled


def table(history: list[Span]) -> Table:
    """Return a row for each span of `history`, by their starts."""
    found = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("from us", "to us"):
        found.add_column(heading, justify="right")
    for heading in ("who", "call", "came to"):
        found.add_column(heading, overflow="fold")  # evidence is never cut
    origin = min((span.start for span in history), default=0)
    addresses = any(_has_address(each.arguments) or _has_address(each.result) for each in history)
    for span in history:
        instants = ((each - origin) / 1000 for each in (span.start, span.end))
        arguments = ", ".join(_spelled(each, addresses=addresses) for each in span.arguments)
        call = f"{span.f}({arguments})"
        row = (
            *(f"{each:,.1f}" for each in instants),
            _who(span),
            call,
            _came_to(span, addresses=addresses),
        )
        found.add_row(*map(Text, row))
    return found


def _is_inside(span: Span) -> bool:
    """Return whether the subject did this inside a call."""
    return isinstance(span.process, str) and span.process != "main"


def _who(span: Span) -> str:
    if isinstance(span.process, int):
        return f"thread {span.process}"
    return f"  {span.process}" if _is_inside(span) else span.process


def _came_to(span: Span, *, addresses: bool) -> str:
    match span.outcome, plain(span.result):
        case "info", _:
            return "never returned"
        case "ok", result:
            return (
                "ok" if _is_inside(span) or result == () else _spelled(result, addresses=addresses)
            )
        case _, (str() as error, None):
            return error
        case _, (str() as error, tuple() as arguments):
            return str(Raised(error, arguments))
        case _, (str() as error, int() as address):
            return f"{error} at {address:#x}"
        case _, result:
            return f"failed: {_spelled(result, addresses=addresses)}"


def _has_address(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_address, value))
    return type(value) is int and value >= HEXADECIMAL


def _spelled(value: Any, *, addresses: bool) -> str:
    """Return a value as messages spell it, but for text, which is shown as it is."""
    if isinstance(value, list | tuple):
        inside = ", ".join(_spelled(each, addresses=addresses) for each in value)
        return f"({inside}{',' * (len(value) == 1)})"
    if addresses and type(value) is int:
        return hex(value)
    return value if isinstance(value, str) else spelled(value)
