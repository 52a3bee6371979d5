"""Both searches, over both kinds of order, against every order there is."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from stress.history import Span
from stress.judge import levels, wgl
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.effort import Effort, Found
from stress.judge.partial_order import PartialOrder
from stress.judge.problem import Order, Problem
from stress.judge.realtime import RealTime
from stress.judge.specification import Specification
from stress.verdict import Verdict
from tests.judge.histories import legal, mutated
from tests.judge.oracle import anything, longest, real_time, respects, states_after
from tests.judge.specifications import Circling, Dice, Endless, Halves

type Search = Callable[[Problem[Any], Effort], Found]

SEARCHES: dict[str, Search] = {"wgl": wgl.search, "levels": levels.search}


def due(calls: Sequence[Span]) -> list[bool]:
    """Return of each call whether it ended."""
    return [call.outcome != "info" for call in calls]


def judged(
    search: Search,
    order: Order[Any],
    calls: Sequence[Span],
    specification: Specification,
    final: Callable[[Any], bool] | None = None,
) -> Found:
    """Return what a search finds, by indexes into `calls`."""
    numbered = [calls[index] for index in order.indexes]
    problem = Problem(order, numbered, specification.step, specification.initial(), final)
    return search(problem, Effort(budget=30)).renumbered(order.indexes)


def small_histories(name: str, count: int, seed: int) -> Iterator[list[Span]]:
    """Yield random histories of up to six calls, with ties, open calls and repeated values."""
    random = Random(seed)
    for _ in range(count):
        calls = legal(
            name,
            random,
            calls=random.randint(0, 6),
            processes=random.randint(1, 4),
            few=random.choice((None, 2, 3)),
            opened=random.choice((0.0, 0.3)),
            ties=random.choice((0.0, 0.3)),
        )
        yield mutated(calls, random, random.randint(0, 2))


def check(
    found: Found,
    calls: Sequence[Span],
    specification: Specification,
    before: Sequence[Collection[int]],
    final: Callable[[Any], bool] = anything,
) -> None:
    """Assert that a finding is right, and its evidence too."""
    most = longest(calls, specification, before, final)
    assert found.verdict is (Verdict.OK if most is None else Verdict.FAILED)
    assert found.calls is not None
    assert respects(found.calls, before)
    states = states_after(calls, specification, found.calls)
    assert states
    if most is None:
        assert {index for index, ended in enumerate(due(calls)) if ended} <= set(found.calls)
        assert any(map(final, states))
    elif final is anything:
        assert len(found.calls) == most
        assert found.misfit is not None
        assert found.misfit not in found.calls
        assert respects([*found.calls, found.misfit], before)
        assert not states_after(calls, specification, [*found.calls, found.misfit])


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_search_agrees_with_every_order_in_real_time(name: str, search: str) -> None:
    """Verdict, legal order, longest legal order and misfit are right for small histories."""
    specification = SPECIFICATIONS[name]
    for calls in small_histories(name, 400, seed=1):
        found = judged(SEARCHES[search], RealTime(calls), calls, specification)
        check(found, calls, specification, real_time(calls))


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_search_agrees_with_every_order_of_random_predecessors(name: str, search: str) -> None:
    """The same where any calls may have to come before others, and clocks say nothing."""
    specification, random = SPECIFICATIONS[name], Random(3)
    for calls in small_histories(name, 400, seed=2):
        rank = random.sample(range(len(calls)), len(calls))
        before = [
            {other for other in range(len(calls)) if rank[other] < mine and random.random() < 0.3}
            for mine in rank
        ]
        order = PartialOrder(before, calls)
        found = judged(SEARCHES[search], order, calls, specification)
        most = longest(calls, specification, before)
        assert found.verdict is (Verdict.OK if most is None else Verdict.FAILED)
        assert found.calls is not None
        assert respects(found.calls, before)
        assert states_after(calls, specification, found.calls)
        assert most is None or len(found.calls) == most


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
def test_search_accepts_only_final_states_asked_for(search: str) -> None:
    """A legal order that ends in a state not accepted does not count; open calls may help."""
    specification, random = SPECIFICATIONS["register"], Random(5)
    verdicts = set()
    for calls in small_histories("register", 300, seed=4):
        wanted = random.choice((None, 0, 1, 2))

        def final(state: Any, wanted: Any = wanted) -> bool:
            return bool(state == wanted)

        found = judged(SEARCHES[search], RealTime(calls), calls, specification, final)
        check(found, calls, specification, real_time(calls), final)
        verdicts.add(found.verdict)
    assert verdicts == {Verdict.OK, Verdict.FAILED}


def dice(random: Random) -> list[Span]:
    """Return calls of three processes that roll dice and read totals."""
    return [
        Span(
            process,
            f := random.choice(("roll", "total")),
            (),
            start := 10 * number + random.randint(0, 15),
            start + random.randint(0, 15),
            random.choice(("ok", "ok", "ok", "info")),
            None if f == "roll" else random.randint(0, 7),
        )
        for process in range(3)
        for number in range(2)
    ]


def halves(random: Random) -> list[Span]:
    """Return calls of processes that add in two steps and read."""
    return [
        Span(
            process,
            random.choice(("add", "read")),
            (),
            start := random.randint(0, 20),
            start + random.randint(0, 15),
            random.choice(("ok", "ok", "ok", "info")),
            random.randint(0, 4),
        )
        for process in range(4)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(("drawn", "specification"), [(dice, Dice()), (halves, Halves())])
def test_search_agrees_where_calls_choose_or_take_several_steps(
    drawn: Callable[[Random], list[Span]], specification: Specification, search: str
) -> None:
    """Every state a call may lead to is tried, and others act between the steps of one."""
    random, verdicts = Random(6), set()
    for _ in range(400):
        calls = drawn(random)
        for order in (RealTime(calls), PartialOrder(real_time(calls), calls)):
            found = judged(SEARCHES[search], order, calls, specification)
            most = longest(calls, specification, real_time(calls))
            assert found.verdict is (Verdict.OK if most is None else Verdict.FAILED)
            assert found.calls is not None
            assert most is None or len(found.calls) == most
            verdicts.add(found.verdict)
    assert verdicts == {Verdict.OK, Verdict.FAILED}


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 2, 5])
def test_levels_never_take_a_sample_for_the_whole(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However narrow the first beam is, the verdict is that of every order."""
    monkeypatch.setattr(levels, "WIDTH", width)
    for name in ("queue", "register"):
        for calls in small_histories(name, 150, seed=7):
            found = judged(levels.search, RealTime(calls), calls, SPECIFICATIONS[name])
            check(found, calls, SPECIFICATIONS[name], real_time(calls))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["queue", "stack"])
