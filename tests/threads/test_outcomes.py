"""What a program came to on real threads is counted, whatever thread counted it."""

from stress.history import Span
from stress.threads.outcomes import MOST, Tally, outcomes
from stress.threads.subject import Judgement, Violation


def call(process: int, result: int) -> Span:
    """Return a call that returned `result`."""
    return Span(process, "add", (), 1, 2, "ok", result)


def noted(tally: Tally, *results: int, rule: str = "", unknown: str = "") -> None:
    """Note an instance in which each thread made a call."""
    calls = [call(process, result) for process, result in enumerate(results)]
    judgement = Judgement(calls)
    judgement.violations += [Violation(rule, "no")] * bool(rule)
    judgement.unknown += [unknown] * bool(unknown)
    tally.note(calls, judgement)


def test_tallies_add_up() -> None:
    """What is forbidden is told first, however seldom it is; then what is seen most."""
    one, other = Tally(), Tally()
    for tally in (one, other, other):
        noted(tally, 0, 1)
    for _ in range(4):
        noted(one, 1, 0)
    noted(other, 0, 0, rule="linearizability")
    noted(other, 2, 2, unknown="no time")

    assert [tuple(row.values()) for row in outcomes([one, other])] == [
        ("0 ‖ 0", 1, "forbidden", "linearizability"),
        ("2 ‖ 2", 1, "unknown", "no time"),
        ("1 ‖ 0", 4, "allowed", ""),
        ("0 ‖ 1", 3, "allowed", ""),
    ]


def test_same_results_may_be_allowed_and_not() -> None:
    """The order of the calls in time decides, too."""
    tally = Tally()
    noted(tally, 0, 1)
    noted(tally, 0, 1, rule="linearizability")

    assert [row["verdict"] for row in outcomes([tally])] == ["forbidden", "allowed"]


def test_many_outcomes_are_summed_up() -> None:
    """No instance is lost, and what is forbidden is not told as something else."""
    tally = Tally()
    for result in range(30):
        noted(tally, result)
        noted(tally, result, rule="B1")
    rows = outcomes([tally])

    assert len(rows) <= MOST
    assert sum(row["count"] for row in rows) == 60
    counts = {"forbidden": 0, "allowed": 0}
    for row in rows:
        counts[row["verdict"]] += row["count"]
    assert counts == {"forbidden": 30, "allowed": 30}
    assert rows[-1] == {"seen": "30 others", "count": 30, "verdict": "allowed", "meaning": ""}


def test_numbers_and_truths_are_told_apart() -> None:
    """They are equal in Python, and different results."""
    tally = Tally()
    for result in (1, True):
        noted(tally, result)

    assert [row["seen"] for row in outcomes([tally])] == ["1", "True"]


def test_what_is_always_the_same_is_left_out() -> None:
    """Of the main thread: before the others, and at the end."""
    tally = Tally()
    for count, last in ((0, 5), (1, 5), (1, 6)):
        calls = [Span("main", "add", (), 0, 0, "ok", 9), call(0, count)]
        tally.note([*calls, Span("main", "read", (), 3, 4, "ok", last)], Judgement([]))

    assert [row["seen"] for row in outcomes([tally])] == ["0 ┃ 5", "1 ┃ 5", "1 ┃ 6"]
    alone = Tally()
    alone.note([Span("main", "add", (), 0, 0, "ok", 9)], Judgement([]))
    assert [row["seen"] for row in outcomes([alone])] == ["9"]
