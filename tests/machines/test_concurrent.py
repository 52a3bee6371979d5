"""The concurrent machine: Hypothesis draws programs, an engine tries them, the smallest is left."""

import re
import time
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.drawing import programs
from stress.explore.programs import ExploredPrograms
from stress.model import Model, ModelError, operation
from stress.program import Invocation, Program
from stress.verdict import NoVerdictError
from tests.explore.programs import MEMORIES
from tests.machines.prey import (
    AccountsModel,
    Counter,
    CounterModel,
    CrossedLocks,
    EndlessCounter,
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
from tests.machines.processes import printed_by_processes

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


@pytest.mark.parametrize("seed", [2, 6])
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
    """The fewest threads, the fewest calls, the smallest arguments.

    With other seeds another program of the same size may be left.
    """
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
    printed = printed_by_processes(
        "from tests.machines.test_concurrent import search\n"
        "from tests.machines.prey import *\n"
        "for model in (LockModel.of(NeverFree), SlotsModel.of(HastyClaim)):\n"
        "    run = search(model, seed=4)\n"
        "    print(run.examples, run.drawn, run.program, run.failure.failure.schedule)",
        "12",
    )

    assert len(printed) == 1
    assert "claim() ‖ claim()" in printed.pop()


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