def test_foresight_gives_up_no_legal_order(name: str) -> None:
    """What is left out leads nowhere: the verdict is that of every order, with fewer steps."""
    specification = SPECIFICATIONS[name]
    steps = Counter[str]()
    for calls in small_histories(name, 600, seed=9):
        order = RealTime(calls)
        numbered = [calls[index] for index in order.indexes]
        blind = Problem(order, numbered, specification.step, specification.initial())
        assert specification.foresight is not None
        foreseen = specification.foresight(calls)
        foreseeing = replace(blind, step=foreseen.step, state=foreseen.first)
        most = longest(calls, specification, real_time(calls))
        for kind, problem in {"blind": blind, "foreseeing": foreseeing}.items():
            effort = Effort(budget=30)
            found = levels.search(problem, effort)
            assert found.verdict is (Verdict.OK if most is None else Verdict.FAILED)
            steps[kind] += effort.steps
    assert steps["foreseeing"] < steps["blind"]


@pytest.mark.slow
def test_wgl_forgets_what_it_tried_and_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting makes the search try again, and nothing else."""
    monkeypatch.setattr(wgl, "GENERATION", 1)
    monkeypatch.setattr(wgl, "PAUSE", 0)
    for calls in small_histories("queue", 150, seed=8):
        found = judged(wgl.search, RealTime(calls), calls, SPECIFICATIONS["queue"])
        check(found, calls, SPECIFICATIONS["queue"], real_time(calls))


SPIN = [Span(0, "spin", (), 0, 1, "ok", None)]


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
def test_search_gives_up_call_without_end(search: str) -> None:
    """A call that takes ever new atomic steps ends in UNKNOWN when the budget is spent."""
    specification = Endless()
    problem = Problem(RealTime(SPIN), SPIN, specification.step, specification.initial())

    found = SEARCHES[search](problem, Effort(budget=0.2))

    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("search", SEARCHES)
def test_search_ends_where_steps_go_in_circles(search: str) -> None:
    """A call whose atomic steps lead back to a state seen never returns: no order is legal."""
    specification = Circling()
    problem = Problem(RealTime(SPIN), SPIN, specification.step, specification.initial())

    assert SEARCHES[search](problem, Effort()).verdict is Verdict.FAILED


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
def test_search_gives_up_when_memory_is_spent(search: str) -> None:
    """The answer is UNKNOWN, and not the end of the process."""
    specification = SPECIFICATIONS["queue"]
    calls = legal("queue", Random(5), calls=200, processes=8)
    order = RealTime(calls)
    numbered = [calls[index] for index in order.indexes]
    problem = Problem(order, numbered, specification.step, specification.initial())

    found = SEARCHES[search](problem, Effort(memory=-1))

    assert found.verdict is Verdict.UNKNOWN


def test_wgl_gives_up_without_patience() -> None:
    """A search that is lost says UNKNOWN, although it has a budget left."""
    specification = SPECIFICATIONS["queue"]
    calls = legal("queue", Random(0), calls=200, processes=8)
    order = RealTime(calls)
    numbered = [calls[index] for index in order.indexes]
    problem = Problem(order, numbered, specification.step, specification.initial())

    found = wgl.search(problem, Effort(), patience=10)

    assert found.verdict is Verdict.UNKNOWN
    assert found.calls
