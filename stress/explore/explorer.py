"""Carries out an exploration: by one process or several, up to its bounds, with news on the way.

The work of an exhaustive search is a list of beginnings of executions, which other processes share
(`stress.explore.crew`).  What is left of it is also what an interrupted exploration goes on from.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from stress.explore.crew import Crew, unit_done
from stress.explore.exploration import Bounds, Exploration
from stress.explore.frontier import Frontier
from stress.explore.prefix import Prefix
from stress.explore.search.pct import PCT
from stress.explore.search.walk import RandomWalk
from stress.explore.task import Task

SEARCHES: Final = ("exhaustive", "random", "pct")
FIRST: Final = 0.1
"""Seconds that one process explores alone, before others are started."""
SLICE: Final = 0.25
"""Seconds of a unit of work."""
FEW: Final = 4
"""Beginnings for each process: with fewer left, units are short, so that all have work."""
SHARE: Final = 256
"""Beginnings in a unit of work, at most."""
SAMPLES: Final = 10_000
"""Executions that a search which samples draws, unless told otherwise."""


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
        self._noticing = False

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice Ctrl-C inside, where that can be done: in the main thread."""
        if self._noticing or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def notice(number: int, frame: Any) -> None:
            if self.asked and callable(before):
                before(number, frame)
            self.asked = True

        signal.signal(signal.SIGINT, notice)
        self._noticing = True
        try:
            yield
        finally:
            self._noticing = False
            signal.signal(signal.SIGINT, before)


class Explorer:
    """One exploration of `task`; after `run`, `left` is what it has not come to."""

    def __init__(  # noqa: PLR0913  (one parameter an option)
        self,
        task: Task,
        bounds: Bounds,
        *,
        watch: Callable[[Exploration], None] | None = None,
        left: list[Prefix] | None = None,
        found: Exploration | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        self.task = task
        self.bounds = bounds
        self.found = found or Exploration()
        self.left: list[Prefix] = left if left is not None else [Prefix.empty()]
        self._watch = watch
        self._before = self.found.seconds
        self._started = time.perf_counter()
        self.interruption = interruption or Interruption()

    def run(self, search: Search | None = None, jobs: int = 1) -> Exploration:
        """Explore until a failure, the end, a bound, or Ctrl-C."""
        search = search or Search()
        with self.interruption.noticed():
            if search.name != "exhaustive":
                self._sample(search)
            elif jobs == 1:
                self._alone()
            else:
                self._together(jobs)
        self.found.seconds = self._seconds()
        self.found.interrupted = self.interruption.asked
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
            or self.interruption.asked
            or (bounds.executions is not None and found.visited >= bounds.executions)
            or (bounds.seconds is not None and found.seconds >= bounds.seconds)
        )

    def _alone(self) -> None:
        """Explore in this process."""
        program = self.task.program()
        noted = time.perf_counter()
        with self.task.guard(program):
            frontier = Frontier(program, self.task.model(), self.left)
            for graph in frontier.complete():
                self.task.judge(program, graph, self.found)
                now = time.perf_counter()
                if (
                    self.found.failure is not None
                    or self.found.visited == self.bounds.executions
                    or now - noted > 0.1  # noqa: PLR2004  (often enough for whoever watches)
                ):
                    noted = now
                    if self._over():
                        break
            self.left = frontier.left()
        self.found.finished = not self.left

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
        """Explore in `jobs` processes, this one among them."""
        work, self.left = self.left, []
        self._take(*unit_done(self.task, work, self.bounds, FIRST))  # that may be all there is
        if not self.left or self._over():
            self.found.finished = not self.left
            return
        crew = Crew(self.task, self.bounds, jobs - 1)
        try:
            while (self.left or crew.busy) and not self._over():
                seconds = SLICE if len(self.left) >= FEW * jobs else SLICE / FEW
                while self.left and crew.wanting:
                    crew.give(self._share(jobs), seconds)
                if self.left:
                    self._take(*unit_done(self.task, self._share(jobs), self.bounds, seconds))
                for found, left in crew.done(patiently=not self.left):
                    self._take(found, left)
        finally:
            self.left += crew.end()
        self.found.finished = not self.left

    def _share(self, jobs: int) -> list[Prefix]:
        """Take a unit of work: of the oldest beginnings, which lead to most."""
        share = max(1, min(SHARE, len(self.left) // jobs))
        unit, self.left = self.left[:share], self.left[share:]
        return unit

    def _take(self, found: Exploration, left: list[Prefix]) -> None:
        """Count what a unit of work came to."""
        self.found.merge(found)
        self.left += left
