"""Lines of Jepsen: what is read, and how every line that cannot belong to a history is named."""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.history import Span
from stress.judge.jepsen import LONGEST, HistoryError, Recorded, lines_of, read
from stress.judge.values import from_json, spelled
from stress.judge.vocabulary import VOCABULARIES, mismatching

type Entry = dict[str, Any]


def entry(process: Any, kind: str, f: str, value: Any = None, **others: Any) -> Entry:
    """Return the object of one line."""
    return {"process": process, "type": kind, "f": f, "value": value} | others


def taken(model: str, entries: Sequence[Entry | bytes], *, mismatch: bool = False) -> Recorded:
    """Return what is read from lines; with `mismatch`, a failed cas saw another value."""
    lines = [
        each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in entries
    ]
    vocabulary = VOCABULARIES[model]()
    return read(lines, mismatching(vocabulary) if mismatch else vocabulary)


WRITE = [entry(0, "invoke", "write", 1), entry(0, "ok", "write", 1)]
READ = [entry(1, "invoke", "read"), entry(1, "ok", "read", 1)]


def test_lines_rule_where_no_line_has_a_time() -> None:
    """Instants are the numbers of the lines."""
    assert taken("register", [WRITE[0], READ[0], WRITE[1], READ[1]]).calls == [
        Span(0, "write", (1,), 1, 3, "ok", 1),
        Span(1, "read", (), 2, 4, "ok", 1),
    ]


def test_times_rule_where_lines_have_them() -> None:
    """Instants are the times, and equal ones stay equal."""
    times = (0, 7, 7, 9)
    timed = [each | {"time": time} for each, time in zip([*WRITE, *READ], times, strict=True)]

    assert [(call.start, call.end) for call in taken("register", timed).calls] == [(0, 7), (7, 9)]


@pytest.mark.parametrize("times", [(0, 0.7, 0.7, 0.95), (1.7e18, 1.8e18, 1.8e18, 1.9e18)])
def test_times_with_fractions_are_numbered_in_their_order(times: Sequence[float]) -> None:
    """Whoever judges counts on whole numbers, each less than its successor."""
    timed = [each | {"time": time} for each, time in zip([*WRITE, *READ], times, strict=True)]
    calls = taken("register", timed).calls

    assert [(call.start, call.end) for call in calls] == [(0, 1), (1, 2)]
    assert {type(call.start) for call in calls} == {int}


def test_negative_times_are_times() -> None:
    """A clock may begin anywhere, as Jepsen's does."""
    timed = [each | {"time": time} for each, time in zip(WRITE, (-5, -4), strict=True)]

    assert taken("register", timed).calls[0].start == -5


def test_failed_call_is_dropped() -> None:
    """It took no effect, and later calls are numbered as if it had not been made."""
    entries = [WRITE[0], entry(0, "fail", "write", "any"), *READ]

    assert [call.f for call in taken("register", entries).calls] == ["read"]


@pytest.mark.parametrize("end", [[entry(0, "info", "write", "timed out")], []])
def test_call_without_end_is_open(end: list[Entry]) -> None:
    """A call that ended in info, or not at all, is open."""
    [write, _] = taken("register", [WRITE[0], *end, *READ]).calls

    assert write == Span(0, "write", (1,), 1, 1, "info", None)


def test_process_may_call_again_after_info() -> None:
    """The call it left open stays open."""
    calls = taken("register", [WRITE[0], entry(0, "info", "write"), *WRITE]).calls

    assert [call.outcome for call in calls] == ["info", "ok"]


def test_other_processes_are_skipped_whatever_they_do() -> None:
    """Their entries are counted, and not looked at."""
    others: list[Entry] = [
        {"process": "nemesis", "type": "who", "time": "knows"},
        entry(None, "invoke", "read"),
        entry(process=True, kind="ok", f="read"),
        entry(1.0, "ok", "read"),
        entry([1], "ok", "read"),
    ]
    history = taken("register", [*others, *WRITE, *others])

    assert history.skipped == 10
    assert len(history.calls) == 1


