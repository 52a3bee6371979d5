"""A saved history as calls, and which of them the judge could place.

The messages of `stress.conformance` name the calls of the longest legal order and the one that
cannot be placed in the model's words; here they find their places in the history.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stress.failures import FailureFileError
from stress.history import Span, from_json_lines
from stress.report.failure import Call
from stress.report.fields import texts_of
from stress.report.history import came_to, has_address, is_inside, spelled_call, who
from stress.report.titles import CANNOT_BE_PLACED

LONGEST_LEGAL: Final = "longest legal order"
ALLOWED_THERE: Final = "allowed there"
NEXT_CALL: Final = re.compile(r",\s+(?=(?:thread \d+|main): )")
LATEST: Final = 1 << 63
"""Nanoseconds: no clock goes as far."""


@dataclass(slots=True)
class Placing:
    """What the judge said of a history: which calls it could place, and which one it could not."""

    misfit: str = ""
    order: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)


def placing(lines: Sequence[str]) -> Placing:
    """Return what the lines of a message say, of a violation or of an execution.

    >>> placing(["thread 1: pop() = 7 cannot be placed", "longest legal order   nothing",
    ...          "allowed there         None"])
    Placing(misfit='thread 1: pop() = 7', order=[], allowed=['None'])
    """
    found = Placing()
    for line in lines:
        told = line.strip()
        if told.endswith(CANNOT_BE_PLACED):
            found.misfit = told.removesuffix(CANNOT_BE_PLACED)
        elif told.startswith(LONGEST_LEGAL):
            order = told.removeprefix(LONGEST_LEGAL).strip()
            found.order = [] if order == "nothing" else NEXT_CALL.split(order)
        elif told.startswith(ALLOWED_THERE):
            found.allowed = [told.removeprefix(ALLOWED_THERE).strip()]
    return found


def calls_of(failure: Mapping[str, Any]) -> list[Call]:
    """Return the calls of a saved history, by their starts; FailureFileError if it is damaged."""
    try:
        spans = from_json_lines(texts_of(failure, "history"))
    except ValueError as error:
        raise FailureFileError(
            f"the saved history is damaged: {error}.\n"
            f"  Somebody changed it.  Find the failure again:  stress run"
        ) from error
    origin = min((span.start for span in spans), default=0)
    if any(not 0 <= each - origin < LATEST for span in spans for each in (span.start, span.end)):
        raise FailureFileError(
            f"the saved history is damaged: it goes on for more than {LATEST} nanoseconds.\n"
            f"  No clock does.  Find the failure again:  stress run"
        )
    addresses = any(has_address(each.arguments) or has_address(each.result) for each in spans)
    return [_call(span, origin, addresses=addresses) for span in spans]


def _call(span: Span, origin: int, *, addresses: bool) -> Call:
    return Call(
        who(span),
        spelled_call(span, addresses=addresses),
        came_to(span, addresses=addresses),
        span.start - origin,
        span.end - origin,
        is_inside(span),
    )


def placed(calls: Sequence[Call], found: Placing) -> list[Call]:
    """Return `calls` with their places in the legal order, and the one that has none marked.

    Results are in the words of the model where it told of them.
    """
    left = dict(enumerate(calls))
    told: dict[int, Call] = {}
    for number, text in enumerate([*found.order, found.misfit], 1):
        at = _next(left, text)
        if at is not None:
            is_misfit = number > len(found.order)
            result = text.partition(") = ")[2] or left[at].result
            told[at] = replace(
                left.pop(at),
                result=result,
                place=None if is_misfit else number,
                misfit=is_misfit,
            )
    return [told.get(at, call) for at, call in enumerate(calls)]


def _next(left: Mapping[int, Call], text: str) -> int | None:
    """Return the first of the calls `left` that `text` is about."""
    process, colon, made = text.partition(": ")
    for at, call in left.items():
        if colon and call.process == process and made.startswith(call.text):
            return at
    return None
