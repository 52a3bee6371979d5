"""Histories: what is written as JSON lines comes back, and a damaged line is named."""

import json
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.history import Outcome, Span, from_json_lines, to_json_lines

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
arguments = st.lists(values, max_size=3).map(tuple)
processes = st.lists(
    st.integers(0, 9) | st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True
)


@st.composite
def calls_of(draw: st.DrawFn, process: int | str) -> list[Span]:
    """Draw the calls of one process: each begins when the one before has ended, or later."""
    count = draw(st.integers(0, 4))
    waits = st.lists(st.integers(0, 3), min_size=2 * count, max_size=2 * count)
    instants = list(accumulate(draw(waits)))
    outcomes: list[Outcome] = ["ok", "fail"]
    return [
        Span(
            process,
            draw(st.text(max_size=5)),
            draw(arguments),
            start,
            end,
            draw(st.sampled_from(outcomes)),
            draw(values),
        )
        for start, end in zip(instants[::2], instants[1::2], strict=True)
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[Span]:
    """Draw histories by the instants of their starts; a process may end in an open call."""
    spans: list[Span] = []
    for process in draw(processes):
        own = draw(calls_of(process))
        left_open = draw(st.booleans())
        if own and left_open:
            last = own.pop()
            own.append(last._replace(end=last.start, outcome="info", result=None))
        spans += own
    return sorted(spans, key=lambda span: span.start)


@pytest.mark.slow
@settings(max_examples=50)
@given(histories())
def test_history_returns_whole_from_json_lines(history: list[Span]) -> None:
    """A history written as JSON lines and read back is the same history."""
    assert from_json_lines(to_json_lines(history)) == history


@pytest.mark.slow
@settings(max_examples=50)
@given(histories())
def test_json_lines_ascend_in_time(history: list[Span]) -> None:
    """The lines are objects with Jepsen's fields, in the order of their instants."""
    lines = [json.loads(line) for line in to_json_lines(history)]

    assert all({"process", "type", "f", "value", "time"} == line.keys() for line in lines)
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)


WHOLE = list(to_json_lines([Span(0, "register", (4096, 1), 10, 90, "ok", None)]))
INVOKED = json.loads(WHOLE[0])
DAMAGES: dict[str, tuple[list[str], int]] = {
    "not JSON": ([*WHOLE, '{"process": 0, "type"'], 3),
    "empty": ([WHOLE[0], "", WHOLE[1]], 2),
    "a list": ([*WHOLE, "[0]"], 3),
    "a field missing": ([json.dumps({"process": 0, "type": "invoke", "f": "register"})], 1),
    "a process that is a list": ([json.dumps(INVOKED | {"process": [0]})], 1),
    "arguments that are a number": ([json.dumps(INVOKED | {"value": 5})], 1),
    "an instant that is a string": ([json.dumps(INVOKED | {"time": "10"})], 1),
    "an operation without a name": ([json.dumps(INVOKED | {"f": None})], 1),
    "an unknown type": ([WHOLE[0], json.dumps(INVOKED | {"type": "maybe"})], 2),
    "a second call before the return": ([WHOLE[0], WHOLE[0]], 2),
    "a return without a call": (WHOLE[1:], 1),
    "a return before its call": ([WHOLE[0], WHOLE[1].replace("90", "9")], 2),
    "two returns": ([*WHOLE, WHOLE[1]], 3),
    "nested too deeply": (["[" * 100_000], 1),
}


@pytest.mark.parametrize(("lines", "number"), DAMAGES.values(), ids=DAMAGES)
def test_reading_names_damaged_line(lines: Sequence[str], number: int) -> None:
    """ValueError says the number of the first line that cannot belong to a history."""
    with pytest.raises(ValueError, match=f"line {number}\\b"):
        from_json_lines(lines)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(st.sampled_from(WHOLE) | st.text(max_size=20) | values.map(json.dumps)))
def test_reading_rejects_whatever_is_no_history(lines: list[str]) -> None:
    """Any lines either are a history or raise ValueError, and nothing else."""
    try:
        spans = from_json_lines(lines)
    except ValueError:
        return
    assert list(to_json_lines(spans))[: len(lines)] == lines


SPAN = Span(0, "f", (), 10, 20, "ok", None)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 10, False), (0, 11, True), (12, 15, True), (19, 30, True), (20, 30, False)],
)
def test_spans_overlap_only_at_shared_instants(start: int, end: int, *, expected: bool) -> None:
    """Two spans overlap where both run for a while at once; ending as the other starts is not."""
    other = SPAN._replace(start=start, end=end)

    assert SPAN.overlaps(other) is expected
    assert other.overlaps(SPAN) is expected
