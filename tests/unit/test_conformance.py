"""A history is permitted or not, by the clock, by happens-before or by each thread's own order."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from stress import conformance
from stress.conformance import Conformance, UndecidedError, shown
from stress.history import Span
from stress.model import Model, ModelError, invariant, operation
from stress.reference import NotPlain, Reference
from stress.threads.subject import Violation
from stress.verdict import NoVerdictError
from tests.machines.prey import CounterModel, LockModel, PairModel, TriesModel, WholePairModel


class Registers(Model[Any]):
    """Two registers."""

    values: tuple[int, ...] = (0, 0)

    @operation(place=st.integers(0, 1), value=st.integers(1, 3))
    def write(self, place: int, value: int) -> None:
        """Change one."""
        self.values = (value, self.values[1]) if place == 0 else (self.values[0], value)

    @operation(place=st.integers(0, 1))
    def read(self, place: int) -> int:
        """Look at one."""
        return self.values[place]


class OwnOrder(Registers):
    """Two registers, which promise each thread its own order and no more."""

    consistency: ClassVar = "sequential"


def history(*calls: str) -> list[Span]:
    """Return the calls ``process f arguments -> result``, each after the one before it.

    Those of one string, parted by ‖, are made at the same time.
    """
    spans = []
    for at, together in enumerate(calls):
        for text in together.split("‖"):
            made, _, result = text.partition("->")
            process, f, *arguments = made.split()
            spans.append(
                Span(
                    int(process) if process.isdigit() else process,
                    f,
                    tuple(map(int, arguments)),
                    10 * at,
                    10 * at + 5,
                    "ok",
                    None if result.strip() in {"", "None"} else int(result),
                )
            )
    return spans


def violations(
    model: type[Model[Any]], calls: list[Span], before: Any = None, subject: Any = None
) -> list[Violation]:
    """Return what `model` does not permit."""
    return Conformance(Reference(model())).violations(calls, before, subject)


def permits(model: type[Model[Any]], *calls: str, before: Any = None) -> bool:
    """Return whether `model` permits a history."""
    return not violations(model, history(*calls), before)


# By the clock


def test_order_of_the_clock_is_kept() -> None:
    """What has returned took effect; what overlaps may have done so in any order."""
    assert permits(Registers, "0 write 0 1", "1 read 0 -> 1")
    assert not permits(Registers, "0 write 0 1", "1 read 0 -> 0")
    assert permits(Registers, "0 write 0 1 ‖ 1 read 0 -> 0")
    assert permits(CounterModel, "0 increment -> 1 ‖ 1 increment -> 0")
    assert not permits(CounterModel, "0 increment -> 0 ‖ 1 increment -> 0")


def test_misfit_is_told() -> None:
    """The call that has no place, the longest order without it, and what it might have been."""
    [found] = violations(CounterModel, history("main increment -> 0", "0 increment -> 5"))

    assert found.rule == "linearizability"
    assert found.message == (
        "thread 0: increment() = 5 cannot be placed\n"
        "  longest legal order   main: increment() = 0\n"
        "  allowed there         1"
    )


def test_misfit_that_had_to_wait_is_told() -> None:
    """Nothing it could have come to: it should not have returned."""
    [found] = violations(LockModel, history("0 acquire", "1 acquire"))

    assert found.message.endswith("allowed there         nothing: it waits")


def test_whatever_is_chosen_is_permitted() -> None:
    """A refusal that the model leaves to the subject."""
    assert permits(TriesModel, "0 attempt -> None", "0 attempt -> 0 ‖ 1 attempt -> None")
    assert not permits(TriesModel, "0 attempt -> 1")


def test_steps_of_a_call_may_be_seen_between() -> None:
    """An operation that is not atomic is permitted to be seen half done; an atomic one is not."""
    half = "0 both -> 0 ‖ 1 one -> 1 ‖ 2 other -> 0"
    calls = [
        Span(0, "both", (), 0, 100, "ok", 0),
        Span(1, "one", (), 10, 20, "ok", 1),
        Span(1, "other", (), 30, 40, "ok", 0),
    ]

    assert permits(PairModel, half)
    assert permits(WholePairModel, half)
    assert violations(PairModel, calls) == []
    [found] = violations(WholePairModel, calls)
    assert "thread 1: other() = 0 cannot be placed" in found.message


def test_result_that_is_no_data_fits_nothing() -> None:
    """What the subject returned is shown as it was."""
    strange = [Span(0, "increment", (), 0, 1, "ok", NotPlain("<object>"))]
    [found] = violations(CounterModel, strange)

    assert "increment() = '<object>' cannot be placed" in found.message


def test_calls_are_shown_for_reading() -> None:
    """Who, what, and what came of it."""
    span = Span(1, "push", (0x7000_0000,), 0, 1, "ok", None)

    assert shown(span) == "thread 1: push(0x70000000) = None"
    assert shown(span._replace(process="main", arguments=())) == "main: push() = None"
    assert shown(span._replace(outcome="info")) == "thread 1: push(0x70000000) never returned"
    failed = span._replace(outcome="fail", result=("FullError", None))
    assert shown(failed) == "thread 1: push(0x70000000) = FullError()"


# By happens-before


def before(*pairs: str) -> Callable[[int, int], bool]:
    """Return the relation in which the calls so numbered come before others: ``0<1``."""
    known = {(10 * int(pair[0]) + 5, 10 * int(pair[2])) for pair in pairs}

    def relation(one: int, other: int) -> bool:
        return (one, other) in known

    return relation


def test_calls_that_nothing_orders_may_come_in_any_order() -> None:
    """Instants of a simulated machine are none: only what happens before counts."""
    stale = ["0 write 0 1", "1 read 0 -> 0"]

    assert permits(Registers, *stale, before=before())
    assert not permits(Registers, *stale, before=before("0<1"))


def test_own_order_of_a_thread_always_counts() -> None:
    """What a thread called before comes before, whatever its calls did."""
    assert not permits(Registers, "0 write 0 1", "0 read 0 -> 0", before=before())
    assert not permits(CounterModel, "0 increment -> 1", "0 increment -> 0", before=before())


def test_order_through_a_third_call_counts() -> None:
    """Only the last call of each thread need be before; the others follow."""
    calls = ["0 write 0 1", "0 write 1 1", "1 read 1 -> 1", "2 read 0 -> 0"]

    assert permits(Registers, *calls, before=before("1<2"))
    assert not permits(Registers, *calls, before=before("1<2", "2<3"))
    assert not permits(Registers, *calls, before=before("1<3"))


def test_store_buffering_is_refused_with_a_cycle() -> None:
    """Each thread misses the other's write: no order agrees with both threads' own."""
    calls = ["0 write 0 1 ‖ 1 write 1 1", "0 read 1 -> 0 ‖ 1 read 0 -> 0"]

    assert not permits(Registers, *calls, before=before())
    assert not permits(OwnOrder, *calls)


# By each thread's own order


def test_own_order_permits_what_the_clock_refuses() -> None:
    """A stale read is permitted where nobody promised the clock."""
    stale = ["0 write 0 1", "1 read 0 -> 0", "1 read 0 -> 1"]

    assert not permits(Registers, *stale)
    assert permits(OwnOrder, *stale)
    assert permits(OwnOrder, *stale, before=before("0<1", "0<2"))


def test_own_order_refuses_what_one_thread_could_not_see() -> None:
    """Values that come and go in an order that no single order explains."""
    assert not permits(OwnOrder, "0 write 0 1", "1 read 0 -> 1", "1 read 0 -> 0")
    [found] = violations(OwnOrder, history("0 write 0 1", "0 read 0 -> 0"))
    assert found.rule == "sequential consistency"


def test_main_thread_calls_before_and_after_all_others() -> None:
    """The prefix comes first and what is asked at the end last, in every order there is."""
    assert not permits(OwnOrder, "main write 0 1", "0 read 0 -> 0")
    assert not permits(OwnOrder, "0 write 0 1", "main read 0 -> 0")
    assert permits(OwnOrder, "main write 0 1", "0 write 0 2", "1 read 0 -> 1", "main read 0 -> 2")


# Invariants


class Checked(Registers):
    """Registers of which the subject, a function, must give the first."""

    @invariant
    def small(self, subject: Any) -> None:
        """Hold always."""
        assert subject() < 100, "too large"

    @invariant
    def same(self, subject: Any) -> None:
        """Hold in one state alone."""
        assert subject() == self.values[0]

    @invariant
    def odd(self, subject: Any) -> None:
        """Hold for some subjects."""
        assert subject() != 2, f"{self.values[0]} is even"


TWO_WRITES = history("0 write 0 1 ‖ 1 write 0 2 ‖ 2 write 0 3")


@pytest.mark.parametrize("relation", [None, before()])
def test_invariants_hold_in_one_of_the_last_states(relation: Any) -> None:
    """Of the states in which all may have ended, one has to explain the subject."""
    assert violations(Checked, TWO_WRITES, relation, lambda: 1) == []
    assert violations(Checked, TWO_WRITES, relation, lambda: 3) == []
    assert violations(Checked, [], relation, lambda: 0) == []


@pytest.mark.parametrize("relation", [None, before()])
def test_broken_invariant_is_named(relation: Any) -> None:
    """It is the one that fails in the state in which most hold."""
    [odd] = violations(Checked, TWO_WRITES, relation, lambda: 2)
    [same] = violations(Checked, TWO_WRITES, relation, lambda: 7)
    [small] = violations(Checked, [], relation, lambda: 300)

    assert (odd.rule, odd.message.splitlines()[0]) == ("odd", "2 is even")
    assert same.rule == "same"
    assert (small.rule, small.message.splitlines()[0]) == ("small", "too large")


def test_invariant_that_breaks_is_told() -> None:
    """An exception in it is no pass, and is told by its name; the harness' own errors go on."""

    def breaking(error: Exception) -> Callable[[], int]:
        def subject() -> int:
            raise error

        return subject

    [found] = violations(Checked, TWO_WRITES, None, breaking(IndexError("no page")))
    assert found == Violation("small", "IndexError: no page")
    with pytest.raises(NoVerdictError, match="no time"):
        violations(Checked, TWO_WRITES, None, breaking(NoVerdictError("no time")))


def test_invariants_are_not_asked_where_the_history_fails() -> None:
    """What no order explains is told first."""
    [found] = violations(Checked, history("0 read 0 -> 5"), None, lambda: 300)

    assert found.rule == "linearizability"


# What is not known


def test_undecided_history_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge without time says that it does not know."""
    monkeypatch.setattr(conformance, "BUDGET", 0.0)
    calls = [Span(at, "increment", (), 0, 1, "ok", at // 2) for at in range(60)]

    with pytest.raises(UndecidedError, match=r"did not decide.* 60 calls\.\n  Draw smaller"):
        violations(CounterModel, calls, before())


def test_mistake_of_the_model_is_no_violation() -> None:
    """A model that breaks while it judges is wrong, and nobody else."""

    class Breaking(CounterModel):
        @operation
        def increment(self) -> int:
            self.value += 1
            return 1 // (2 - self.value)

    with pytest.raises(ModelError, match=r"Breaking\.increment\(\) raised ZeroDivisionError"):
        violations(Breaking, history("0 increment -> 1", "0 increment -> 1"), None)