def test_failed_cas_is_read_as_asked() -> None:
    """It is dropped, or it is a call that saw another value than the old one."""
    entries = [entry(0, "invoke", "cas", [1, 2]), entry(0, "fail", "cas", [1, 2]), *WRITE]

    assert [call.f for call in taken("cas-register", entries).calls] == ["write"]
    [cas, _] = taken("cas-register", entries, mismatch=True).calls
    assert cas == Span(0, "cas", (1, 2), 1, 2, "fail", None)


def test_failed_write_is_dropped_although_a_failed_cas_is_not() -> None:
    """Only a cas says by failing what it saw."""
    entries = [WRITE[0], entry(0, "fail", "write", 1), *READ]

    assert len(taken("cas-register", entries, mismatch=True).calls) == 1


def test_lists_and_objects_are_values() -> None:
    """What JSON can say can be written and read, and true is not 1."""
    values = [[1, [2]], {"b": [1], "a": None}, True, 1, 1.5, "", None]
    entries = [
        each
        for value in values
        for each in (entry(0, "invoke", "write", value), entry(0, "ok", "write", value))
    ]
    written = [call.arguments[0] for call in taken("register", entries).calls]

    assert len(set(written)) == len(values)
    assert [json.loads(spelled(value)) for value in written] == values


ROUND: dict[str, list[tuple[str, Any, Any]]] = {
    "register": [("write", 1, 1), ("read", None, 1)],
    "cas-register": [("write", 1, 1), ("cas", [1, 2], [1, 2]), ("read", None, 2)],
    "mutex": [("acquire", None, None), ("release", None, None)],
    "set": [("add", 1, [1, True]), ("contains", 1, [1, True]), ("remove", 1, [1, True])],
    "counter": [("add", -2, -2), ("read", None, -2)],
    "fetch-counter": [("increment", None, 0)],
    "queue": [("enqueue", "a", "a"), ("dequeue", None, "a"), ("dequeue", None, None)],
    "stack": [("push", 1, 1), ("pop", None, 1), ("pop", None, None)],
    "priority-queue": [("insert", 1.5, 1.5), ("insert", 1, 1), ("delete-min", None, 1)],
    "kv": [("put", "a", "a"), ("append", "b", "b"), ("get", None, "ab")],
}


@pytest.mark.parametrize("model", VOCABULARIES)
def test_every_operation_is_read(model: str) -> None:
    """The operations of the table, each with its values, make as many calls."""
    entries = [
        entry(0, kind, f, value, key="x")
        for f, taken_in, given in ROUND[model]
        for kind, value in (("invoke", taken_in), ("ok", given))
    ]
    calls = taken(model, entries).calls

    assert {call.f for call in calls} == set(VOCABULARIES[model]())
    assert all(call.outcome == "ok" for call in calls)


