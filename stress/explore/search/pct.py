"""PCT: few preemptions, at random places, find most bugs that few ordering constraints make.

Burckhardt, Kothari, Musuvathi and Nagarakatti, "A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs" (ASPLOS 2010): every thread has a random priority, the highest that can
go on does, and at `depth` - 1 random steps the running thread's priority drops below all others.
For weak memory we follow the idea of Gao, Chakraborty and Ozkan, "Probabilistic Concurrency Testing
for Weak Memory Programs" (ASPLOS 2023): a read reads the latest write it may, but at as many random
steps any.
"""

from random import Random

from stress.explore.graph import Event, Graph
from stress.explore.growth import Program
from stress.explore.memory.model import MemoryModel
from stress.explore.search.walk import RandomWalk

LENGTH = 32
"""Steps the first execution is taken to have; later ones as many as the longest so far."""


class PCT(RandomWalk):
    """Draws executions that take bugs of depth `depth` (at least 1) to be found."""

    def __init__(
        self,
        program: Program,
        model: MemoryModel,
        random: Random,
        executions: int,
        depth: int = 3,
    ) -> None:
        super().__init__(program, model, random, executions)
        self._depth = depth
        self._length = LENGTH
        self._taken = 0
        self._priorities: dict[int, float] = {}
        self._changes: set[int] = set()
        self._old_reads: set[int] = set()

    def _begin(self) -> None:
        self._length = max(self._length, self._taken)
        self._taken = 0
        self._priorities.clear()
        self._changes, self._old_reads = (
            {self._random.randrange(1, self._length) for _ in range(self._depth - 1)}
            for _ in range(2)
        )

    def _thread(self, graph: Graph, able: list[int]) -> int:  # noqa: ARG002
        self._taken += 1
        for thread in able:
            if thread not in self._priorities:
                self._priorities[thread] = 1 + self._random.random()
        thread = max(able, key=self._priorities.__getitem__)
        if self._taken in self._changes:
            self._priorities[thread] = -self._taken
            thread = max(able, key=self._priorities.__getitem__)
        return thread

    def _write_to_read(self, writes: list[Event]) -> Event:
        if self._taken in self._old_reads:
            return super()._write_to_read(writes)
        return writes[-1]
