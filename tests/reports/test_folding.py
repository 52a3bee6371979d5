"""What a long page leaves out, and what it never does."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.explore.trace import Trace, TraceCall, TraceStep
from stress.report.folding import MOST, folded
from stress.report.telling import of_trace
from stress.report.titles import conflicting
from stress.report.written import written
from tests.reports.samples import made_by, step

MANY: Final = 60


def long_trace() -> Trace:
    """Return a trace of two threads with a call each, whose first and last steps conflict."""
    steps = [
        step(number, number > MANY // 2, "load", "word", old=str(number), order="relaxed", reads=0)
        for number in range(1, MANY + 1)
    ]
    trace = made_by("one", "other", kind="assertion", title="it fails", steps=steps)
    trace.calls = [
        TraceCall(0, "put(1)", "None", 1, MANY // 2),
        TraceCall(1, "get()", "1", MANY // 2 + 1, MANY),
    ]
    trace.conflict = [5, MANY]
    trace.why = ["Step 9 goes on with what step 40 wrote."]
    return trace


def shown(text: str) -> set[int]:
    """Return the numbers of the steps on a page."""
    words = [line.split() for line in text.splitlines()]
    numbers = [line[0].rstrip("●") for line in words if len(line) > 1]
    return {int(number) for number in numbers if number.isdigit()}


def test_long_page_fits_a_screen() -> None:
    """Runs of steps that nobody else has to do with share a line, which says how many they are."""
    text = written(of_trace(long_trace()))

    assert len(text.splitlines()) < 50
    assert "… 20 steps (10 to 29)" not in text
    assert "… 21 steps (10 to 30)" in text


def test_steps_that_matter_are_never_left_out() -> None:
    """Those that conflict, and those that a sentence names."""
    assert shown(written(of_trace(long_trace()))) >= {5, 9, 40, MANY}


@pytest.mark.parametrize("part", ["stale", "race"])
def test_marked_steps_are_never_left_out(part: str) -> None:
    """What is stale, or races, is why the page is there."""
    trace = long_trace()
    setattr(trace.steps[20], part, True)
    trace.conflict = []

    assert 21 in shown(written(of_trace(trace)))


def test_both_ends_of_an_arrow_are_shown() -> None:
    """An arrow from nowhere says nothing."""
    trace = long_trace()
    trace.steps[44] = step(45, 1, "load", "word", old="1", order="acquire", reads=20)

    assert shown(written(of_trace(trace))) >= {20, 45}


def test_short_page_leaves_nothing_out() -> None:
    """What fits is shown whole."""
    assert folded(long_trace(), MOST) == {}


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=80))
def test_runs_are_of_one_thread_and_keep_what_matters(drawn: list[tuple[int, bool]]) -> None:
    """However steps are mixed: each run is of one thread, and no step of it matters."""
    steps: list[TraceStep] = []
    for number, (thread, stale) in enumerate(drawn, 1):
        steps.append(step(number, thread, "load", "word", order="relaxed", reads=0, stale=stale))
    trace = made_by("a", "b", "c", kind="assertion", title="it fails", steps=steps)
    runs = folded(trace, 1_000)
    left_out = [number for first, last in runs.items() for number in range(first, last + 1)]

    assert len(left_out) == len(set(left_out))
    for first, last in runs.items():
        assert len({steps[number - 1].thread for number in range(first, last + 1)}) == 1
        assert not any(steps[number - 1].stale for number in range(first, last + 1))
    assert not conflicting(trace)
