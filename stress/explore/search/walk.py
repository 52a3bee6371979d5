"""Random walks: executions drawn one by one, for programs too large to visit all.

At every step a thread is drawn, a read draws the write it reads, a write its place in modification
order, all evenly among what the memory model permits.  Every execution can be drawn; how often
each is says nothing.  The same random numbers draw the same executions.
"""

from collections.abc import Iterator
from random import Random

from stress.explore.graph import WRITES, Event, Graph
from stress.explore.growth import Growth, Program
from stress.explore.memory.model import MemoryModel
from stress.explore.steps import Kind, Step


class RandomWalk:
    """Draws `executions` executions of `program` under `model`."""

    def __init__(
        self, program: Program, model: MemoryModel, random: Random, executions: int
    ) -> None:
        self._program = program
        self._model = model
        self._growth = Growth(program, model)
        self._random = random
        self._executions = executions

    def complete(self) -> Iterator[Graph]:
        """Yield executions that cannot go on, complete or not."""
        for _ in range(self._executions):
            graph = self._program.beginning()
            self._begin()
            while (thread := self._next(graph)) >= 0:
                self._advance(graph, thread)
            yield graph

    def _begin(self) -> None:
        """Prepare for an execution."""

    def _next(self, graph: Graph) -> int:
        """Return the thread whose turn it is, or -1 if none can go on."""
        first = self._growth.runnable(graph)
        if first < 0 or graph.urgent >= 0:
            return first
        able = [at for at in range(len(graph.pending)) if self._growth.enabled(graph, at)]
        eager = [at for at in able if not self._growth.awaits(graph, at)]
        return self._thread(graph, eager or able)

    def _thread(self, graph: Graph, able: list[int]) -> int:  # noqa: ARG002  (PCT looks at it)
        return self._random.choice(able)

    def _write_to_read(self, writes: list[Event]) -> Event:
        return self._random.choice(writes)

    def _advance(self, graph: Graph, thread: int) -> None:
        step = graph.pending[thread]
        assert step is not None
        growth = self._growth
        if step.kind <= Kind.COMPARE_EXCHANGE and step.kind is not Kind.STORE:
            event = self._read(graph, thread, step)
            if event.kind is not Kind.LOAD:
                return  # its write comes first
        elif step.kind in WRITES:
            event = self._write(graph, thread, step)
        elif step.kind in (Kind.LOCK, Kind.UNLOCK):
            event = (growth.lock if step.kind is Kind.LOCK else growth.unlock)(graph, thread, step)
            growth.add_to_lock(graph, event)
        else:
            event = growth.other(graph, thread, step)
            if step.kind is Kind.CHOOSE:
                event.value = self._random.randrange(step.location)
            growth.append(graph, event)
        event.after = self._program.resume(graph, event)
        graph.pending[thread] = event.after

    def _read(self, graph: Graph, thread: int, step: Step) -> Event:
        fail = step.weak and self._random.random() < 0.5  # noqa: PLR2004
        writes = graph.writes[step.location]
        floor = self._model.floor(graph, thread, step)
        events = [
            event
            for place in range(floor, len(writes))
            for event in [self._growth.read(graph, thread, step, writes[place], fail=fail)]
            if event.kind is Kind.LOAD
            or place == len(writes) - 1
            or writes[place + 1].kind is not Kind.MODIFY
        ]
        by_write = {event.rf.bit: event for event in events if event.rf is not None}
        found = None
        while found is None:
            write = self._write_to_read([event.rf for event in events if event.rf is not None])
            event = by_write[write.bit]
            other = graph.copy()
            self._growth.add_read(other, event)
            if self._model.consistent(other):
                found = event
            else:
                events.remove(event)
        self._growth.add_read(graph, found)
        return found

    def _write(self, graph: Graph, thread: int, step: Step) -> Event:
        event = self._growth.write(graph, thread, step)
        places = list(self._growth.places(graph, event))
        while True:
            place = self._random.choice(places)
            other = graph.copy()
            self._growth.add_write(other, event, place)
            if self._model.consistent(other):
                break
            places.remove(place)
        self._growth.add_write(graph, event, place)
        return event
