"""The search for a program that fails, whatever the engine says, and in Hypothesis' own hands."""

import time
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest

from stress import concurrent
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.drawing import programs
from stress.model import Model
from stress.program import Program
from stress.verdict import NoVerdictError
from tests.machines.prey import CounterModel, HandoverModel, MailboxModel

pytestmark = pytest.mark.slow
SECONDS = 60.0
"""How long is looked for what is there."""


class Told:
    """An engine that says what it is told to say, and notes what it was asked."""

    executions = 0

    def __init__(self, says: Callable[[int, Program], Any]) -> None:
        self._says = says
        self.asked: list[Program] = []
        self.shrinking: list[bool] = []

    def failure(self, program: Program, *, shrinking: bool) -> Any:
        """Say it."""
        self.asked.append(program)
        self.shrinking.append(shrinking)
        return self._says(len(self.asked), program)


def asked(
    says: Callable[[int, Program], Any], model: type[Model[Any]] = CounterModel
) -> tuple[ConcurrentRun, Told]:
    """Return what a machine came to with such an engine."""
    engine = Told(says)
    run = ConcurrentMachine(model, engine).search(5, SECONDS, lambda _: None)
    return run, engine


def test_no_program_is_tried_twice() -> None:
    """What it came to once, it comes to again: Hypothesis is told the same."""
    run, engine = asked(lambda number, program: (number >= 20 and program.calls > 1) or None)

    assert len(set(engine.asked)) == len(engine.asked) == run.examples
    assert run.drawn == engine.shrinking.index(True)
    assert all(engine.shrinking[run.drawn :])


@pytest.mark.parametrize("number", [1, 7, 33])
def test_fault_that_shows_up_once_is_kept(number: int) -> None:
    """Nothing smaller fails, nothing fails again: the program that failed is the answer."""
    run, engine = asked(lambda count, _: {"evidence": count} if count == number else None)

    assert run.failure == {"evidence": number}
    assert run.program == engine.asked[number - 1]
    assert run.drawn == number


@pytest.mark.parametrize("period", [2, 3, 10])
def test_fault_that_comes_and_goes_is_no_trouble(period: int) -> None:
    """Whatever it shrinks to has failed itself, with the evidence that is told."""
    run, engine = asked(lambda count, _: {"evidence": count} if count % period == 0 else None)

    assert run.failure is not None
    assert run.program == engine.asked[run.failure["evidence"] - 1]


def test_fault_without_calls_shrinks_to_nothing() -> None:
    """A subject that fails as soon as it is there needs no call."""
    run, _ = asked(lambda *_: "broken")

    assert run.program == Program((), ())


def test_threads_that_become_one_have_one_role() -> None:
    """What is tried while shrinking drives the subject as it may be driven, too."""
    run, engine = asked(lambda _, program: len(program.threads) > 1 or None, HandoverModel)

    assert run.program is not None
    assert run.program.calls == 2
    for program in engine.asked:
        assert all(len({call.f for call in own}) == 1 for own in program.threads)


def test_arguments_get_smaller() -> None:
    """A number that has to be greater than 2 is 3."""
    run, _ = asked(lambda _, program: "3" in str(program) or None, MailboxModel)

    assert run.program is not None
    assert (run.program.calls, "put(3)" in str(run.program)) == (1, True)


@pytest.mark.parametrize("number", [1, 7])
def test_trouble_of_the_engine_is_told(number: int) -> None:
    """What prevents programs from being tried ends the search, by its own name."""

    def says(count: int, _: Program) -> None:
        if count == number:
            raise NoVerdictError("the child is gone")

    with pytest.raises(NoVerdictError, match="the child is gone"):
        asked(says)


def test_trouble_while_shrinking_takes_nothing_back() -> None:
    """What has failed has failed; what could not be tried is no smaller failure."""

    def says(count: int, _: Program) -> Any:
        if count > 4:
            raise NoVerdictError("the child is gone")
        return count if count == 4 else None

    run, engine = asked(says)

    assert (run.failure, run.program) == (4, engine.asked[3])


def test_shrinking_tries_so_many_programs_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is slow does not shrink for ever, and Hypothesis is not surprised."""
    monkeypatch.setattr(concurrent, "SHRINKING", 5)

    def says(_: int, program: Program) -> Any:
        time.sleep(0.1)
        return program.calls or None

    started = time.monotonic()
    run, engine = asked(says)

    assert run.failure is not None
    assert len(engine.asked) < 20
    assert time.monotonic() - started < SECONDS / 2


def test_search_ends_when_its_time_is_up() -> None:
    """Also in the middle of a round."""
    engine = Told(lambda *_: time.sleep(0.05))
    run = ConcurrentMachine(CounterModel, engine).search(1, 0.5, lambda _: None)

    assert run.seconds < SECONDS / 2
    assert run.failure is None


def test_interrupt_keeps_what_was_found() -> None:
    """Ctrl-C while the failure is made smaller ends that, and the failure is there."""

    def says(count: int, _: Program) -> Any:
        if count > 4:
            raise KeyboardInterrupt
        return "broken" if count == 4 else None

    run, engine = asked(says)

    assert run.interrupted
    assert run.failure == "broken"
    assert run.program in engine.asked


# In Hypothesis' own hands


@pytest.mark.parametrize("period", [1, 3])
def test_hypothesis_remembers_the_failure_and_is_never_surprised(period: int) -> None:
    """The second run fails on its first example, also where the fault shows up now and then."""
    database = hypothesis.database.InMemoryExampleDatabase()

    def run() -> tuple[ConcurrentMachine, Told]:
        engine = Told(lambda count, program: (program.calls > 2 and count % period == 0) or None)
        machine = ConcurrentMachine(CounterModel, engine)

        @hypothesis.settings(database=database, max_examples=200, deadline=None)
        @hypothesis.given(programs(CounterModel))
        def attempt(program: Program) -> None:
            machine.attempt(program)

        with pytest.raises(concurrent.FailsError):
            attempt()
        return machine, engine

    first, _ = run()
    second, engine = run()

    assert first.run.program is not None
    assert first.run.program.calls == 3 or period > 1
    if period == 1:
        assert second.run.drawn == 1
        assert engine.asked[0] == first.run.program
