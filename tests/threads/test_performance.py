"""Programs of a model on real threads of this process: what is called, noted and judged."""

import sys
from random import Random
from typing import Any

import pytest

from registrar.sync import Sync, native
from stress.history import from_json_lines
from stress.model import Model, ModelError, operation
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.threads.performance import Performances, rejudge
from stress.threads.shift import Shift, ShiftPlan
from tests.machines.prey import Counter, CounterModel, PileModel

pytestmark = [pytest.mark.threads, pytest.mark.slow]

INCREMENT = (Invocation("increment", ()),)
TWO = Program((), (INCREMENT, INCREMENT))


def call(f: str, *arguments: Any) -> Invocation:
    """Return a call."""
    return Invocation(f, arguments)


def shift_of(model: type[Model[Any]], program: Program, slots: int = 4) -> Shift:
    """Return a shift of real threads that has run `program` in so many instances, twice."""
    threads = max(1, len(program.threads))
    plan = ShiftPlan("7", threads, 2, pinned=False, pauses=0)
    shift = Shift(plan, Performances(model, [program], slots).stage(Random(7), threads))
    shift.start()
    assert shift.join(100)
    return shift


def rules(model: type[Model[Any]], program: Program) -> set[tuple[str, str]]:
    """Return the rules that are broken, with the first lines of why."""
    shift = shift_of(model, program)
    assert shift.errors == []
    return {
        (each.rule, each.message.splitlines()[0])
        for finding in shift.findings
        for each in finding.judgement.violations
    }


def test_every_call_is_made_and_noted() -> None:
    """The prefix by the main thread, then each thread its own, and then what comes at the end."""
    back = call("put", Earlier(PREFIX, 0))
    program = Program((call("take"),), ((back, call("take")), (call("take"), call("take"))))

    class Kept(PileModel):
        def violations(self, history: Any, precedence: Any) -> Any:
            del precedence
            seen.append([(each.process, each.f, each.arguments) for each in history])
            return []

    seen: list[list[Any]] = []
    shift = shift_of(Kept, program)

    assert shift.findings == []
    assert len(seen) == shift.census.instances == 8
    for history in seen:
        assert history[0] == ("main", "take", ())
        assert history[-1] == ("main", "last", ())
        assert [each for each in history if each[0] == 0] == [(0, "put", (3,)), (0, "take", ())]
        assert [each for each in history if each[0] == 1] == [(1, "take", ())] * 2


def test_call_that_refers_to_nothing_is_left_out() -> None:
    """A plate that was not taken is not put back."""
    empty = Program((call("take"),) * 4, ((call("put", Earlier(PREFIX, 3)),), (call("take"),)))

    assert rules(PileModel, empty) == set()


class Raising(Counter):
    """Raises at the second increment."""

    def increment(self) -> int:
        """Add one, or raise."""
        found = super().increment()
        if found:
            raise LookupError("too many")
        return found


class Leaving(Counter):
    """Ends the process at the second increment."""

    def increment(self) -> int:
        """Add one, or leave."""
        found = super().increment()
        if found:
            sys.exit(0)
        return found


@pytest.mark.parametrize(
    ("program", "who"),
    [
        (Program(INCREMENT * 2, ()), "main"),
        (Program(INCREMENT, (INCREMENT,)), "thread 0"),
        (Program((), (INCREMENT * 2,)), "thread 0"),
    ],
)
def test_undeclared_exception_is_a_finding(program: Program, who: str) -> None:
    """In the prefix as in a thread: by whom, of what, and that nobody declared it."""
    raised = f"{who}: increment() raised LookupError: too many, which the model does not declare"
    left = f"{who}: increment() raised ExitsError: it would have ended the process: SystemExit(0)"

    assert rules(CounterModel.of(Raising), program) == {("exception", raised)}
    [(rule, message)] = rules(CounterModel.of(Leaving), program)
    assert (rule, message.partition(", which")[0]) == ("exception", left)