DAMAGES: dict[str, tuple[list[Entry | bytes], int, str]] = {
    "not JSON": ([*WRITE, b'{"process": 0, "type"\n'], 3, "damaged"),
    "an empty line": ([WRITE[0], b"\n", WRITE[1]], 2, "damaged"),
    "not UTF-8": ([b'{"process": "\xff"}\n'], 1, "damaged"),
    "two objects": ([json.dumps(WRITE[0]).encode() * 2], 1, "damaged"),
    "not a number of JSON": ([b'{"process": 0, "value": NaN}'], 1, "NaN is no number"),
    "a huge number": ([b'{"process": 0, "value": ' + b"9" * 5000 + b"}"], 1, "damaged"),
    "nested too deeply": ([b"[" * 100_000], 1, "damaged"),
    "a value nested too deeply": (
        [b'{"process":0,"type":"invoke","f":"write","value":' + b"[" * 3000 + b"]" * 3000 + b"}"],
        1,
        "nested",
    ),
    "a long line": ([b'"' + b"x" * LONGEST + b'"'], 1, "longer than"),
    "a list": ([*WRITE, b"[0]"], 3, "no object with a process"),
    "no process": ([{"type": "invoke", "f": "read"}], 1, "no object with a process"),
    "an unknown type": ([WRITE[0], entry(0, "maybe", "write")], 2, "type"),
    "no type": ([{"process": 0, "f": "read"}], 1, "type"),
    "an unknown operation": ([entry(0, "invoke", "enqueue", 1)], 1, "model has: read, write"),
    "no operation": ([{"process": 0, "type": "invoke"}], 1, "calls null"),
    "an operation that is a list": ([entry(0, "invoke", "x") | {"f": []}], 1, "calls \\[\\]"),
    "a return without a call": ([*WRITE, WRITE[1]], 3, "is in none"),
    "an info without a call": ([entry(0, "info", "write")], 1, "is in none"),
    "a return after info": ([WRITE[0], entry(0, "info", "write"), WRITE[1]], 3, "is in none"),
    "a second call before the return": ([WRITE[0], WRITE[0]], 2, "of line 1 has not ended"),
    "the return of another operation": ([WRITE[0], entry(0, "ok", "read", 1)], 2, "on line 1"),
    "times going back": (
        [WRITE[0] | {"time": 9}, WRITE[1] | {"time": 8}],
        2,
        "comes before 9, that of line 1",
    ),
    "a time for some lines": ([WRITE[0], WRITE[1] | {"time": 8}], 2, "has a time"),
    "no time for some lines": ([WRITE[0] | {"time": 8}, WRITE[1]], 2, "has no time"),
    "a time that is a string": ([WRITE[0] | {"time": "8"}], 1, "Times are numbers"),
    "a time that is true": ([WRITE[0] | {"time": True}], 1, "Times are numbers"),
    "indexes going back": ([WRITE[0] | {"index": 4}, WRITE[1] | {"index": 4}], 2, "index is 4"),
    "an index that is a string": ([WRITE[0] | {"index": "4"}], 1, "index"),
    "a read with a value": ([entry(0, "invoke", "read", 1)], 1, "takes no value"),
    "a write without a value": ([{"process": 0, "type": "invoke", "f": "write"}], 1, "value"),
    "a write that returns another value": ([WRITE[0], entry(0, "ok", "write", 2)], 2, "has to"),
    "a write of 1 that returns true": (
        [WRITE[0], entry(0, "ok", "write", value=True)],
        2,
        "has to",
    ),
    "a read that returns nothing": (
        [READ[0], {"process": 1, "type": "ok", "f": "read"}],
        2,
        "without a value",
    ),
}


@pytest.mark.parametrize(("entries", "number", "why"), DAMAGES.values(), ids=DAMAGES)
def test_error_names_line_and_reason(entries: list[Entry | bytes], number: int, why: str) -> None:
    """HistoryError says which line it is, why it does not fit, and what to do."""
    with pytest.raises(HistoryError, match=f"(?s)line {number} of .*{why}") as error:
        taken("register", entries)

    assert "\n  " in str(error.value)


SHAPES: dict[str, tuple[str, list[Entry]]] = {
    "a cas of one value": ("cas-register", [entry(0, "invoke", "cas", 1)]),
    "a cas of three": ("cas-register", [entry(0, "invoke", "cas", [1, 2, 3])]),
    "a cas that returns another pair": (
        "cas-register",
        [entry(0, "invoke", "cas", [1, 2]), entry(0, "ok", "cas", [1, 3])],
    ),
    "an acquire with a value": ("mutex", [entry(0, "invoke", "acquire", 1)]),
    "an acquire that returns one": (
        "mutex",
        [entry(0, "invoke", "acquire"), entry(0, "ok", "acquire", value=True)],
    ),
    "an add that returns its element alone": (
        "set",
        [entry(0, "invoke", "add", 1), entry(0, "ok", "add", 1)],
    ),
    "an add that returns another element": (
        "set",
        [entry(0, "invoke", "add", 1), entry(0, "ok", "add", [2, True])],
    ),
    "an add that returns a number for a bool": (
        "set",
        [entry(0, "invoke", "add", 1), entry(0, "ok", "add", [1, 1])],
    ),
    "an add of a string": ("counter", [entry(0, "invoke", "add", "1")]),
    "an add of true": ("counter", [entry(0, "invoke", "add", value=True)]),
    "an add of a fraction": ("counter", [entry(0, "invoke", "add", 1.5)]),
    "a read of a count that is no number": (
        "counter",
        [entry(0, "invoke", "read"), entry(0, "ok", "read")],
    ),
    "an increment by a number": ("fetch-counter", [entry(0, "invoke", "increment", 2)]),
    "an increment that returns nothing": (
        "fetch-counter",
        [entry(0, "invoke", "increment"), entry(0, "ok", "increment")],
    ),
    "null enqueued": ("queue", [entry(0, "invoke", "enqueue")]),
    "null pushed": ("stack", [entry(0, "invoke", "push")]),
    "a pop with a value": ("stack", [entry(0, "invoke", "pop", 1)]),
    "null inserted": ("priority-queue", [entry(0, "invoke", "insert")]),
    "a list inserted": ("priority-queue", [entry(0, "invoke", "insert", [1])]),
    "true inserted": ("priority-queue", [entry(0, "invoke", "insert", value=True)]),
    "numbers and strings inserted": (
        "priority-queue",
        [entry(0, "invoke", "insert", 1), entry(1, "invoke", "insert", "a")],
    ),
    "a get without a key": ("kv", [entry(0, "invoke", "get")]),
    "a get with a value": ("kv", [entry(0, "invoke", "get", "v", key="x")]),
    "a put without a value": ("kv", [{"process": 0, "type": "invoke", "f": "put", "key": 1}]),
    "a number appended": ("kv", [entry(0, "invoke", "append", 1, key="x")]),
}


