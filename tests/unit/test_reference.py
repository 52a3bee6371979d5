"""What a model permits is worked out wholly, once, and never confused with something else."""

import sys
from collections.abc import Callable, Generator
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from stress.model import Model, ModelError, NotAllowed, operation
from stress.reference import (
    STEPS,
    NotPlain,
    Outcome,
    Raised,
    Reference,
    raised,
    spelled,
)
from stress.verdict import NoVerdictError
from tests.machines.prey import CounterModel, LockModel, PairModel


class FullError(Exception):
    """There is no room."""


class Odd(Model[Any]):
    """Does whatever its only operation is told to do."""

    doing: ClassVar[Callable[..., Any]]
    state: Any = 0

    @operation(value=st.none(), raises=(FullError,))
    def act(self, value: Any) -> Any:
        """Do it."""
        return type(self).doing(self, value)


def reference_of(doing: Callable[..., Any]) -> Reference:
    """Return the reference of a model whose operation ``act`` does this."""
    return Reference(type("Odd", (Odd,), {"doing": doing})())


def outcomes(reference: Reference, *arguments: Any, caller: int | str = 0) -> list[Any]:
    """Return the results and states that ``act`` may come to from the beginning."""
    found = reference.outcomes(reference.initial(), caller, "act", arguments)
    return [(each.result, *each.state) for each in found]


# Outcomes


def test_outcome_is_the_result_and_the_state_after() -> None:
    """The state before is left as it was."""
    reference = Reference(CounterModel())
    [outcome] = reference.outcomes((5,), 0, "increment", ())

    assert outcome == Outcome(True, 5, (6,), None)  # noqa: FBT003
    assert reference.initial() == (0,)


def test_every_combination_of_choices_is_an_outcome() -> None:
    """Choices may depend on each other, and be of different numbers."""

    def act(model: Any, _: Any) -> Any:
        first = model.choose((1, 2))
        model.state = model.choose(range(first + 1))
        return first

    assert outcomes(reference_of(act), None) == [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]


def test_choices_that_wait_are_no_outcomes() -> None:
    """What is left are those in which the call comes to an end; if there are none, it waits."""

    def act(model: Any, value: Any) -> Any:
        chosen = model.choose((1, 2))
        model.wait_until(chosen == value)
        return chosen

    reference = reference_of(act)

    assert outcomes(reference, 2) == [(2, 0)]
    assert outcomes(reference, 3) == []


def test_requirement_that_a_choice_breaks_forbids_the_call() -> None:
    """A call is allowed if it is whatever the subject chooses; the answer stays the same."""

    def act(model: Any, _: Any) -> Any:
        model.require(model.choose((True, False)))

    reference = reference_of(act)
    for _ in range(2):
        with pytest.raises(NotAllowed):
            outcomes(reference, None)


@pytest.mark.parametrize(
    ("error", "observed", "matches"),
    [
        (FullError, FullError(), True),
        (FullError, FullError("no room"), True),
        (FullError("no room"), FullError("no room"), True),
        (FullError("no room", 3), FullError("no room", 3), True),
        (FullError("no room"), FullError("no space"), False),
        (FullError("no room"), FullError(), False),
        (FullError, ValueError(), False),
        (FullError(object), FullError(object), True),
    ],
)
def test_exception_is_a_result(error: Any, observed: Exception, *, matches: bool) -> None:
    """Raised bare, any message will do; with arguments, they are compared."""

    def act(model: Any, _: Any) -> Any:
        model.state = 1
        raise error

    reference = reference_of(act)
    [outcome] = reference.outcomes(reference.initial(), 0, "act", (None,))

    assert (outcome.returned, outcome.state) == (False, (1,))
    assert outcome.matches("fail", raised(observed)) is matches
    assert not outcome.matches("ok", raised(observed))


def test_outcome_matches_what_returned_alone() -> None:
    """A result is not what an exception came with, and data is not what only looks like it."""
    outcome = Outcome(True, "<it>", (), None)  # noqa: FBT003

    assert outcome.matches("ok", "<it>")
    assert not outcome.matches("fail", "<it>")
    assert not outcome.matches("ok", NotPlain("<it>"))
    assert not Outcome(True, ("<it>",), (), None).matches("ok", NotPlain("('<it>',)"))  # noqa: FBT003


