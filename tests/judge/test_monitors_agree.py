"""The monitors against searches that try every order: samples of the campaigns.

The campaigns themselves: ``python -m tests.judge.monitors_campaign --help``, and the same of
``tests.judge.monitors_exhaustive``.
"""

from random import Random

import pytest

from benchmarks.monitors import dense
from stress.history import Span
from stress.judge.monitors import monitor
from tests.judge import monitors_campaign, monitors_exhaustive
from tests.judge.brute_force import linearizable, refutation
from tests.judge.histories import mutated
from tests.judge.monitors_campaign import CONTAINERS, SEARCHES, VOCABULARY, random_history
from tests.judge.monitors_exhaustive import Call, Interleaving


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("datatype", VOCABULARY)
def test_monitor_agrees_on_random_histories(datatype: str, search: str) -> None:
    """Verdicts, orders and misfits of 1,500 random histories are those of the search."""
    counts, wrong = monitors_campaign.compare(datatype, 1500, 3, search=SEARCHES[search])

    assert not wrong
    assert counts.total() == 1500


@pytest.mark.parametrize("datatype", VOCABULARY)
def test_random_histories_have_both_verdicts(datatype: str) -> None:
    """At least three in ten are legal, and three in ten illegal, of those that qualify."""
    draw = Random(8)
    found = [monitor(datatype, random_history(datatype, draw)) for _ in range(1000)]
    verdicts = [finding.legal for finding in found if finding is not None]

    assert len(verdicts) > 950
    assert 0.3 * len(verdicts) < sum(verdicts) < 0.7 * len(verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("datatype", VOCABULARY)
def test_monitor_agrees_on_every_small_history(datatype: str) -> None:
    """Verdicts, orders and misfits of all histories of up to four calls are those of the search.

    On three values; for sets on one, since elements have nothing to do with each other.
    """
    values = 1 if datatype == "set" else 3
    for calls in range(1, 5):
        counts, wrong = monitors_exhaustive.compare(datatype, calls, values)
        assert not wrong
        assert counts.total() >= 3**calls


@pytest.mark.parametrize(("calls", "orders"), [(1, 1), (2, 3), (3, 19), (4, 207)])
def test_calls_interleave_in_every_way(calls: int, orders: int) -> None:
    """There are as many histories of different calls as interval orders (OEIS A079144)."""
    different = [Call("increment", (), "ok", number) for number in range(calls)]
    found = list(Interleaving(different).histories())

    assert len(found) == orders
    assert len(set(map(_order, found))) == orders


def _order(history: list[Span]) -> frozenset[tuple[int, int]]:
    """Return which calls come before which."""
    return frozenset(
        (one, other)
        for one, call in enumerate(history)
        for other, later in enumerate(history)
        if call.end < later.start
    )


def test_campaign_finds_wrong_search() -> None:
    """Where the two sides differ, a history of few calls is shown on which they do."""
    _, wrong = monitors_campaign.compare("stack", 1000, 1, search=lambda *_: True)

    headline, *calls = wrong.splitlines()
    assert headline.endswith("the monitor says False, the search True")
    assert len(calls) == 1


# Larger histories


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 8])
@pytest.mark.parametrize("datatype", VOCABULARY)
def test_monitor_orders_large_legal_history(datatype: str, processes: int) -> None:
    """A legal history of 3,000 dense calls has a legal order."""
    for seed in range(3):
        history = _dense(datatype, Random(seed), 3000, processes)
        found = monitor(datatype, history)

        assert found is not None
        assert found.legal
        assert found.order is not None
        assert not refutation(datatype, history, found.order)


@pytest.mark.slow
@pytest.mark.parametrize("datatype", VOCABULARY)
def test_monitor_orders_large_history_up_to_misfit(datatype: str) -> None:
    """Of a history with three wrong results, all that returned before the misfit has an order."""
    illegal = 0
    for seed in range(8):
        draw = Random(seed)
        history = mutated(_dense(datatype, draw, 1500, 6), draw, 3)
        found = monitor(datatype, history)
        assert found is not None
        assert found.order is not None
        until = None if found.misfit is None else history[found.misfit].end
        assert not refutation(datatype, history, found.order, until)
        illegal += not found.legal
    assert illegal >= 4


def _dense(datatype: str, draw: Random, calls: int, processes: int) -> list[Span]:
    """Return a legal history with ties, and with open calls that are no removals."""
    tied = [
        call._replace(start=call.start // 3, end=call.end // 3)
        for call in dense(datatype, calls, draw.randrange(1000), processes)
    ]
    history = [
        call._replace(outcome="info", result=None, end=call.start)
        if draw.random() < 0.02 and (call.arguments or datatype not in CONTAINERS)
        else call
        for call in tied
    ]
    draw.shuffle(history)
    return history


def test_monitor_takes_calls_in_any_order() -> None:
    """The same history in another order of its calls has the same verdict."""
    draw = Random(2)
    for _ in range(100):
        history = random_history("priority-queue", draw)
        found = monitor("priority-queue", history)
        draw.shuffle(history)
        again = monitor("priority-queue", history)

        assert (found and found.legal) == (again and again.legal)


# The oracle


def test_search_takes_running_call_or_leaves_it() -> None:
    """A running call may have happened, with its result, or not at all."""
    pushed = Span(0, "push", (1,), 0, 9, "ok", 1)
    empty = Span(1, "pop", (), 1, 2, "ok", None)
    popped = Span(1, "pop", (), 3, 4, "ok", 1)

    assert linearizable("stack", [pushed, empty, popped], running={0})
    assert not linearizable("stack", [pushed, popped, popped], running={0})


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ((0, 1, 2), ""),
        ((0, 1, 1), "twice"),
        ((0, 1), "missing"),
        ((1, 0, 2), "returned before"),
        ((0, 2, 1), "comes to"),
    ],
)
def test_refutation_says_what_is_wrong_with_order(order: tuple[int, ...], reason: str) -> None:
    """An order is refuted by what makes it illegal."""
    history = [
        Span(0, "push", (1,), 0, 1, "ok", 1),
        Span(0, "push", (2,), 2, 5, "ok", 2),
        Span(1, "pop", (), 3, 4, "ok", 2),
    ]

    assert reason in refutation("stack", history, order)
    assert bool(reason) is bool(refutation("stack", history, order))
