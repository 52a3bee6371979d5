"""A recorded history in the lines of Jepsen, read one line at a time.

>>> lines = [
...     b'{"process": 0, "type": "invoke", "f": "write", "value": 3}',
...     b'{"process": 1, "type": "invoke", "f": "read", "value": null}',
...     b'{"process": "nemesis", "type": "info", "f": "start-partition", "value": null}',
...     b'{"process": 1, "type": "ok", "f": "read", "value": 3}',
...     b'{"process": 0, "type": "info", "f": "write", "value": "timed out"}',
... ]
>>> from stress.judge.vocabulary import VOCABULARIES
>>> history = read(lines, VOCABULARIES["register"]())
>>> for call in history.calls:
...     print(call)
Span(process=0, f='write', arguments=(3,), start=1, end=1, outcome='info', result=None)
Span(process=1, f='read', arguments=(), start=2, end=4, outcome='ok', result=3)
>>> history.skipped
1

Every line is one object, which begins ("invoke") or ends a call of its process:

- "ok": it took effect, and `value` is the result;
- "fail": it certainly took none, so the call is dropped, unless the vocabulary says what it saw;
- "info", or no end at all: it may take effect at any time after it began, or never.

Entries whose process is no whole number are skipped.  The instants of calls are their `time`, or
where no line has one the numbers of the lines.  Instants are whole numbers: where times have
fractions, they are numbered in their order, which is all that is judged.  `index` adds nothing to
the order of the lines, and has to agree with it.  A process whose call ended in "info" may call
again, although Jepsen's never do: the open call may still take effect at any time, so nothing is
concluded from it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, NamedTuple, NoReturn

from stress.history import Span
from stress.judge.vocabulary import Line, ShapeError, Vocabulary, Word
from stress.report.page import cut

LONGEST: Final = 1 << 20
"""Bytes of the longest line that is read."""
CUT: Final = 60
"""Characters that are shown of what is damaged."""


class HistoryError(ValueError):
    """The lines are not a history; the text names the first that cannot belong to one."""


class Recorded(NamedTuple):
    """What was read."""

    calls: list[Span]
    """In the order of their invocations."""
    skipped: int
    """Entries of processes that are no whole numbers."""


class _Call(NamedTuple):
    """A call that has not ended yet."""

    place: int
    word: Word
    arguments: tuple[Any, ...]
    start: float
    line: int


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of `file`, none longer than `LONGEST`: a stranger's may have no end."""
    return iter(lambda: file.readline(LONGEST + 1), b"")


def read(lines: Iterable[bytes], vocabulary: Vocabulary) -> Recorded:
    """Return the calls in `lines`; HistoryError, naming the line, where they are no history."""
    reading = _Reading(vocabulary)
    number = 0
    for number, line in enumerate(lines, 1):
        reading.take(number, line)
    if not number:
        raise HistoryError(
            "there is no line, and so nothing to judge.\n"
            "  A history has one JSON object a line, for each call and each return."
        )
    if not reading.calls:
        raise HistoryError(
            f"none of the {number:,} lines is of a process with a number, so nothing is to judge.\n"
            f"  Number the processes: entries of others are skipped."
        )
    return reading.ended()


