"""The time line of a history says of any two calls what their instants say."""

from hypothesis import given
from hypothesis import strategies as st

from stress.report.failure import Call
from stress.report.html.timeline import timeline_of

SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted), min_size=1, max_size=8
)


@given(SPANS)
def test_bars_overlap_where_calls_do(spans: list[list[int]]) -> None:
    """A bar ends before another begins just where its call does."""
    calls = [Call(f"thread {at}", "f()", "", start, end) for at, (start, end) in enumerate(spans)]
    bars = timeline_of(calls).bars
    for one in bars:
        for other in bars:
            ends_before = one.x + one.width < other.x - 0.01
            assert ends_before == (one.call.end < other.call.start)


@given(SPANS)
def test_points_are_in_order_and_within_their_calls(spans: list[list[int]]) -> None:
    """Along a legal order the dots go to the right, each inside its bar."""
    instants = sorted((start, end, at) for at, (start, end) in enumerate(spans))
    places = {at: place for place, (_, _, at) in enumerate(instants, 1)}
    calls = [
        Call(f"thread {at}", "f()", "", start, end + 1, place=places[at])
        for at, (start, end) in enumerate(spans)
    ]
    bars = sorted(timeline_of(calls).bars, key=lambda bar: bar.call.place or 0)
    points = [bar.point for bar in bars if bar.point is not None]
    assert len(points) == len(calls)
    assert points == sorted(points)
    assert len(set(points)) == len(points)
    for bar, point in zip(bars, points, strict=True):
        assert bar.x < point < bar.x + bar.width


def test_processes_are_in_order() -> None:
    """Main comes first, then threads by number, then what subjects do inside calls."""
    names = ["lock of 1", "thread 10", "thread 2", "main"]
    made = timeline_of([Call(name, "f()", "", 0, 1) for name in names])
    assert [name for name, _ in made.processes] == ["main", "thread 2", "thread 10", "lock of 1"]
