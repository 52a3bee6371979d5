"""What else a model may say: smaller cases, what is drawn how, what comes at the end."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, settings
from hypothesis import strategies as st

from registrar.sync import RELAXED, Sync, native
from stress.conformance import Conformance
from stress.drawing import drawn, programs
from stress.history import BY_CLOCK, Precedence, Span
from stress.machines import run_state_machine_as_test, sequential
from stress.model import Model, ModelError, invariant, operation
from stress.program import PREFIX, Invocation, Program
from stress.recording import Recording
from stress.reference import Reference
from stress.shrinking import shrunk
from stress.sidebyside import SideBySide
from stress.threads.observed import worker
from stress.threads.subject import Violation

ALONE = settings(database=None, derandomize=True)


class Box:
    """Holds sums by name."""

    def __init__(self, sync: Sync) -> None:
        self.sums = [sync.word(name=f"sum {name}") for name in range(3)]
        self.used: list[int] = []
        self.processes: list[int | str] = []

    def add(self, name: int, amount: int) -> int:
        """Add to a sum, and return what it was."""
        self.used.append(name)
        self.processes.append(worker.process)
        return self.sums[name].fetch_add(amount, RELAXED)

    def read(self, name: int) -> int:
        """Return a sum."""
        return self.sums[name].load(RELAXED)

    def all_used(self) -> list[tuple[int]]:
        """Return the names that were used, ascending."""
        return [(name,) for name in sorted({*self.used})]


class Sum(int):
    """A sum that says what it must be."""

    __slots__ = ()

    def rule(self, observed: int) -> str:
        """Return why `observed` is wrong."""
        return f"off by {abs(observed - self)}"


def _used_before(model: Model[Any]) -> st.SearchStrategy[int]:
    def name(back: int) -> int:
        names = [call.arguments[0] for call in model.earlier if call.f == "add"]
        return names[-1 - back % len(names)] if names else 0

    return st.integers(0, 7).map(name)


class BoxModel(Model[Box]):
    """Sums by name."""

    subject = Box
    cases = st.just("large")
    small_cases = st.just("small")
    sums: tuple[int, ...] = (0, 0, 0)

    @operation(name=st.integers(0, 2), amount=st.integers(1, 3), often=4)
    def add(self, name: int, amount: int) -> int:
        """Add."""
        before = self.sums[name]
        self.sums = (*self.sums[:name], before + amount, *self.sums[name + 1 :])
        return Sum(before)

    @operation(name=_used_before, at_end=Box.all_used)
    def read(self, name: int) -> int:
        """Read; at the end, every sum that was used."""
        return Sum(self.sums[name])

    @invariant
    def positive(self, box: Box) -> None:
        """Hold no negative sums."""
        assert all(box.read(name) == self.sums[name] for name in range(3))


class Losing(Box):
    """Reads one less."""

    def read(self, name: int) -> int:
        """Return less than the sum, once there is one."""
        return max(super().read(name) - 1, 0)


def call(f: str, *arguments: int) -> Invocation:
    """Return a call."""
    return Invocation(f, arguments)


def test_threads_have_small_cases_and_one_thread_has_others() -> None:
    """Programs are drawn with `small_cases`, the sequential machine draws from `cases`."""
    seen = set()

    class Noting(BoxModel):
        """Notes its case."""

        def make(self, sync: Sync) -> Box:
            seen.add(self.case)
            return super().make(sync)

    run_state_machine_as_test(sequential(Noting), settings=settings(ALONE, max_examples=3))

    assert seen == {"large"}
    assert {program.case for program in drawn(BoxModel, 0, 5, 2)} == {"small"}


def test_operation_is_drawn_as_often_as_it_says() -> None:
    """What is drawn four times as often makes up most calls of programs."""
    calls = Counter(
        call.f
        for program in drawn(BoxModel, 1, 200, 3)
        for _, own in program.lists()
        for call in own
    )

    assert calls["add"] > 2 * calls["read"] > 0


def test_program_loses_calls_that_are_drawn_often() -> None:
    """An operation that is drawn often is left out of a smallest program all the same."""

    def reads(program: Program) -> bool:
        return "read" in str(program)

    program = find(programs(BoxModel), reads, settings=ALONE)

    assert shrunk(program, reads).calls == 1


def test_strategy_sees_calls_made_so_far() -> None:
    """In the sequential machine an argument may be drawn from those of earlier calls."""
    read: set[bool] = set()

    class Noting(BoxModel):
        """Notes whether what is read was used."""

        def make(self, sync: Sync) -> Box:
            box = super().make(sync)
            own = box.read

            def noted(name: int) -> int:
                read.add(name in {*box.used, 0})
                return own(name)

            box.read = noted  # type: ignore[method-assign]
            return box

        @invariant
        def positive(self, box: Box) -> None:
            """Ask for nothing."""

    run_state_machine_as_test(sequential(Noting), settings=settings(ALONE, max_examples=30))

    assert read == {True}


def recorded(subject: Callable[[Sync], Box], *calls: Invocation) -> Recording:
    """Return what the main thread alone did, and did at the end."""
    model = BoxModel.of(subject)("small")
    recording = Recording(Conformance(Reference(model)), Program(calls, ()), native)
    recording.run(PREFIX)
    recording.end()
    return recording


def test_subject_says_what_comes_at_the_end() -> None:
    """The main thread makes a call for each of the arguments that the subject gives."""
    recording = recorded(Box, call("add", 2, 1), call("add", 0, 3), call("add", 2, 1))
    ended = [(call.f, *call.arguments, call.result) for call in recording.calls[3:]]

    assert ended == [("read", 0, 3), ("read", 2, 2)]
    assert recording.judged(None) == []


def test_prefix_is_made_by_main() -> None:
    """Whoever prepares a program on real threads is called main while it makes the prefix."""
    worker.process = 7
    recording = recorded(Box, call("add", 0, 1))

    assert recording.subject.processes == ["main"]
    assert worker.process == 7
    worker.process = 0


def test_what_comes_at_the_end_is_judged() -> None:
    """A sum that is wrong at the end has no place in any order."""
    found = recorded(Losing, call("add", 1, 3)).judged(None)

    assert [each.message.splitlines()[0] for each in found] == [
        "main: read(1) = 2 cannot be placed"
    ]


def test_result_says_which_rule_it_stands_for() -> None:
    """A result of the model that has a method ``rule`` says what is wrong with another."""
    pair = SideBySide(BoxModel.of(Losing), "large")
    messages = [pair.step(call("add", 0, 0)), pair.step(call("read", 0))]

    class Quiet(BoxModel):
        """Has no invariants."""

        subject = Losing

        @invariant
        def positive(self, box: Box) -> None:
            """Ask for nothing."""

    pair = SideBySide(Quiet, "large")
    pair.step(call("add", 0, 3))

    assert messages == [None, None]
    assert (
        pair.step(call("read", 0)) == "read(0)\n  observed  2\n  allowed   3\n  rule      off by 1"
    )


def test_invariant_that_fails_is_cited_instead() -> None:
    """Where the result is right and an invariant fails, the invariant is what is broken."""
    pair = SideBySide(BoxModel.of(Losing), "large")

    message = pair.step(call("add", 0, 2))

    assert message is not None
    assert message.startswith("add(0, 2)\n  observed  0\n  allowed   0\n  rule      positive")


def test_arguments_at_the_end_are_given_by_a_function() -> None:
    """An operation with parameters is called at the end only if the subject says with what."""
    with pytest.raises(ModelError, match="give at_end= a function"):
        operation(name=st.integers(), at_end=True)(lambda self, name: (self, name))


class Precedent(BoxModel):
    """Keeps what it was told of instants."""

    def violations(self, history: object, precedence: Precedence) -> list[Violation]:
        """Say which instants were in time."""
        assert isinstance(history, list)
        [span] = history
        assert isinstance(span, Span)
        return [Violation(f"{precedence.in_time(5, 5)}", f"{precedence.before(5, 5)}")]


def test_model_is_told_what_before_means() -> None:
    """By a clock what ended at an instant was in time, but not before; elsewhere they are one."""
    conformance = Conformance(Reference(Precedent("small")))
    recording = Recording(conformance, Program((call("add", 0, 1),), ()), native)
    recording.run(PREFIX)

    assert recording.judged(None) == [Violation("True", "False")]
    assert recording.judged(lambda one, other: one < other) == [Violation("False", "False")]
    assert BY_CLOCK.before(1, 2)


def test_steps_of_a_call_by_itself_are_taken_at_once() -> None:
    """What a call may come to while nobody else takes a step has every choice of every step."""

    class Steps(Model[Any]):
        """Chooses twice."""

        @operation
        def both(self) -> Any:
            first = self.choose((1, 2))
            yield
            return first, self.choose((3, 4))

    outcomes = Reference(Steps()).completed((), "main", "both", ())

    assert [each.result for each in outcomes] == [(1, 3), (1, 4), (2, 3), (2, 4)]