class _Reading:
    """What is known after some of the lines."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.calls: list[Span | None] = []
        """None where a call failed, or has not ended."""
        self._running: dict[int, _Call] = {}
        self._skipped = 0
        self._timed: bool | None = None
        self._fractions = False
        self._now: float = 0
        self._now_at = 0
        self._index = -1
        self._decode = json.JSONDecoder(parse_constant=_no_number).raw_decode

    def take(self, number: int, line: bytes) -> None:
        """Take the next line."""
        entry = self._entry(number, line)
        process = entry["process"]
        if type(process) is not int:
            self._skipped += 1
            return
        now = self._instant(number, entry)
        kind, f = entry.get("type"), entry.get("f")
        if kind == "invoke":
            self._invoke(number, process, f, now, entry)
        elif kind in ("ok", "fail", "info"):
            self._end(number, process, kind, f, now, entry)
        else:
            _refuse(number, f"its type is {_shown(kind)}", "It is invoke, ok, fail or info.")

    def ended(self) -> Recorded:
        """Return what was read, calls that have not ended as open ones."""
        for process, call in self._running.items():
            self.calls[call.place] = _span(process, call, call.start, "info", None)
        calls = [call for call in self.calls if call is not None]
        return Recorded(_numbered(calls) if self._fractions else calls, self._skipped)

    def _entry(self, number: int, line: bytes) -> Line:
        if len(line) > LONGEST:
            _refuse(number, f"it is longer than {LONGEST:,} bytes", "A line holds one call's end.")
        try:
            text = line.decode().strip()
            entry, end = self._decode(text)
        except (ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
            raise _damaged(number, line, why) from error
        if end != len(text):
            raise _damaged(number, line, "something follows its object")
        if type(entry) is not dict or "process" not in entry:
            _refuse(
                number,
                "it is no object with a process",
                "Every line is one JSON object with process, type, f and value.",
            )
        return entry

    def _instant(self, number: int, entry: Line) -> float:
        """Return the instant of a line; check that time does not go back."""
        index = entry.get("index")
        if index is not None:
            if type(index) is not int or index <= self._index:
                _refuse(
                    number,
                    f"its index is {_shown(index)}, after {self._index}",
                    "Lines are in the order of their indexes: sort them.",
                )
            self._index = index
        time = entry.get("time")
        if (time is not None) is not self._timed:
            self._decide_on_time(number, timed=time is not None)
        if time is None:
            return number
        if type(time) is not int:
            if type(time) is not float:
                _refuse(number, f"its time is {_shown(time)}", "Times are numbers, or none is.")
            self._fractions = True
        if time < self._now and self._now_at:
            _refuse(
                number,
                f"its time, {time}, comes before {self._now}, that of line {self._now_at}",
                "Lines are in the order of their times, and one clock gives them: sort the lines, "
                "or leave all times out, and the order of the lines rules.",
            )
        self._now, self._now_at = time, number
        return time

    def _decide_on_time(self, number: int, *, timed: bool) -> None:
        """Let the first line decide whether all have a time."""
        if self._timed is not None:
            has, others = ("a time", "have none") if timed else ("no time", "have one")
            _refuse(
                number,
                f"it has {has}, and the lines before it {others}",
                "Give every line of a numbered process a time, or none: then their order rules.",
            )
        self._timed = timed

    def _invoke(self, number: int, process: int, f: Any, now: float, entry: Line) -> None:
        word = self._vocabulary.get(f) if type(f) is str else None
        if word is None:
            _refuse(
                number,
                f"it calls {_shown(f)}, which the model does not have",
                f"The model has: {', '.join(self._vocabulary)}.  Name another with --model.",
            )
        if process in self._running:
            call = self._running[process]
            _refuse(
                number,
                f"process {process} calls {f}, and its {call.word.f} of line {call.line} has not "
                f"ended",
                "A process makes one call at a time: number the threads, or end the call first.",
            )
        try:
            arguments = word.arguments(entry)
        except (ShapeError, RecursionError) as error:
            _misshapen(number, f, error)
        self._running[process] = _Call(len(self.calls), word, arguments, now, number)
        self.calls.append(None)

    def _end(  # noqa: PLR0913, PLR0917  (the fields of a line)
        self, number: int, process: int, kind: str, f: Any, now: float, entry: Line
    ) -> None:
        call = self._running.pop(process, None)
        if call is None:
            _refuse(
                number,
                f"process {process} ends a call ({kind}), and is in none",
                "Each end has its own invocation before it: the lines above may be lost.",
            )
        if f != call.word.f:
            _refuse(
                number,
                f"process {process} ends {_shown(f)}, and called {call.word.f} on line {call.line}",
                "An end names the operation that was called.",
            )
        if kind == "info":
            self.calls[call.place] = _span(process, call, call.start, "info", None)
            return
        read_result = call.word.result if kind == "ok" else call.word.failure
        if read_result is not None:
            try:
                result = read_result(call.arguments, entry)
            except (ShapeError, RecursionError) as error:
                _misshapen(number, f, error)
            self.calls[call.place] = _span(process, call, now, kind, result)


def _span(process: int, call: _Call, end: float, outcome: str, result: Any) -> Span:
    fields = process, call.word.f, call.arguments, call.start, end, outcome, result
    return _make_span(fields)


_make_span: Final[Callable[[tuple[Any, ...]], Span]] = Span._make


def _numbered(calls: list[Span]) -> list[Span]:
    """Return the same calls with numbers for their instants, in the same order."""
    instants = sorted({instant for call in calls for instant in (call.start, call.end)})
    numbers = {instant: number for number, instant in enumerate(instants)}
    return [call._replace(start=numbers[call.start], end=numbers[call.end]) for call in calls]


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _shown(value: Any) -> str:
    """Return what stands in a line where it must not, or its beginning."""
    try:
        return cut(json.dumps(value), CUT, str)
    except RecursionError:
        return "nested too deeply"


def _damaged(number: int, line: bytes, why: str) -> HistoryError:
    start = line[:CUT].decode(errors="replace").rstrip()
    return HistoryError(
        f"line {number} of the history is damaged: {why}.\n  It begins with {start!r}.\n"
        f"  Every line is one JSON object with process, type, f and value."
    )


def _refuse(number: int, why: str, remedy: str) -> NoReturn:
    raise HistoryError(f"line {number} of the history does not fit: {why}.\n  {remedy}")


def _misshapen(number: int, f: Any, error: Exception) -> NoReturn:
    why = str(error) if isinstance(error, ShapeError) else "its value is nested too deeply"
    raise HistoryError(
        f"line {number} of the history does not fit: {f}: {why}.\n"
        f"  `stress linearize --help` lists what the operations of each model take and return."
    ) from error
