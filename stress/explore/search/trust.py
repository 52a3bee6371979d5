"""TruSt: every consistent execution, each exactly once.

Kokologiannakis, Marmanis, Gladstein and Vafeiadis, "Truly Stateless, Optimal Dynamic Partial Order
Reduction" (POPL 2022), Algorithm 1, over re-execution.  A graph grows by the step of one thread at
a time, chosen by a rule that looks at the graph alone.  A read branches over the writes it may
read, a write over its places in modification order.  A new write also *revisits*: it lets an
older read, which could not know of it, read it after all.  What was added after that read and is
not needed by the write is deleted, and deleted only if it was added *maximally*, as the search
itself would add it again; so no two ways lead to one graph.

Where we differ:

- A lock is taken only when it is free, so nobody waits in vain.  Its order of acquisition is part
  of the graph: an acquisition branches by taking the place of an earlier one, as a write would
  revisit a read; the thread of the earlier one stands before the lock again.  The new acquisition
  is then *fixed*: deleting it would undo the revisit.  A thread that waits for a lock when nobody
  can go on branches so, too.
- A weak compare-exchange that may fail spuriously, and every other choice no memory model decides,
  is a branch; its first alternative is the maximal one.

Memory is linear in the length of an execution: what is to be done is a stack of graphs that share
their events.
"""

from collections.abc import Iterator

from stress.explore.graph import INITIAL, READS, WRITES, Event, Graph
from stress.explore.growth import Growth, Program
from stress.explore.memory.model import MemoryModel
from stress.explore.steps import Kind, Step


