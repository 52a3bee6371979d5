"""A shift of real threads: what it runs follows from its seed, and it ends whatever happens.

The model is made of functions here: what a step does, and what preparing and judging add to it.
"""

import os
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from models.registrar_threads import RegistrarThreads
from registrar.sync import native
from stress.history import Span
from stress.threads.observed import ObservedSync, worker
from stress.threads.shift import Shift, ShiftPlan
from stress.threads.subject import Judgement, Record, Step, Violation

pytestmark = pytest.mark.threads

PLAN = ShiftPlan(seed="7/0", threads=3, strides=2, pinned=False, pauses=10)


def nothing(*_: Any) -> None:
    """Do nothing."""


class Program:
    """An instance: three steps for each thread, which call `step` with what was drawn."""

    def __init__(self, stage: "Functions", slot: int, random: Random) -> None:
        self._stage = stage
        self.slot = slot
        self.steps = [
            [Step("step", (slot, random.random()), stage.step, None, 0) for _ in range(3)]
            for _ in range(stage.threads)
        ]

    def keys(self, step: Step) -> Collection[int]:
        """Return the instance: all its calls can meet."""
        return [step.arguments[0]]

    def to_json(self) -> dict[str, Any]:
        """Return the slot."""
        return {"slot": self.slot}

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Keep the records, and find what the stage finds."""
        self._stage.judged.append([list(own) for own in records])
        broken = self._stage.judging(self.slot)
        found = [Violation("X1", broken)] if broken else []
        span = Span(0, "step", (), 0, 1, "ok", None)
        return Judgement([span], found, ["odd"] if self.slot % 2 else [], {"judged": 1})


class Functions:
    """A stage whose model is three functions."""

    slots = 4

    def __init__(
        self,
        *,
        preparing: Callable[[int], None] = nothing,
        step: Callable[[int, float], object] = nothing,
        judging: Callable[[int], str | None] = nothing,
        threads: int = PLAN.threads,
    ) -> None:
        self.preparing, self.step, self.judging = preparing, step, judging
        self.threads = threads
        self.judged: list[list[list[Record]]] = []

    def instance(self, slot: int, random: Random, sync: ObservedSync) -> Program:
        """Return a program of what `random` draws."""
        assert sync.taken == []
        self.preparing(slot)
        return Program(self, slot, random)

    def close(self) -> None:
        """Hold nothing."""


def shift_of(stage: Functions, plan: ShiftPlan = PLAN) -> Shift:
    """Return a shift that has ended, with all its threads."""
    shift = Shift(plan, stage)
    shift.start()
    assert shift.join(100)
    assert not any(thread.name.startswith("worker") for thread in threading.enumerate())
    return shift


def arguments_of(stage: Functions) -> list[list[list[tuple[Any, ...]]]]:
    """Return, sorted, what each thread called in each instance."""
    return sorted(
        [[record.step.arguments for record in own] for own in records] for records in stage.judged
    )


@pytest.mark.parametrize("number", range(3))
def test_plan_follows_from_seed(number: int) -> None:
    """The same seed and number give the same plan; another seed gives another somewhere."""
    plans = [ShiftPlan.drawn(5, number + more, 2, None) for more in range(30)]
    others = [ShiftPlan.drawn(6, number + more, 2, None) for more in range(30)]

    assert plans == [ShiftPlan.drawn(5, number + more, 2, None) for more in range(30)]
    assert [replace(plan, seed="") for plan in plans] != [replace(plan, seed="") for plan in others]


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_plans_crowd_and_pin_part_of_the_time(cores: int) -> None:
    """Part of the plans have more threads than cores, part pin them, and none has only one."""
    plans = [ShiftPlan.drawn(1, number, cores, None) for number in range(100)]

    assert {plan.pinned for plan in plans} == {True, False}
    assert min(plan.threads for plan in plans) == max(cores, 2)
    assert max(plan.threads for plan in plans) > cores
    assert len({plan.pauses for plan in plans}) > 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_plan_has_threads_asked_for(threads: int) -> None:
    """Where the number of threads is given, every shift has it."""
    assert {ShiftPlan.drawn(1, number, 2, threads).threads for number in range(50)} == {threads}


def test_shift_runs_same_programs_from_same_seed() -> None:
    """The same seed gives the same steps in every instance, another seed gives others."""
    first, again, other = Functions(), Functions(), Functions()
    shift_of(first)
    shift_of(again)
    shift_of(other, replace(PLAN, seed="8/0"))

    assert arguments_of(first) == arguments_of(again)
    assert arguments_of(first) != arguments_of(other)


def test_registrar_draws_same_programs_from_same_seed() -> None:
    """A stage and its instances follow from their randoms alone; other randoms give others."""

    def drawn(seed: int) -> list[Any]:
        stage = RegistrarThreads().stage(Random(seed), 2)
        try:
            instances = [
                stage.instance(slot, Random(f"{seed}/{slot}"), ObservedSync(native, Random(1), 0))
                for slot in range(min(5, stage.slots))
            ]
            return [
                (
                    instance.to_json(),
                    [
                        [(step.f, step.arguments, step.pause) for step in own]
                        for own in instance.steps
                    ],
                )
                for instance in instances
            ]
        finally:
            stage.close()

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_thread_takes_its_steps_in_order(threads: int, *, pinned: bool) -> None:
    """Each thread calls its own steps of every instance, once, in order, under its number."""
    plan = replace(PLAN, threads=threads, pinned=pinned)
    stage = Functions(step=lambda *_: worker.process, threads=threads)
    shift = shift_of(stage, plan)

    assert shift.errors == []
    assert len(stage.judged) == plan.strides * stage.slots
    for records in stage.judged:
        assert [[record.result for record in own] for own in records] == [
            [me] * 3 for me in range(threads)
        ]
        for own in records:
            instants = [instant for record in own for instant in (record.start, record.end)]
            assert instants == sorted(instants)


def test_census_counts_what_ran() -> None:
    """Instances, calls, and what the judgements count and doubt, are summed over the threads."""
    census = shift_of(Functions()).census

    assert (census.instances, census.calls, census.violations) == (8, 72, 0)
    assert census.counts == {"judged": 8}
    assert census.unknown == {"odd": 4}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs CPU affinity")
def test_pinned_shift_leaves_others_unpinned() -> None:
    """Only the threads of a shift are kept on a core, not whoever starts it."""
    before = os.sched_getaffinity(0)
    cores = set[int]()
    stage = Functions(step=lambda *_: cores.add(len(os.sched_getaffinity(0))))
    shift_of(stage, replace(PLAN, pinned=True))

    assert cores == {1}
    assert os.sched_getaffinity(0) == before


def test_exception_of_step_is_a_result() -> None:
    """What a call raises is recorded like a return, without a proof, and ends nothing."""

    def raising(*_: Any) -> None:
        raise LookupError("no such thing")

    stage = Functions(step=raising)
    shift = shift_of(stage)
    results = [record for records in stage.judged for own in records for record in own]

    assert shift.errors == []
    assert len(results) == 72
    assert {type(record.result) for record in results} == {LookupError}


def raising_at(slot: int, error: BaseException) -> Callable[..., None]:
    """Return a function that raises `error` when it is called about instance `slot`."""

    def function(which: int, *_: Any) -> None:
        if which == slot:
            raise error

    return function


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1), MemoryError()])
@pytest.mark.parametrize("place", ["preparing", "judging"])
def test_error_of_model_ends_shift(place: str, error: BaseException) -> None:
    """A model that raises while it prepares or judges ends all threads, and its error is kept."""
    functions: dict[str, Any] = {place: raising_at(2, error)}
    shift = shift_of(Functions(**functions))

    assert shift.errors == [error]


def test_exit_in_step_ends_shift() -> None:
    """A call that raises no Exception, such as SystemExit, ends all threads and is kept."""
    error = SystemExit(1)
    shift = shift_of(Functions(step=raising_at(2, error)))

    assert shift.errors
    assert set(shift.errors) == {error}


def test_finding_ends_shift_after_its_stride() -> None:
    """A violation is kept with where it comes from, and no further stride is run."""
    stage = Functions(judging=lambda slot: "bad" if slot == 2 else None)
    shift = shift_of(stage)
    (finding,) = shift.findings

    assert (finding.seed, finding.parameters) == ("7/0/0/2", {"slot": 2})
    assert finding.judgement.violations == [Violation("X1", "bad")]
    assert (shift.census.instances, shift.census.violations) == (4, 1)


def test_join_tells_of_hanging_call() -> None:
    """While a call does not return, `join` gives up in time, and `doing` says which call it is."""
    inside, release = threading.Event(), threading.Event()

    def hang(slot: int, _: float) -> None:
        if (slot, worker.process) == (2, 1):
            inside.set()
            release.wait()

    shift = Shift(PLAN, Functions(step=hang))
    shift.start()
    try:
        assert inside.wait(100)
        assert not shift.join(0.01)
        stuck = shift.doing[1]
        assert stuck is not None
        assert (stuck.f, stuck.arguments[0]) == ("step", 2)
    finally:
        release.set()

    assert shift.join(100)
    assert shift.doing == [None] * 3
