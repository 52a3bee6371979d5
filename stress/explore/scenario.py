"""A scenario: a small concurrent program, written as a function of a `Sync`.

>>> from registrar.sync import RELAXED
>>> def lost_update(sync):
...     total = sync.word()
...
...     def bump():
...         total.store(total.load(RELAXED) + 1, RELAXED)
...
...     yield bump, bump
...     assert total.load(RELAXED) == 2
>>> found = explored(lost_update, memory="sc")
>>> found.verdict, found.failure.kind
(<Verdict.FAILED: 'failed'>, 'assertion')

The function makes what is shared and gives its threads: it returns a tuple of functions, or yields
one and goes on after all of them have ended, or starts threads itself with ``sync.spawn``.  It is
run once for every execution, so all it uses must be made anew inside it.
"""

import inspect
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final

from registrar.sync import Sync
from stress.explore import memory as memories
from stress.explore.graph import READS, Graph
from stress.explore.machine import Machine, TooManyThreadsError
from stress.explore.memory.model import MemoryModel
from stress.explore.search.trust import TruSt
from stress.explore.steps import Kind
from stress.explore.sync import SimulatedSync
from stress.verdict import Verdict

type Threads = Iterable[Callable[[], object]] | Callable[[], object] | None
type Scenario = Callable[[Any], Threads | Generator[Threads]]

MOST_THREADS: Final = 64


@dataclass(frozen=True)
class Bounds:
    """How far an exploration goes; what lies beyond makes the verdict UNKNOWN."""

    executions: int | None = None
    seconds: float | None = None
    steps: int = 2_000
    """Of one thread."""


@dataclass
class Failure:
    """An execution that must not be."""

    kind: str
    """assertion, exception, race, deadlock, lost wake-up or livelock."""
    message: str
    graph: Graph
    error: BaseException | None = None


@dataclass
class Exploration:
    """What an exploration found so far."""

    executions: int = 0
    blocked: int = 0
    """Executions in which an await loop kept reading what was overwritten: others stand for it."""
    cut: int = 0
    """Executions that met the bound on steps."""
    failure: Failure | None = None
    seconds: float = 0.0
    finished: bool = False
    """Whether nothing is left to explore."""

    @property
    def verdict(self) -> Verdict:
        """FAILED with a failure; OK only if every execution was explored to its end."""
        if self.failure is not None:
            return Verdict.FAILED
        return Verdict.OK if self.finished and not self.cut else Verdict.UNKNOWN


def main_thread(scenario: Scenario, sync: Sync) -> None:
    """Run `scenario`: start its threads, wait for them, and let it judge the end."""
    result: Any = scenario(sync)
    judge = result if inspect.isgenerator(result) else None
    threads: Any = next(judge, None) if judge is not None else result
    if callable(threads):
        threads = (threads,)
    handles = [sync.spawn(thread) for thread in threads or ()]
    for handle in handles:
        handle.join()
    if judge is not None:
        for _ in judge:
            raise TypeError(
                "the scenario yielded twice.\n"
                "  It yields its threads once, all of them, and goes on when they have ended.\n"
                "  To start more, use sync.spawn()."
            )


def machine_of(scenario: Scenario, *, stride: int, steps: int, spurious: int) -> Machine:
    """Return a machine that runs `scenario`."""
    machine: Machine

    def main() -> None:
        main_thread(scenario, sync)

    machine = Machine(main, stride=stride, bound=steps)
    sync = SimulatedSync(machine, spurious=spurious)
    return machine


def explored(
    scenario: Scenario,
    *,
    memory: str = "rc11",
    bounds: Bounds | None = None,
    spurious: int = 0,
) -> Exploration:
    """Explore `scenario` until a failure, the end, or a bound."""
    bounds = bounds or Bounds()
    stride = 8
    while True:
        machine = machine_of(scenario, stride=stride, steps=bounds.steps, spurious=spurious)
        try:
            return _explored(machine, memories.by_name(memory), bounds)
        except TooManyThreadsError:
            if stride >= MOST_THREADS:
                raise
            stride *= 2


def _explored(machine: Machine, model: MemoryModel, bounds: Bounds) -> Exploration:
    found = Exploration()
    started = time.perf_counter()
    search = TruSt(machine, model)
    try:
        for graph in search.complete():
            judge(machine, graph, found)
            found.seconds = time.perf_counter() - started
            if (
                found.failure
                or found.executions == bounds.executions
                or (bounds.seconds is not None and found.seconds > bounds.seconds)
            ):
                break
        found.finished = not search.stack
    finally:
        machine.abandon()
    found.seconds = time.perf_counter() - started
    return found


def judge(machine: Machine, graph: Graph, found: Exploration) -> None:
    """Count an execution that cannot go on, and say what is wrong with it."""
    steps = {thread: step for thread, step in enumerate(graph.pending) if step is not None}
    kinds = {step.kind for step in steps.values()}
    for thread, step in steps.items():
        if step.kind is Kind.FAIL:
            found.executions += 1
            kind = "assertion" if isinstance(step.value, AssertionError) else "exception"
            text = f"{machine.names[thread]}: {type(step.value).__name__}: {step.value}"
            found.failure = Failure(kind, text, graph, step.value)
            return
    if graph.races:
        found.executions += 1
        found.failure = Failure("race", "", graph)
    elif not steps:
        found.executions += 1
    elif Kind.BOUND in kinds:
        found.cut += 1
    elif any(step.kind is Kind.STUCK and misses(graph, at) for at, step in steps.items()):
        found.blocked += 1
    else:
        found.executions += 1
        found.failure = Failure(*_standstill(machine, steps), graph)


def misses(graph: Graph, thread: int) -> bool:
    """Return whether the last round of the await loop of `thread` read what was overwritten."""
    for event in reversed(graph.threads[thread]):
        if event.kind is Kind.PAUSE:
            break
        latest = graph.writes[event.location][-1] if event.kind in READS else None
        if latest is not None and latest is not event.rf and latest.thread != thread:
            return True
    return False


def _standstill(machine: Machine, steps: dict[int, Any]) -> tuple[str, str]:
    waiting = [f"{machine.names[at]} at {machine.described(step)}" for at, step in steps.items()]
    kinds = {step.kind for step in steps.values()}
    if Kind.STUCK in kinds:
        return "livelock", "an await loop never ends: " + ", ".join(waiting)
    if Kind.WAIT in kinds:
        return "lost wake-up", "a thread waits for a notification that never comes: " + ", ".join(
            waiting
        )
    return "deadlock", "every thread waits for another: " + ", ".join(waiting)
