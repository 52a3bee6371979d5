"""The concurrent machine: Hypothesis draws programs, an engine tries them, the smallest is left."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from stress import concurrent, failures
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.drawing import programs
from stress.explore.engine import saved_failure
from stress.explore.programs import ExploredPrograms
from stress.explore.record import again
from stress.model import Model, ModelError, operation
from stress.program import Invocation, Program
from stress.verdict import NoVerdictError
from tests.explore.programs import MEMORIES
from tests.machines.prey import (
    FILE,
    AccountsModel,
    Counter,
    CounterModel,
    CrossedLocks,
    EndlessCounter,
    HandoverModel,
    HastyClaim,
    LockModel,
    LostUpdate,
    MailboxModel,
    MissedThree,
    NeverFree,
    PileModel,
    RelaxedPut,
    SlotsModel,
    StrictTriesModel,
    TaglessPile,
    TriesModel,
    WholePairModel,
)

pytestmark = pytest.mark.slow
SECONDS = 60.0
"""How long is looked for what is there."""


def search(
    model: type[Model[Any]], memory: str = "rc11", *, seed: int = 1, seconds: float = SECONDS
) -> ConcurrentRun:
    """Return what the machine came to in the explorer."""
    machine = ConcurrentMachine(model, ExploredPrograms(model, memory))
    return machine.search(seed, seconds, lambda _: None)


# In the explorer


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("memory", ["sc", "rc11"])
@pytest.mark.parametrize(
    ("model", "smallest", "kind"),
    [
        (CounterModel.of(LostUpdate), "increment() ‖ increment()", "linearizability"),
        (
            PileModel.of(TaglessPile),
            "take() ‖ take(); take(); put(<result 0 of its own>)",
            "linearizability",
        ),
        (SlotsModel.of(HastyClaim), "claim() ‖ claim()", "linearizability"),
        (StrictTriesModel, "attempt() ‖ attempt()", "linearizability"),
        (AccountsModel.of(CrossedLocks), "transfer(0) ‖ transfer(1)", "deadlock"),
        (LockModel.of(NeverFree), "acquire(); release(); acquire()", "livelock"),
    ],
)
def test_fault_is_found_and_made_smallest(
    model: type[Model[Any]], smallest: str, kind: str, memory: str, seed: int
) -> None:
    """The fewest threads, the fewest calls, the smallest arguments: whatever was found first."""
    run = search(model, memory, seed=seed)

    prefix, bar, threads = str(run.program).rpartition(" ┃ ")
    own = sorted(re.sub(r"thread \d", "its own", each) for each in threads.split(" ‖ "))
    assert prefix + bar + " ‖ ".join(own) == smallest
    assert run.failure.failure.kind == kind
    assert run.found_after is not None


def test_state_between_two_steps_is_found() -> None:
    """A model that pretends an operation to be atomic is refuted by who looks in between."""
    run = search(WholePairModel)

    assert run.program is not None
    assert run.program.calls == 3
    assert str(run.program) in {"both() ‖ both(); other()", "both() ‖ one(); other()"}


def test_relaxed_store_is_found_under_rc11_alone() -> None:
    """Message passing: stronger machines never fail, however many programs are tried."""
    found = [
        search(MailboxModel.of(RelaxedPut), memory, seconds=SECONDS if memory == "rc11" else 2.0)
        for memory in MEMORIES
    ]

    assert [run.program and str(run.program) for run in found] == [None, None, "put(1) ‖ get()"]
    assert all(run.examples for run in found[:2])


def test_sequential_fault_needs_no_second_thread() -> None:
    """What one thread sees alone is told of one thread."""
    for subject, calls in ((MissedThree, 3), (EndlessCounter, 2)):
        run = search(CounterModel.of(subject))

        assert run.program == Program((Invocation("increment", ()),) * calls, ())


@pytest.mark.parametrize("model", [CounterModel, TriesModel, LockModel, AccountsModel, SlotsModel])
def test_correct_subject_survives(model: type[Model[Any]]) -> None:
    """Nothing fails, and every example stands for many executions."""
    engine = ExploredPrograms(model)
    run = ConcurrentMachine(model, engine).search(1, 1.5, lambda _: None)

    assert (run.failure, run.program, run.found_after) == (None, None, None)
    assert run.examples == run.drawn > 0
    assert engine.executions > run.examples


def test_same_seed_gives_the_same_search() -> None:
    """Programs, executions and failure are a function of the seed."""

    def told(run: ConcurrentRun) -> Any:
        return run.examples, run.drawn, run.program, run.failure.failure.schedule

    for model in (CounterModel.of(LostUpdate), SlotsModel.of(HastyClaim)):
        assert told(search(model, seed=1)) == told(search(model, seed=1))


def test_same_seed_gives_the_same_search_in_every_process() -> None:
    """How strings are hashed makes no difference."""
    code = (
        "from tests.machines.test_concurrent import search\n"
        "from tests.machines.prey import *\n"
        "for model in (LockModel.of(NeverFree), SlotsModel.of(HastyClaim)):\n"
        "    run = search(model, seed=4)\n"
        "    print(run.examples, run.drawn, run.program, run.failure.failure.schedule)"
    )
    printed = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in "12"
    }

    assert len(printed) == 1
    assert "claim() ‖ claim()" in printed.pop()


# Whatever the engine says


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


# With mistakes of the model


class Subject(Counter):
    """Does what it is asked."""

    def act(self, value: Any) -> Any:
        """Return it."""
        return value


def wrong(body: Callable[[Any, Any], Any], given: Any) -> type[Model[Any]]:
    """Return a model whose operation does this with what is drawn."""

    class Wrong(Model[Any]):
        subject = Subject
        state: Any = 0

        @operation(value=given)
        def act(self, value: Any) -> Any:
            return body(self, value)

    return Wrong


@pytest.mark.parametrize(
    ("body", "given", "why"),
    [
        (lambda *_: 1 // 0, st.none(), r"Wrong\.act\(None\) raised ZeroDivisionError"),
        (lambda *_: [], st.none(), r"Wrong\.act\(None\) returned \[\]"),
        (lambda *_: None, st.just([]), r"Wrong\.act: value was drawn as \[\]"),
        (lambda model, _: setattr(model, "state", {}), st.none(), r"Wrong\.state became \{\}"),
        (lambda *_: time.monotonic_ns(), st.none(), r"came out differently|time\.monotonic_ns"),
    ],
)
def test_mistake_of_the_model_is_told(body: Any, given: Any, why: str) -> None:
    """It is an error, one alone, and no failure of the subject."""
    model = wrong(body, given)

    with pytest.raises(NoVerdictError, match=why):
        search(model)


# What fails is found again


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, ConcurrentRun]:
    """Return the file of a failure of the pile without tags, and the run that found it."""
    name = f"{FILE}::PileModel:tagless"
    model = PileModel.of(TaglessPile)
    run = search(model)
    assert run.program is not None
    return failures.save(
        saved_failure(name, model, run.program, "rc11", run.failure), tmp_path
    ), run


def test_failure_is_saved_and_replays(saved: tuple[Path, ConcurrentRun]) -> None:
    """Its file has the program and the schedule, and is carried out again, exactly."""
    file, run = saved
    content = failures.load(file)
    trace = again(content, file)

    assert run.program is not None
    assert content["target"] == f"{FILE}::PileModel:tagless/" + json.dumps(
        run.program.to_json(PileModel)
    )
    assert trace is not None
    assert trace.to_json() == content["trace"] | {"saved": trace.saved}
    assert str(run.program) in trace.scenario


def test_saved_schedule_is_tried_first(saved: tuple[Path, ConcurrentRun]) -> None:
    """One execution is enough next time, and a damaged file beside it is no obstacle."""
    file, run = saved
    (file.parent / "damaged.json").write_text("{", encoding="utf-8")
    (file.parent / "other.json").write_text('{"format": 1}', encoding="utf-8")
    assert run.program is not None

    engine = ExploredPrograms(PileModel.of(TaglessPile), failures=file.parent)
    found = engine.failure(run.program, shrinking=False)
    assert found is not None
    assert found.failure is not None
    assert engine.executions == 1
    assert list(found.failure.schedule) == failures.load(file)["schedule"]

    stronger = ExploredPrograms(PileModel.of(TaglessPile), "sc", failures=file.parent)
    stronger.failure(run.program, shrinking=False)
    assert stronger.executions > 1


def test_saved_schedule_of_a_mended_subject_is_no_failure(
    saved: tuple[Path, ConcurrentRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fail any more is explored as if nothing had been saved."""
    file, run = saved
    assert run.program is not None
    monkeypatch.setattr(TaglessPile, "TAG", 8)
    engine = ExploredPrograms(PileModel.of(TaglessPile), failures=file.parent)

    assert engine.failure(run.program, shrinking=False) is None
    assert engine.explored_wholly == 1


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


def test_mistake_of_the_model_comes_out_of_hypothesis() -> None:
    """No group of errors, no surprise: the error of the model."""
    model = wrong(lambda *_: 1 // 0, st.none() | st.just(3))
    machine = ConcurrentMachine(model, ExploredPrograms(model))

    @hypothesis.settings(database=None, deadline=None)
    @hypothesis.given(programs(model))
    def attempt(program: Program) -> None:
        machine.attempt(program)

    with pytest.raises(ModelError, match="raised ZeroDivisionError"):
        attempt()
