"""Calls and returns with their instants: what every engine records and every judge reads.

A `Span` is one call from its invocation to its return.  What a subject does inside a call (it
waits for a lock, it calls a backend) is a span, too, of a process that is named, not numbered:

>>> history = [
...     Span(0, "register", (4096, 1), 10, 90, "ok", None),
...     Span("backend of 0", "map", (0, 4096), 30, 60, "ok", None),
... ]
>>> for line in to_json_lines(history):
...     print(line)
{"process": 0, "type": "invoke", "f": "register", "value": [4096, 1], "time": 10}
{"process": "backend of 0", "type": "invoke", "f": "map", "value": [0, 4096], "time": 30}
{"process": "backend of 0", "type": "ok", "f": "map", "value": null, "time": 60}
{"process": 0, "type": "ok", "f": "register", "value": null, "time": 90}
>>> from_json_lines(to_json_lines(history)) == history
True

The lines follow the convention of Jepsen (one object for each invocation and each completion, in
the order of their instants), so other tools read the numbered processes and skip the named ones.
Instants are nanoseconds of one monotonic clock that all threads share.
"""

import json
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

type Outcome = Literal["ok", "fail", "info"]


class Span(NamedTuple):
    """One call: who, what, with which arguments, from when to when, and how it ended.

    ``outcome`` is "ok" for a return, "fail" for a raise, "info" where no end was seen.
    """

    process: int | str
    f: str
    arguments: tuple[Any, ...]
    start: int
    end: int
    outcome: Outcome
    result: Any

    def overlaps(self, other: "Span") -> bool:
        """Return whether at some instant both were running."""
        return self.start < other.end and other.start < self.end


class Precedence(NamedTuple):
    """What "before" means between two instants of a history.

    Instants are numbers that sort the history, but a smaller one need not be before a greater.
    """

    before: Callable[[int, int], bool]
    """Whether what was done by the first instant is surely done at the second: what a later call
    must then respect."""
    in_time: Callable[[int, int], bool]
    """Whether what had to be done by the second instant was, if it was done by the first."""


BY_CLOCK: Final = Precedence(operator.lt, operator.le)
"""Instants of one clock: where two are equal nobody knows, and nobody is accused."""


def to_json_lines(history: Iterable[Span]) -> Iterator[str]:
    """Yield the invocations and completions of `history` in the order of their instants."""
    instants: list[tuple[int, int, dict[str, Any]]] = []
    for number, span in enumerate(history):
        invoked = {"process": span.process, "type": "invoke", "f": span.f}
        instants.append((span.start, number, invoked | {"value": list(span.arguments)}))
        if span.outcome != "info":
            ended = {"process": span.process, "type": span.outcome, "f": span.f}
            instants.append((span.end, number, ended | {"value": span.result}))
    instants.sort(key=lambda instant: instant[:2])
    for time, _, line in instants:
        yield json.dumps(line | {"time": time})


def from_json_lines(lines: Iterable[str]) -> list[Span]:
    """Return the spans of a history that `to_json_lines` wrote, by the instants of their starts.

    Raises ValueError, naming the line, for what is not such a history.
    """
    spans: list[Span] = []
    open_calls: dict[int | str, int] = {}
    now: int | None = None
    for number, line in enumerate(lines, 1):
        process, kind, f, value, time = _entry(number, line)
        if now is not None and time < now:
            raise ValueError(f"line {number}: {time} comes before {now}, the line above")
        now = time
        if kind == "invoke":
            if process in open_calls:
                raise ValueError(f"line {number}: process {process!r} calls before it returned")
            open_calls[process] = len(spans)
            spans.append(Span(process, f, tuple(value), time, time, "info", None))
        elif process not in open_calls:
            raise ValueError(f"line {number}: process {process!r} returns without a call")
        else:
            place = open_calls.pop(process)
            spans[place] = spans[place]._replace(end=time, outcome=kind, result=value)
    return spans


def _entry(number: int, line: str) -> tuple[int | str, Any, str, Any, int]:
    """Return the fields of one line, each of its type; ValueError where one is not."""
    try:
        entry = json.loads(line)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"line {number} of the history is damaged: {error}") from error
    match entry:
        case {
            "process": int() | str() as process,
            "type": "invoke" | "ok" | "fail" as kind,
            "f": str() as f,
            "value": value,
            "time": int() as time,
        } if kind != "invoke" or isinstance(value, list):
            return process, kind, f, value, time
    raise ValueError(
        f"line {number} of the history is damaged: it is not an object with process, type "
        f"(invoke, ok or fail), f, value and time"
    )
