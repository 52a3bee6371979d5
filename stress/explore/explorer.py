"""Carries out an exploration: by one process or several, up to its bounds, with news on the way.

The work of an exhaustive search is a list of beginnings of executions (`stress.explore.prefix`).
A unit of work is some of them and a slice of time; it comes back as what was found and what is
left.  What was found counts only when it has come back: if a process is killed, its unit is done
again and the counts stay exact.  What is left is also what an interrupted exploration goes on from.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random
from typing import Any, Final, Protocol

from stress.explore.exploration import Bounds, Exploration
from stress.explore.graph import Graph
from stress.explore.memory.model import MemoryModel
from stress.explore.prefix import Prefix, prefix_of, regrown
from stress.explore.search.pct import PCT
from stress.explore.search.trust import TruSt
from stress.explore.search.walk import RandomWalk

SEARCHES: Final = ("exhaustive", "random", "pct")
SLICE: Final = 0.25
"""Seconds of a unit of work."""
SHARE: Final = 64
"""Beginnings of executions in a unit of work, at most."""
SAMPLES: Final = 10_000
"""Executions that a search which samples draws, unless told otherwise."""


class Task(Protocol):
    """What is explored.  To be explored by several processes it must be picklable."""

    def program(self) -> Any:
        """Return a new `Program`."""

    def model(self) -> MemoryModel:
        """Return the memory model."""

    def guard(self, program: Any, /) -> AbstractContextManager[None]:
        """Return what surrounds an exploration, and refuses what cannot be explored."""

    def judge(self, program: Any, graph: Graph, found: Exploration, /) -> None:
        """Count an execution that cannot go on, and note what is wrong with it."""


@dataclass(frozen=True)
class Search:
    """How executions are chosen: all, or some drawn with the random numbers of `seed`."""

    name: str = "exhaustive"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.name not in SEARCHES:
            raise ValueError(
                f"there is no search {self.name!r}: take one of {', '.join(SEARCHES)}."
            )


class Interruption:
    """Whether Ctrl-C was pressed; pressed again, it is a KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice Ctrl-C inside, where that can be done: in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def notice(number: int, frame: Any) -> None:
            if self.asked and callable(before):
                before(number, frame)
            self.asked = True

        signal.signal(signal.SIGINT, notice)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class Explorer:
    """One exploration of `task`; after `run`, `left` is what it has not come to."""

    def __init__(
        self,
        task: Task,
        bounds: Bounds,
        *,
        watch: Callable[[Exploration], None] | None = None,
        left: list[Prefix] | None = None,
        found: Exploration | None = None,
    ) -> None:
        self.task = task
        self.bounds = bounds
        self.found = found or Exploration()
        self.left: list[Prefix] = left if left is not None else [Prefix.empty()]
        self._watch = watch
        self._before = self.found.seconds
        self._started = time.perf_counter()
        self._interruption = Interruption()

    def run(self, search: Search | None = None, jobs: int = 1) -> Exploration:
        """Explore until a failure, the end, a bound, or Ctrl-C."""
        search = search or Search()
        with self._interruption.noticed():
            if search.name != "exhaustive":
                self._sample(search)
            elif jobs == 1:
                self._alone()
            else:
                self._together(jobs)
        self.found.seconds = self._seconds()
        self.found.interrupted = self._interruption.asked
        return self.found

    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._started

    def _over(self) -> bool:
        """Say how things are going; return whether to stop here."""
        found, bounds = self.found, self.bounds
        found.seconds = self._seconds()
        if self._watch is not None:
            self._watch(found)
        return (
            found.failure is not None
            or self._interruption.asked
            or (bounds.executions is not None and found.executions >= bounds.executions)
            or (bounds.seconds is not None and found.seconds >= bounds.seconds)
        )

    def _alone(self) -> None:
        """Explore in this process."""
        program, model = self.task.program(), self.task.model()
        search = TruSt(program, model)
        if self.left != [Prefix.empty()]:
            search.stack = [regrown(program, model, prefix) for prefix in self.left]
        noted = time.perf_counter()
        with self.task.guard(program):
            for graph in search.complete():
                self.task.judge(program, graph, self.found)
                now = time.perf_counter()
                if (
                    self.found.failure is not None
                    or self.found.executions == self.bounds.executions
                    or now - noted > 0.1  # noqa: PLR2004  (often enough for whoever watches)
                ):
                    noted = now
                    if self._over():
                        break
        self.found.finished = not search.stack
        self.left = [prefix_of(graph) for graph in search.stack]

    def _sample(self, search: Search) -> None:
        program, model = self.task.program(), self.task.model()
        kind = {"random": RandomWalk, "pct": PCT}[search.name]
        count = self.bounds.executions or SAMPLES
        drawn = kind(program, model, Random(search.seed), count)
        with self.task.guard(program):
            for graph in drawn.complete():
                self.task.judge(program, graph, self.found)
                count -= 1
                if self._over():
                    break
        self.found.finished = count == 0
        self.left = []

    def _together(self, jobs: int) -> None:
        """Explore in `jobs` processes, and replace those that are killed."""
        found, self.left = unit_done(self.task, self.left, self.bounds, SLICE)
        self.found.merge(found)  # that may be all there is
        running: dict[Future[Any], list[Prefix]] = {}
        pool = _new_pool(jobs)
        try:
            while (self.left or running) and not self._over():
                whole = self._submit(pool, running, jobs)
                if whole:
                    done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                    alive = [self._take(future, running.pop(future)) for future in done]
                    whole = all(alive)
                if not whole:
                    pool.shutdown(wait=False)
                    pool = _new_pool(jobs)
                    self.left += [prefix for unit in running.values() for prefix in unit]
                    running.clear()
        finally:
            self.left += [prefix for unit in running.values() for prefix in unit]
            pool.shutdown(cancel_futures=True)
        self.found.finished = not self.left

    def _submit(
        self, pool: ProcessPoolExecutor, running: dict[Future[Any], list[Prefix]], jobs: int
    ) -> bool:
        """Give every process that has none a unit of work: of the oldest, which lead to most.

        Return whether all processes are alive.
        """
        share = max(1, min(SHARE, len(self.left) // jobs))
        while self.left and len(running) < jobs:
            unit = self.left[:share]
            try:
                future = pool.submit(unit_done, self.task, unit, self.bounds, SLICE)
            except BrokenProcessPool:
                return False
            running[future] = unit
            del self.left[:share]
        return True

    def _take(self, done: Future[Any], unit: list[Prefix]) -> bool:
        """Count what a unit came to; return whether its process is alive."""
        try:
            found, left = done.result()
        except BrokenProcessPool:
            self.left += unit
            return False
        self.found.merge(found)
        self.left += left
        return True


def _new_pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs,
        mp_context=get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )


def unit_done(
    task: Task, unit: list[Prefix], bounds: Bounds, seconds: float
) -> tuple[Exploration, list[Prefix]]:
    """Explore from the beginnings in `unit` for so long; return what is left of it, too."""
    deadline = time.perf_counter() + seconds
    program, model = task.program(), task.model()
    search = TruSt(program, model)
    if unit != [Prefix.empty()]:
        search.stack = [regrown(program, model, prefix) for prefix in unit]
    found = Exploration()
    with task.guard(program):
        for graph in search.complete():
            task.judge(program, graph, found)
            if (
                found.failure is not None
                or time.perf_counter() > deadline
                or found.executions == bounds.executions
            ):
                break
    if found.failure is not None:
        found.failure.graph = None  # it means nothing to another machine
    return found, [prefix_of(graph) for graph in search.stack]