class Ending(CounterModel):
    """A counter that is asked at the end."""

    @operation(at_end=True, perform=lambda subject: subject.increment())
    def last(self) -> int:
        """Add one more."""
        self.value += 1
        return self.value - 1


def test_undeclared_exception_at_the_end_is_a_finding() -> None:
    """Nobody is left to overlap it, and it is one all the same."""
    [(rule, message)] = rules(Ending.of(Raising), Program((), (INCREMENT,)))

    assert rule == "exception"
    assert message.startswith("main: last() raised LookupError: too many")


@pytest.mark.parametrize("program", [Program(INCREMENT, ()), Program((), (INCREMENT,))])
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (AssertionError("not mapped"), "after increment: not mapped"),
        (AssertionError(), "after increment: what follows the call fails"),
        (IndexError("no page"), "after increment: IndexError: no page"),
    ],
)
def test_effect_that_fails_is_a_finding(program: Program, error: Exception, why: str) -> None:
    """What follows a call is told with the call it follows."""

    def then(*_: Any) -> None:
        raise error

    class Followed(CounterModel):
        @operation(then=then)
        def increment(self) -> int:
            self.value += 1
            return self.value - 1

    assert rules(Followed, program) == {("effect", why)}


@pytest.mark.parametrize("program", [Program(INCREMENT, ()), TWO])
def test_mistake_of_the_model_is_no_finding(program: Program) -> None:
    """What breaks while it judges, or cannot be made, is the model's."""

    class Wrong(CounterModel):
        @operation
        def increment(self) -> int:
            return 1 // 0

    def hungry(_: Sync) -> Counter:
        raise OSError("no kernel")

    for model, why in ((Wrong, "ZeroDivisionError"), (CounterModel.of(hungry), "no kernel")):
        shift = shift_of(model, program)
        assert shift.findings == []
        assert isinstance(shift.errors[0], ModelError)
        assert why in str(shift.errors[0])


def test_fewer_threads_than_asked_for_are_enough() -> None:
    """A program leaves the other threads of a stage idle; one thread makes no second one."""
    plan = ShiftPlan("7", 4, 1, pinned=False, pauses=5)
    shift = Shift(plan, Performances(CounterModel, [TWO], 4).stage(Random(7), 4))
    shift.start()
    assert shift.join(100)
    assert (shift.errors, shift.findings, shift.census.calls) == ([], [], 8)

    stage = Performances(CounterModel).stage(Random(1), 1)
    for slot in range(20):
        instance = stage.instance(slot, Random(slot), native)  # type: ignore[arg-type]
        assert len(instance.steps) == 1


def test_recorded_history_is_judged_again() -> None:
    """By the model of today: of the fault it is wrong, and what was mended is right."""

    class Wide(CounterModel):
        @operation
        def increment(self) -> Any:
            self.value += 1
            return self.value - 1, (None, "x")

    lines = (
        '{"process": 0, "type": "invoke", "f": "increment", "value": [], "time": 1}',
        '{"process": 0, "type": "ok", "f": "increment", "value": [0, [null, "x"]], "time": 2}',
    )
    program = Program((), (INCREMENT,))
    history = from_json_lines(lines)

    assert rejudge(Wide, program.to_json(Wide), history) == []
    [found] = rejudge(CounterModel, program.to_json(CounterModel), history)
    assert found.rule == "linearizability"


def test_call_is_told_with_its_arguments() -> None:
    """Also where they are resolved only when it is made."""
    program = Program((call("take"),), ((call("put", Earlier(PREFIX, 0)),), (call("take"),)))
    stage = Performances(PileModel, [program], 1).stage(Random(1), 2)
    instance = stage.instance(0, Random(1), native)  # type: ignore[arg-type]

    assert [step.told for own in instance.steps for step in own] == [
        str(program.threads[0][0]),
        "take()",
    ]
