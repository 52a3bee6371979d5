"""`linearize`: parts and monitors change nothing but the time; predecessors; budgets."""

from collections import Counter
from collections.abc import Hashable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.history import Span
from stress.judge.builtin import SPECIFICATIONS, Builtin
from stress.judge.linearizability import linearize, program_order
from stress.verdict import Verdict
from tests.judge.histories import legal, mutated
from tests.judge.oracle import real_time, respects, states_after
from tests.judge.specifications import Endless

CAN_BE_WRONG = sorted(set(SPECIFICATIONS) - {"mutex"})


@st.composite
def histories(draw: st.DrawFn, names: list[str] = CAN_BE_WRONG) -> tuple[str, list[Span]]:
    """Draw the name of a specification, and a history of up to 24 calls for it."""
    name = draw(st.sampled_from(names))
    random = Random(draw(st.integers(0, 2**32)))
    calls = legal(
        name,
        random,
        calls=draw(st.integers(0, 24)),
        processes=draw(st.integers(1, 4)),
        few=draw(st.sampled_from([None, 2, 5])),
        opened=draw(st.sampled_from([0.0, 0.2])),
        ties=draw(st.sampled_from([0.0, 0.3])),
    )
    return name, mutated(calls, random, draw(st.integers(0, 2)))


def unkeyed(specification: Builtin) -> Builtin:
    """Return the specification without keys: a history for it is never taken apart."""
    return Builtin(specification.name, specification.first, specification.step)


def check(name: str, history: list[Span], **options: Any) -> Verdict:
    """Judge a history, check the evidence, and return the verdict."""
    specification = SPECIFICATIONS[name]
    judgement = linearize(history, specification, budget=30, **options)
    assert judgement.order is not None
    order = list(judgement.order)
    before = real_time(history)
    if judgement.verdict is Verdict.OK:
        assert respects(order, before)
        assert states_after(history, specification, order)
        assert {at for at, call in enumerate(history) if call.outcome != "info"} <= set(order)
    elif judgement.by == "wgl":
        assert judgement.misfit is not None
        assert judgement.misfit not in order
        assert states_after(history, specification, order)
        assert not states_after(history, specification, [*order, judgement.misfit])
    return judgement.verdict


@pytest.mark.slow
@settings(max_examples=200)
@given(histories())
def test_monitors_and_parts_change_no_verdict(drawn: tuple[str, list[Span]]) -> None:
    """By a monitor, part by part, whole, and by predecessors: the verdict is the same."""
    name, history = drawn

    verdict = check(name, history, monitors=False)

    assert check(name, history) is verdict
    whole = linearize(history, unkeyed(SPECIFICATIONS[name]), budget=30)
    assert whole.verdict is verdict
    by_predecessors = linearize(
        history, SPECIFICATIONS[name], predecessors=real_time(history), budget=30
    )
    assert by_predecessors.verdict is verdict


@pytest.mark.slow
@settings(max_examples=100)
@given(histories())
def test_every_beginning_of_legal_history_is_legal(drawn: tuple[str, list[Span]]) -> None:
    """Cut at an instant, calls that had not returned being open, a legal history stays legal."""
    name, history = drawn
    if linearize(history, SPECIFICATIONS[name], budget=30).verdict is not Verdict.OK:
        return
    for instant in {call.end for call in history}:
        beginning = [
            call if call.end <= instant else call._replace(outcome="info", result=None)
            for call in history
            if call.start <= instant
        ]
        assert check(name, beginning, monitors=False) is Verdict.OK


@pytest.mark.slow
@settings(max_examples=100)
@given(histories(), st.randoms(use_true_random=False))
def test_order_of_the_list_does_not_matter(drawn: tuple[str, list[Span]], random: Random) -> None:
    """Only instants order calls, not their places in the history."""
    name, history = drawn
    shuffled = random.sample(history, len(history))

    assert check(name, shuffled) is check(name, history)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_larger_legal_histories_are_ok(name: str) -> None:
    """Simulated histories of 100 calls by four processes are legal, some calls being open."""
    for seed in range(5):
        history = legal(name, Random(seed), calls=100, processes=4, few=4, opened=0.02)
        judgement = linearize(history, SPECIFICATIONS[name], budget=60)
        assert judgement.verdict is Verdict.OK


