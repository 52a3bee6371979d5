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

import gc
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from registrar.sync import Sync
from stress.explore import memory as memories
from stress.explore.exploration import Bounds, Exploration, judge
from stress.explore.explorer import Explorer, Search
from stress.explore.graph import Graph
from stress.explore.guard import guarded
from stress.explore.machine import Machine, TooManyThreadsError
from stress.explore.memory.model import MemoryModel
from stress.explore.sync import SimulatedSync

type Threads = Iterable[Callable[[], object]] | Callable[[], object] | None
type Scenario = Callable[[Any], Threads | Generator[Threads]]

MOST_THREADS: Final = 64


def main_thread(scenario: Scenario, sync: Sync) -> None:
    """Run `scenario`: start its threads, wait for them, and let it judge the end."""
    result: Any = scenario(sync)
    rest = result if inspect.isgenerator(result) else None
    threads: Any = next(rest, None) if rest is not None else result
    if callable(threads):
        threads = (threads,)
    handles = [sync.spawn(thread) for thread in threads or ()]
    for handle in handles:
        handle.join()
    if rest is not None:
        for _ in rest:
            raise TypeError(
                "the scenario yielded twice.\n"
                "  It yields its threads once, all of them, and goes on when they have ended.\n"
                "  To start more, use sync.spawn()."
            )


@dataclass(frozen=True)
class ScenarioTask:
    """A scenario to explore under a memory model.

    To be explored by several processes `scenario` must be found again by its module and name.
    ``spurious`` is how often each thread may wake from a condition without being notified.
    """

    scenario: Scenario
    memory: str = "rc11"
    steps: int = Bounds.steps
    spurious: int = 0
    stride: int = 8
    release_sequence: str = "c++20"

    def program(self) -> Machine:
        """Return a machine that runs the scenario."""

        def main() -> None:
            main_thread(self.scenario, sync)

        machine = Machine(main, stride=self.stride, bound=self.steps)
        sync = SimulatedSync(machine, spurious=self.spurious)
        return machine

    def model(self) -> MemoryModel:
        """Return the memory model."""
        return memories.by_name(self.memory, self.release_sequence)

    @staticmethod
    @contextmanager
    def guard(machine: Machine) -> Iterator[None]:
        """Refuse time, random numbers, real threads and locks; unwind all threads at the end."""
        with ScenarioTask.kept(machine), guarded(lambda: machine.steps):
            try:
                yield
            finally:
                machine.abandon()

    @staticmethod
    @contextmanager
    def kept(machine: Machine) -> Iterator[None]:
        """Collect no garbage meanwhile (see `machine.GARBAGE`); unwind all threads at the end."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            machine.abandon()
            machine.release()
            if collecting:
                gc.enable()

    def judge(self, machine: Machine, graph: Graph, found: Exploration) -> None:
        """Count an execution, and note what is wrong with it."""
        judge(machine, graph, found)


def explored(  # noqa: PLR0913  (one parameter an option)
    scenario: Scenario,
    *,
    memory: str = "rc11",
    bounds: Bounds | None = None,
    spurious: int = 0,
    search: Search | None = None,
    jobs: int = 1,
) -> Exploration:
    """Explore `scenario` until a failure, the end, or a bound."""
    bounds = bounds or Bounds()
    task = ScenarioTask(scenario, memory, bounds.steps, spurious)
    while True:
        try:
            return Explorer(task, bounds).run(search, jobs)
        except TooManyThreadsError:
            if task.stride >= MOST_THREADS:
                raise
            task = replace(task, stride=task.stride * 2)
