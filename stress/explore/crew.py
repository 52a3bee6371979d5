"""Other processes that share the work of an exploration; those that are killed are replaced.

A unit of work is some beginnings of executions (`stress.explore.prefix`) and a slice of time; it
comes back as what was found and what is left.  What was found counts only when it has come back:
if a process is killed, its unit comes back undone, and the counts stay exact.
"""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Final

from stress.explore.exploration import Bounds, Exploration
from stress.explore.frontier import Frontier
from stress.explore.prefix import Prefix
from stress.explore.task import Task

type Done = tuple[Exploration, list[Prefix]]
"""What a unit of work came to, and what is left of it."""

AHEAD: Final = 2
"""Units that a process has at a time: one that it does, and others that wait."""


class Crew:
    """`size` processes that explore `task`."""

    def __init__(self, task: Task, bounds: Bounds, size: int) -> None:
        self._task = task
        self._bounds = bounds
        self._size = size
        self._running: dict[Future[Done], list[Prefix]] = {}
        self._undone: list[Prefix] = []
        self._begin()

    def _begin(self) -> None:
        self._pool = ProcessPoolExecutor(
            self._size,
            mp_context=get_context("spawn"),
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),
        )
        self._starting = [self._pool.submit(int) for _ in range(self._size)]

    @property
    def busy(self) -> bool:
        """Whether work is being done, or has to be done again."""
        return bool(self._running or self._undone)

    @property
    def wanting(self) -> bool:
        """Whether the processes have started, and have not work enough."""
        return len(self._running) < AHEAD * self._size and all(
            future.done() for future in self._starting
        )

    def give(self, unit: list[Prefix], seconds: float) -> None:
        """Have a process do `unit`, for so long."""
        try:
            future = self._pool.submit(unit_done, self._task, unit, self._bounds, seconds)
        except BrokenProcessPool:
            self._undone += unit
            self._replace()
        else:
            self._running[future] = unit

    def done(self, *, patiently: bool) -> Iterator[Done]:
        """Yield what has been done; `patiently`: wait for some first."""
        if patiently and self._running and not self._undone:
            wait(self._running, timeout=1, return_when=FIRST_COMPLETED)
        for future in [future for future in self._running if future.done()]:
            unit = self._running.pop(future, None)
            if unit is None:
                continue  # its process was replaced meanwhile
            try:
                yield future.result()
            except BrokenProcessPool:
                self._undone += unit
                self._replace()
        undone, self._undone = self._undone, []
        if undone:
            yield Exploration(), undone

    def _replace(self) -> None:
        """Start new processes, and take back the work of the old ones."""
        self._pool.shutdown(wait=False)
        self._undone += [prefix for unit in self._running.values() for prefix in unit]
        self._running.clear()
        self._begin()

    def end(self) -> list[Prefix]:
        """End the processes, and return the work that was not done."""
        self._pool.shutdown(wait=bool(self._running), cancel_futures=True)
        return self._undone + [prefix for unit in self._running.values() for prefix in unit]


def unit_done(task: Task, unit: list[Prefix], bounds: Bounds, seconds: float) -> Done:
    """Explore from the beginnings in `unit` for so long; return what is left of it, too."""
    deadline = time.perf_counter() + seconds
    program = task.program()
    found = Exploration()
    with task.guard(program):
        frontier = Frontier(program, task.model(), unit)
        for graph in frontier.complete():
            task.judge(program, graph, found)
            if (
                found.failure is not None
                or time.perf_counter() > deadline
                or found.visited == bounds.executions
            ):
                break
        left = frontier.left()
    if found.failure is not None:
        found.failure.graph = None  # it means nothing to another machine
    return found, left