@pytest.mark.slow
@pytest.mark.parametrize(("name", "few"), [("queue", None), ("stack", None), ("queue", 60)])
def test_dense_history_is_ok_without_monitor(name: str, few: int | None) -> None:
    """200 calls of 8 processes that always overlap are decided by search alone."""
    for seed in range(3):
        history = legal(name, Random(seed), calls=200, processes=8, few=few)
        assert check(name, history, monitors=False) is Verdict.OK


@pytest.mark.slow
def test_dense_queue_is_decided_although_an_open_call_may_have_taken_anything() -> None:
    """Monitors leave it to the search, which knows when most values are taken."""
    history = legal("queue", Random(0), calls=150, processes=8, opened=0.02)
    assert any(call.f == "dequeue" and call.outcome == "info" for call in history)

    assert check("queue", history) is Verdict.OK


@pytest.mark.slow
def test_evidence_is_no_foresight() -> None:
    """The call said to be out of place is, even where the search gave up states early."""
    history = mutated(legal("queue", Random(0), calls=200, processes=8), Random(0))

    assert check("queue", history, monitors=False) is Verdict.FAILED


X_AND_Y = [
    Span(0, "put", ("x", "1"), 0, 10, "ok", "1"),
    Span(0, "get", ("y",), 20, 30, "ok", ""),
    Span(1, "put", ("y", "1"), 0, 10, "ok", "1"),
    Span(1, "get", ("x",), 20, 30, "ok", ""),
]
"""Store buffering: each process writes one variable, and misses the other's write."""


def test_store_buffering_passes_variable_by_variable() -> None:
    """Sequential consistency is not local: each variable is consistent, both together are not."""
    kv = SPECIFICATIONS["kv"]
    for key in ("x", "y"):
        part = [call for call in X_AND_Y if call.arguments[0] == key]
        assert linearize(part, kv, predecessors=program_order(part)).verdict is Verdict.OK

    assert linearize(X_AND_Y, kv, predecessors=program_order(X_AND_Y)).verdict is Verdict.FAILED
    assert linearize(X_AND_Y, kv).verdict is Verdict.FAILED


STALE = [
    Span(0, "write", (1,), 0, 10, "ok", 1),
    Span(1, "read", (), 20, 30, "ok", None),
]


def test_stale_read_is_sequentially_consistent() -> None:
    """A read may be late where only the order of each process counts, not the clock."""
    register = SPECIFICATIONS["register"]

    assert linearize(STALE, register).verdict is Verdict.FAILED
    sequential = linearize(STALE, register, predecessors=program_order(STALE))
    assert sequential.verdict is Verdict.OK
    assert sequential.order == (1, 0)


@pytest.mark.slow
def test_long_history_is_sequentially_consistent() -> None:
    """A legal order that the clock agrees with is found where the clock is not asked, too."""
    history = legal("register", Random(1), calls=1_000, processes=4, few=5)
    predecessors = program_order(history)
    register = SPECIFICATIONS["register"]

    for final in (None, lambda _: True):
        found = linearize(history, register, predecessors=predecessors, budget=60, final=final)
        assert found.verdict is Verdict.OK
        assert found.order is not None
        assert respects(found.order, predecessors)


def test_open_call_holds_up_no_other_of_its_process() -> None:
    """After a call that never returned, a process goes on as if it might not have been made."""
    calls = [
        Span(0, "write", (1,), 0, 1, "ok", 1),
        Span(0, "write", (2,), 2, 2, "info", None),
        Span(0, "read", (), 4, 5, "ok", 1),
    ]

    assert program_order(calls) == [set(), {0}, {0}]
    judgement = linearize(calls, SPECIFICATIONS["register"], predecessors=program_order(calls))
    assert judgement.verdict is Verdict.OK


def test_calls_at_one_instant_are_concurrent() -> None:
    """A call that begins as another returns may come before it."""
    touching = [
        Span(0, "write", (1,), 0, 10, "ok", 1),
        Span(1, "read", (), 10, 20, "ok", None),
    ]

    assert check("register", touching) is Verdict.OK
    assert check("register", touching, monitors=False) is Verdict.OK