def test_results_are_spelled_for_reading() -> None:
    """Addresses are hexadecimal, exceptions are calls, tuples keep their comma."""
    assert spelled((0x7000_0000, "x", (1,))) == "(0x70000000, 'x', (1,))"
    assert spelled(True) == "True"  # noqa: FBT003
    assert str(Raised("FullError", ("no room",))) == "FullError('no room')"
    assert str(Raised("FullError")) == "FullError()"


def test_state_may_begin_with_the_case() -> None:
    """What the model is made with is the state that everything begins in."""

    class Sized(CounterModel):
        def __init__(self, case: Any = None) -> None:
            super().__init__(case)
            self.value = case

    reference = Reference(Sized(5))
    [outcome] = reference.outcomes(reference.initial(), 0, "increment", ())

    assert (outcome.result, outcome.state, reference.initial()) == (5, (6,), (5,))
    with pytest.raises(ModelError, match=r"Sized\.value became \[\] in Sized\.__init__\(\)"):
        Reference(Sized([]))


# Several atomic steps


def test_steps_are_taken_one_by_one() -> None:
    """After each the state is there to be seen, and what comes next depends on what others did."""
    reference = Reference(PairModel())
    [first] = reference.outcomes((0, 0), 0, "both", ())
    assert (first.state, first.returned) == ((1, 0), True)
    assert first.trail is not None

    [second] = reference.outcomes((7, 3), 0, "both", (), first.trail)
    assert (second.result, second.state, second.trail) == (0, (7, 4), None)


def test_every_step_has_choices_of_its_own() -> None:
    """What was chosen before is chosen again when a call goes on."""

    def act(model: Any, _: Any) -> Generator[None, None, str]:
        first: str = model.choose("ab")
        model.state = 1
        yield
        second: str = model.choose("cd" if first == "a" else "e")
        return first + second

    class Stepping(Odd):
        @operation(value=st.none())
        def act(self, value: Any) -> Any:
            return (yield from act(self, value))

    reference = Reference(Stepping())
    begun = reference.outcomes((0,), 0, "act", (None,))
    ended = [reference.outcomes((1,), 0, "act", (None,), each.trail or ()) for each in begun]

    assert [[each.result for each in own] for own in ended] == [["ac", "ad"], ["be"]]
    whole = reference.completed((0,), 0, "act", (None,))
    assert [each.result for each in whole] == ["ac", "ad", "be"]


def test_step_may_wait_in_the_middle() -> None:
    """A call under way waits until another has gone on."""

    class Gate(Model[Any]):
        opened: bool = False

        @operation
        def pass_through(self) -> Any:
            yield
            self.wait_until(self.opened)
            return 1

    reference = Reference(Gate())
    [begun] = reference.outcomes((False,), 0, "pass_through", ())
    assert begun.trail is not None

    assert reference.outcomes((False,), 0, "pass_through", (), begun.trail) == ()
    [ended] = reference.outcomes((True,), 0, "pass_through", (), begun.trail)
    assert ended.result == 1
    assert reference.completed((False,), 0, "pass_through", ()) == ()


def test_steps_without_an_end_are_refused() -> None:
    """A loop of yields is no way to wait, and hangs nothing."""

    class Spinning(Model[Any]):
        opened: bool = False

        @operation
        def spin(self) -> Any:
            while not self.opened:
                yield

    reference = Reference(Spinning())
    with pytest.raises(ModelError, match=r"(?s)Spinning\.spin\(\) .* steps.*wait_until"):
        reference.completed((False,), 0, "spin", ())
    trail = (((False,), ()),) * STEPS
    with pytest.raises(ModelError, match=r"(?s)Spinning\.spin\(\) .* steps.*wait_until"):
        reference.outcomes((False,), 0, "spin", (), trail)


# What is remembered


def test_callers_are_told_apart() -> None:
    """The same call by another thread is another call."""
    reference = Reference(LockModel())
    [mine] = reference.outcomes((None,), 1, "acquire", ())
    [yours] = reference.outcomes((None,), "main", "acquire", ())

    assert (mine.state, yours.state) == ((1,), ("main",))
    with pytest.raises(NotAllowed):
        reference.outcomes((1,), "main", "release", ())
    assert reference.outcomes((1,), 1, "release", ()) != ()