@pytest.mark.parametrize(("model", "entries"), SHAPES.values(), ids=SHAPES)
def test_value_of_wrong_shape_is_refused(model: str, entries: list[Entry]) -> None:
    """The last line is named, and the operation on it."""
    f = entries[-1]["f"]

    with pytest.raises(HistoryError, match=f"line {len(entries)} of the history .*: {f}: it "):
        taken(model, entries)


def test_no_lines_are_no_history() -> None:
    """Nothing to judge is not ok."""
    with pytest.raises(HistoryError, match="no line, and so nothing to judge"):
        taken("register", [])


def test_lines_of_others_are_no_history() -> None:
    """Nothing but skipped entries is nothing to judge, too."""
    with pytest.raises(HistoryError, match="none of the 2 lines"):
        taken("register", [entry("nemesis", "info", "start")] * 2)


def test_garbage_is_refused_at_its_first_line() -> None:
    """A million lines of it are not read to the end."""

    def garbage() -> Iterator[bytes]:
        yield b"garbage\n"
        raise AssertionError

    with pytest.raises(HistoryError, match="line 1"):
        read(garbage(), VOCABULARIES["register"]())


def test_line_without_end_is_not_kept() -> None:
    """Of a line that does not end only as much is read as the longest may have."""

    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.taken += len(buffer)
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    endless = Endless()
    with pytest.raises(HistoryError, match=r"line 1 .* longer"):
        read(lines_of(io.BufferedReader(endless)), VOCABULARIES["register"]())

    assert endless.taken < 2 * LONGEST


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
entries = st.fixed_dictionaries(
    {
        "process": st.integers(0, 2) | json_values,
        "type": st.sampled_from(["invoke", "ok", "fail", "info"]) | json_values,
        "f": st.sampled_from(["read", "write", "cas", "add", "enqueue", "get"]) | json_values,
        "value": st.sampled_from([None, 1, [1, 2], [1, True]]) | json_values,
    },
    optional={"time": st.integers() | json_values, "index": st.integers(), "key": json_values},
)


@pytest.mark.slow
@settings(max_examples=300)
@given(
    st.sampled_from(list(VOCABULARIES)),
    st.lists(entries.map(lambda each: json.dumps(each).encode()) | st.binary(max_size=9)),
)
def test_any_lines_are_a_history_or_refused(model: str, lines: list[bytes]) -> None:
    """Nothing but HistoryError is raised, and every call read is one that its model knows."""
    try:
        history = read(lines, VOCABULARIES[model]())
    except HistoryError:
        return
    assert len(history.calls) + history.skipped <= len(lines)
    assert {call.f for call in history.calls} <= set(VOCABULARIES[model]())


@given(json_values, json_values)
def test_values_are_equal_where_json_says_so(one: Any, other: Any) -> None:
    """Two values are equal as states if and only if they are as JSON."""

    def is_same(one: Any, other: Any) -> bool:
        if isinstance(one, bool) or isinstance(other, bool):
            return one is other
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(map(is_same, one, other))
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
        return bool(one == other)

    assert (from_json(one) == from_json(other)) is is_same(one, other)
    assert from_json(one) == from_json(json.loads(json.dumps(one)))