def test_illegal_key_is_found_among_undecided_ones() -> None:
    """A part that is not decided hides no part that is illegal."""

    class Keyed(Endless):
        """Calls `spin` for ever, and `fail`, which has no place."""

        def key(self, call: Span) -> str:
            """Return the operation."""
            return call.f

        def step(self, state: Any, call: Span) -> Sequence[Hashable]:
            """Spin, or fail."""
            return super().step(state, call) if call.f == "spin" else ()

    spin, fail = (Span(0, f, (), 0, 1, "ok", None) for f in ("spin", "fail"))

    assert linearize([spin], Keyed(), budget=0.1).verdict is Verdict.UNKNOWN
    for history in ([spin, fail, fail], [fail, fail, spin]):
        assert linearize(history, Keyed(), budget=0.1).verdict is Verdict.FAILED


def test_no_budget_is_no_verdict() -> None:
    """What cannot be decided in no time at all is UNKNOWN, with no witness."""
    history = legal("queue", Random(5), calls=200, processes=8)

    judgement = linearize(history, SPECIFICATIONS["queue"], budget=0, monitors=False)

    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.order is None
    assert judgement.misfit is None


@pytest.mark.slow
def test_budget_is_kept() -> None:
    """A search that would take minutes ends soon after its budget."""
    history = legal("queue", Random(5), calls=200, processes=8)

    judgement = linearize(history, SPECIFICATIONS["queue"], budget=0.5, monitors=False)

    assert judgement.verdict is Verdict.UNKNOWN
    assert 0.5 <= judgement.seconds < 5


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_empty_history_is_ok(name: str) -> None:
    """No calls are in a legal order."""
    judgement = linearize([], SPECIFICATIONS[name])

    assert judgement.verdict is Verdict.OK
    assert judgement.order == ()


@pytest.mark.parametrize("options", [{}, {"monitors": False}, {"final": lambda _: True}])
def test_call_that_returns_before_it_began_is_refused(options: dict[str, Any]) -> None:
    """ValueError names the call."""
    calls = [Span(0, "read", (), 0, 1, "ok", None), Span(0, "read", (), 5, 4, "ok", None)]

    with pytest.raises(ValueError, match="call 1 returned at 4, before it began at 5"):
        linearize(calls, SPECIFICATIONS["register"], **options)


@pytest.mark.parametrize(
    ("predecessors", "message"),
    [
        ([set()], "2 calls and 1 sets"),
        ([set(), {2}], "call 1 has the predecessor 2"),
        ([set(), {-1}], "call 1 has the predecessor -1"),
        ([{1}, {0}], "call 0 has to come after itself"),
        ([set(), {1}], "call 1 has to come after itself"),
    ],
)
def test_predecessors_that_no_order_agrees_with_are_refused(
    predecessors: list[set[int]], message: str
) -> None:
    """ValueError says which, and does not judge."""
    with pytest.raises(ValueError, match=message):
        linearize(STALE, SPECIFICATIONS["register"], predecessors=predecessors)


def test_final_state_is_asked_for_last() -> None:
    """The state a legal order ends in is handed to `final`, the accepted one last."""
    seen: list[Any] = []

    def final(state: Any) -> bool:
        seen.append(state)
        return bool(state == 2)

    calls = [Span(process, "write", (process,), 0, 9, "ok", process) for process in (1, 2)]
    judgement = linearize(calls, SPECIFICATIONS["register"], final=final)

    assert judgement.order == (0, 1)
    assert seen[-1] == 2


@pytest.mark.slow
def test_history_of_many_calls_takes_time_in_proportion() -> None:
    """50,000 calls that no monitor knows are searched in seconds, and not in their square."""
    history = legal("counter", Random(1), calls=50_000, processes=3, few=5)

    judgement = linearize(history, SPECIFICATIONS["counter"], budget=60)

    assert judgement.verdict is Verdict.OK
    assert judgement.steps < 10 * len(history)
    assert Counter(judgement.order).most_common(1)[0][1] == 1