def test_arguments_are_told_apart_by_type() -> None:
    """True, 1 and 1.0 are equal, and different all the same; so are tuples of them."""
    reference = reference_of(lambda _, value: repr(value))

    for value in (1, True, 1.0, (1,), (True,), ((1.0,),), ((1,),), 0.0, -0.0):
        assert outcomes(reference, value) == [(repr(value), 0)]


def test_whole_calls_and_their_steps_are_told_apart() -> None:
    """Also where there is no state to tell them apart by."""

    class Stateless(Model[Any]):
        @operation
        def act(self) -> Any:
            yield
            yield
            return 1

    reference = Reference(Stateless())
    reference.completed((), 0, "act", ())
    [first] = reference.outcomes((), 0, "act", ())
    assert first.trail is not None
    [second] = reference.outcomes((), 0, "act", (), first.trail)
    assert second.trail is not None


def test_outcomes_are_worked_out_once() -> None:
    """Twice over, the first time, to see that nothing differs; and then never again."""
    calls = count()
    reference = reference_of(lambda _, value: next(calls) * 0 + value)
    for _ in range(3):
        assert outcomes(reference, 5) == [(5, 0)]

    assert next(calls) == 2


# What a model does without declaring it


def raise_value_error(_: Any, __: Any) -> None:
    """Raise what is not declared."""
    raise ValueError("too bad")


def become_a_list(model: Any, _: Any) -> None:
    """Make the state unhashable."""
    model.state = ([],)


def read_the_clock(_: Any, __: Any) -> None:
    """Be caught at it, as the explorer does."""
    raise NoVerdictError("x.py:3 calls time.time\n  Hand the time in.")


ANSWERS = count()
"""Changes without being in the state."""


UNDECLARED: dict[str, tuple[Callable[..., Any], str]] = {
    "raise": (raise_value_error, r"raised ValueError: too bad\.\n .* does not declare.*raises="),
    "state": (become_a_list, r"Odd\.state became \(\[\],\) in Odd\.act.*tuple.*frozenset"),
    "list": (lambda *_: [1], r"returned \[1\]\.\n  Results are compared.*\n.*perform="),
    "object": (lambda *_: object, r"returned <class 'object'>"),
    "result": (
        lambda *_: next(ANSWERS),
        r"came out differently.*:\n  \d+, then \d+\.\n.*choose",
    ),
    "options": (
        lambda model, _: model.choose(range(1 + next(ANSWERS) % 7)),
        "came out differently when it was repeated",
    ),
    "choices": (
        lambda model, _: len([model.choose((1, 2)) for _ in range(next(ANSWERS) % 3)]),
        "came out differently when it was repeated",
    ),
    "require": (
        lambda model, _: model.require(next(ANSWERS) % 2),
        "came out differently.*not allowed",
    ),
    "wait": (lambda model, _: model.wait_until(next(ANSWERS) % 2), "came out differently.*waits"),
    "exit": (lambda *_: sys.exit(0), r"raised SystemExit: 0\."),
    "attribute": (
        lambda model, _: setattr(model, "last", 7),
        r"Odd\.last became 7 in Odd\.act\(1\), and is no state\.\n  .*:  last: object = None",
    ),
    "clock": (read_the_clock, r"Odd\.act\(1\): x\.py:3 calls time\.time\n  An operation .* state"),
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_what_is_not_declared_is_refused(name: str) -> None:
    """The error names the model, the operation and its arguments, and says what to write."""
    doing, why = UNDECLARED[name]
    reference = reference_of(doing)

    def asked_often() -> None:
        for state in range(10):
            reference.outcomes((state,), 0, "act", (1,))

    with pytest.raises(ModelError, match=rf"(?s){why}") as refused:
        asked_often()
    assert "Odd.act(1)" in str(refused.value)


def test_unknown_operation_is_refused() -> None:
    """A call of what the model does not have is told from the calls it has."""
    with pytest.raises(ModelError, match=r"CounterModel has no operation 'pop'.*It has: increment"):
        Reference(CounterModel()).outcomes((0,), 0, "pop", ())
