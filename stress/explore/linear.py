"""One order of the events of an execution, to be read from top to bottom.

Under a weak memory model no order explains an execution completely.  The one returned here keeps
what must be kept (every event comes after those it depends on), explains as much as it can (a
write comes after those it overwrites, and a read before the write that overwrites what it reads,
as far as this goes without a circle) and then changes threads as seldom as possible.
"""

from itertools import pairwise
from typing import Final

from stress.explore.graph import Event, Graph
from stress.explore.steps import Kind

PAIRS: Final = (Kind.UPDATE, Kind.COMPARE_EXCHANGE)
"""A read-modify-write is two events, and one step."""


def linear(graph: Graph) -> list[Event]:
    """Return all events of `graph` in such an order, the two of a read-modify-write together."""
    return _Order(graph).in_turns()


class _Order:
    """What must come before what; of a read-modify-write, the read stands for both events."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.before: dict[int, list[Event]] = {event.bit: [] for event in graph.order}
        for event in graph.order:
            if event.rf is not None and event.rf.thread >= 0:
                self._add(event.rf, event)
            if event.index == 0 and (spawn := graph.born[event.thread]) is not None:
                self._add(spawn, event)
        for writes in graph.writes:
            for earlier, later in pairwise(writes[1:]):
                self._add(earlier, later)
        for location, reads in enumerate(graph.reads):
            writes = graph.writes[location]
            following = {write.bit: after for write, after in pairwise(writes)}
            for read in reads:
                assert read.rf is not None
                if read.rf.bit in following:
                    self._add(read, following[read.rf.bit])

    def _first(self, event: Event) -> Event:
        if event.kind is Kind.MODIFY:
            return self.graph.threads[event.thread][event.index - 1]
        return event

    def _add(self, one: Event, other: Event) -> None:
        """Let `one` come before `other`, unless it has to come after it."""
        one, other = self._first(one), self._first(other)
        if one.thread == other.thread:
            return
        waiting, seen = [one], 0
        while waiting:
            event = waiting.pop()
            if event.bit & seen:
                continue
            if event.thread == other.thread and event.index >= other.index:
                return
            seen |= event.bit
            waiting += self.before[event.bit]
            if event.index:
                waiting.append(self.graph.threads[event.thread][event.index - 1])
        self.before[other.bit].append(one)

    def in_turns(self) -> list[Event]:
        """Let each thread go on as long as it can; then whichever can go on longest."""
        threads = self.graph.threads
        done = [0] * len(threads)
        found: list[Event] = []
        current = 0
        while len(found) < len(self.graph.order):
            reach = [self._reach(done, thread) for thread in range(len(threads))]
            if reach[current] == done[current]:
                current = max(range(len(threads)), key=lambda at: reach[at] - done[at])
            found += threads[current][done[current] : reach[current]]
            done[current] = reach[current]
        return found

    def _reach(self, done: list[int], thread: int) -> int:
        """Return how far `thread` can go on by itself."""
        for event in self.graph.threads[thread][done[thread] :]:
            if any(each.index >= done[each.thread] for each in self.before[event.bit]):
                return event.index
        return len(self.graph.threads[thread])