class TruSt:
    """Visits every consistent execution of `program` under `model`."""

    def __init__(self, program: Program, model: MemoryModel) -> None:
        self.growth = Growth(program, model)
        self._program = program
        self._model = model
        self.restore = program.restore
        beginning = program.beginning()
        self._firsts = beginning.pending[:]
        self.stack = [beginning]

    def complete(self) -> Iterator[Graph]:
        """Yield every execution that cannot go on, complete or not; `stack` is what is left."""
        stack, restore, runnable = self.stack, self.restore, self.growth.runnable
        while stack:
            graph = stack.pop()
            restore(graph)
            while (thread := runnable(graph)) >= 0:
                if not self.advance(graph, thread):
                    break
            else:
                self._stand_still(graph)
                yield graph

    def advance(self, graph: Graph, thread: int) -> bool:
        """Carry out the step of `thread` in one way; put every other way on the stack.

        Return whether `graph` is an execution still.
        """
        step = graph.pending[thread]
        assert step is not None
        kind = step.kind
        if kind <= Kind.COMPARE_EXCHANGE and kind is not Kind.STORE:
            event = self._read(graph, thread, step)
            if event.kind is not Kind.LOAD:
                return True  # its write comes first
        elif kind in WRITES:
            written = self._write(graph, thread, step)
            if written is None:
                return False
            event = written
        elif kind is Kind.LOCK:
            event = self._lock(graph, thread, step)
        elif kind is Kind.CHOOSE:
            event = self._choose(graph, thread, step)
        else:
            event = self._other(graph, thread, step)
        self._resume(graph, event)
        return True

    def _resume(self, graph: Graph, event: Event) -> None:
        event.after = self._program.resume(graph, event)
        graph.pending[event.thread] = event.after

    # Reads

    def _read(self, graph: Graph, thread: int, step: Step) -> Event:
        writes = graph.writes[step.location]
        floor = self._model.floor(graph, thread, step)
        for place in range(floor, len(writes)):
            for event in self._ways_to_read(graph, thread, step, writes[place]):
                if place == len(writes) - 1 and not event.fixed:
                    live = event  # to read the latest is always consistent
                else:
                    other = graph.copy()
                    self.growth.add_read(other, event)
                    if self._model.consistent(other):
                        self.stack.append(other)
        self.growth.add_read(graph, live)
        return live

    def _ways_to_read(self, graph: Graph, thread: int, step: Step, write: Event) -> list[Event]:
        event = self.growth.read(graph, thread, step, write)
        if step.weak and event.kind is not Kind.LOAD:
            return [event, self.growth.read(graph, thread, step, write, fail=True)]
        return [event]

    # Writes

    def _write(self, graph: Graph, thread: int, step: Step) -> Event | None:
        """Add a write in its last place; None if it has none."""
        event = self.growth.write(graph, thread, step)
        for read, kept in self._revisited(graph, event):
            self._revisit(graph, event, read, kept)
        places = self.growth.places(graph, event)
        for place in places[:-1]:
            other = graph.copy()
            self.growth.add_write(other, event, place)
            if self._model.consistent(other):
                self.stack.append(other)
        if not places:
            return None
        self.growth.add_write(graph, event, places[-1])
        return event if self._model.consistent(graph) else None

    def _revisited(self, graph: Graph, new: Event) -> Iterator[tuple[Event, int]]:
        """Yield each older read or acquisition that `new` may revisit, with the events then kept.

        Every event after it is before `new`, and so kept, or was added maximally.
        """
        needed = new.porf
        kind = Kind.LOCK if new.kind is Kind.LOCK else None
        older = graph.present
        for event in reversed(graph.order):
            older ^= event.bit
            if event.bit & needed:
                continue
            if not self._maximal(graph, event, older | needed):
                return
            if event.location == new.location and (
                event.kind is kind if kind else event.kind in READS
            ):
                yield event, older | needed & graph.present

    @staticmethod
    def _maximal(graph: Graph, event: Event, previous: int) -> bool:
        """Return whether the search would add `event` again as it is, after the set `previous`."""
        if event.fixed:
            return False
        if event.kind in READS:
            source = event.rf
            assert source is not None
            return source.bit & (previous | INITIAL) != 0 and _latest(graph, source, previous)
        if event.kind in WRITES:
            return _latest(graph, event, previous) and not any(
                read.rf is event and read.bit & previous for read in graph.reads[event.location]
            )
        return True

    def _revisit(self, graph: Graph, new: Event, read: Event, kept: int) -> None:
        """Let `read` read `new`, in the graph of `kept`, with `new` in every place it may take."""
        assert read.step is not None
        smaller = graph.restricted(kept, self._firsts)
        age = graph.order.index(read)
        for place in self.growth.places(smaller, new):
            other = smaller.copy()
            self.growth.add_write(other, new, place)
            if self._model.floor(other, read.thread, read.step) > place:
                continue
            for event in self._ways_to_read(other, read.thread, read.step, new):
                again = other.copy()
                self.growth.add_read(again, event)
                again.order = (*other.order[:age], event, *other.order[age:])
                if self._model.consistent(again):
                    self.stack.append(again)

    # Everything else

    def _lock(self, graph: Graph, thread: int, step: Step) -> Event:
        """Take the lock last; in other executions, take it before those who may come later."""
        self._take_earlier(graph, thread, step)
        event = self.growth.lock(graph, thread, step)
        self.growth.add_to_lock(graph, event)
        return event

    def _take_earlier(self, graph: Graph, thread: int, step: Step) -> None:
        """In other executions, let `thread` take the place of each earlier acquisition it may."""
        event = self.growth.event(graph, thread, Kind.LOCK, step, step.order)
        for _, kept in self._revisited(graph, event):
            other = graph.restricted(kept, self._firsts)
            first = self.growth.lock(other, thread, step)
            first.fixed = True
            self.growth.add_to_lock(other, first)
            self.stack.append(other)

    def _stand_still(self, graph: Graph) -> None:
        """Where nobody can go on, let those who wait for a lock have had it earlier."""
        if graph.urgent == -1:
            for thread, step in enumerate(graph.pending):
                if step is not None and step.kind is Kind.LOCK:
                    self._take_earlier(graph, thread, step)

    def _choose(self, graph: Graph, thread: int, step: Step) -> Event:
        for choice in range(step.location - 1, -1, -1):
            event = self.growth.other(graph, thread, step)
            event.value = choice
            event.fixed = choice > 0
            if choice:
                other = graph.copy()
                self.growth.append(other, event)
                self.stack.append(other)
        self.growth.append(graph, event)
        return event

    def _other(self, graph: Graph, thread: int, step: Step) -> Event:
        if step.kind is Kind.UNLOCK:
            event = self.growth.unlock(graph, thread, step)
            self.growth.add_to_lock(graph, event)
            return event
        event = self.growth.other(graph, thread, step)
        self.growth.append(graph, event)
        return event


def _latest(graph: Graph, write: Event, previous: int) -> bool:
    """Return whether no write in the set `previous` is after `write` in modification order."""
    for other in reversed(graph.writes[write.location]):
        if other is write:
            return True
        if other.bit & previous:
            return False
    raise AssertionError(write)
