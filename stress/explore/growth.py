"""How an execution grows by one step, under any memory model and for any search.

`Growth` knows which threads can go on and what each way of carrying out their next step adds to
the graph: every write a read may read, every place a write may take.  It never looks back; to
change what is already there is the business of `stress.explore.search.trust`.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from stress.explore.graph import INITIAL, READS, Event, Graph
from stress.explore.memory.model import SEQ_CST, MemoryModel
from stress.explore.steps import ACQUIRES, PLAIN, RELEASES, Kind, Step

HELD: Final = Kind.LOCK
"""What the last event of a lock is while somebody holds it."""
HALTED: Final = -2
"""`Graph.urgent` of an execution in which a thread found a fault: nothing is added to it."""
ENDED: Final = (Kind.STUCK, Kind.FAIL, Kind.BOUND)
"""Steps that no thread comes back from."""


class Program(Protocol):
    """What is explored: threads that stand at steps and go on when told what a step did."""

    stride: int
    """How many threads there can be."""
    plain: list[bool]
    """For each location, whether it may be accessed non-atomically."""
    halts_on_race: bool
    """Whether an execution ends where two accesses race."""

    def beginning(self) -> Graph:
        """Return the graph without events: its locations, and the threads at their first steps."""

    @property
    def turns(self) -> Sequence[int]:
        """The threads in the order in which they go on: the same in every process that explores."""

    @property
    def names(self) -> Sequence[str]:
        """What the threads are called."""

    def described(self, step: Step | None) -> str:
        """Return `step` in words."""

    def restore(self, graph: Graph) -> None:
        """Bring every thread to where `graph` leaves it."""

    def resume(self, graph: Graph, event: Event) -> Step | None:
        """Let the thread of `event`, its newest, go on to its next step; None when it has ended."""


class Growth:
    """The ways in which graphs of `program` grow under `model`."""

    def __init__(self, program: Program, model: MemoryModel) -> None:
        self.program = program
        self.model = model
        self._stride = program.stride

    # Who can go on

    def runnable(self, graph: Graph) -> int:
        """Return the thread whose turn it is, or -1 if none can go on.

        It depends on the graph alone: the first thread that can, but those in an await loop that
        has nothing new to read come last.
        """
        if graph.urgent != -1:
            return graph.urgent
        if graph.races and self.program.halts_on_race:
            return HALTED
        waiting = -1
        pending = graph.pending
        known = len(pending)
        for thread in self.program.turns:
            step = pending[thread] if thread < known else None
            if step is not None and (step.kind < Kind.LOCK or self.enabled(graph, thread)):
                if not self.awaits(graph, thread):
                    return thread
                if waiting < 0:
                    waiting = thread
        return waiting

    def enabled(self, graph: Graph, thread: int) -> bool:
        """Return whether the pending step of `thread` can be carried out now."""
        step = graph.pending[thread]
        if step is None or step.kind in ENDED:
            return False
        if step.kind is Kind.LOCK:
            return graph.writes[step.location][-1].kind is not HELD
        if step.kind is Kind.JOIN:
            events = graph.threads[step.location]
            return bool(events) and events[-1].kind is Kind.END
        if step.kind is Kind.WAIT:
            return self.notification(graph, thread, step) is not None
        return True

    @staticmethod
    def awaits(graph: Graph, thread: int) -> bool:
        """Return whether `thread` has paused and nothing it read has been overwritten since."""
        events = graph.threads[thread]
        if not events or events[-1].kind is not Kind.PAUSE:
            return False
        for event in reversed(events[:-1]):
            if event.kind is Kind.PAUSE:
                break
            if event.kind in READS:
                latest = graph.writes[event.location][-1]
                if latest is not event.rf and latest.thread != thread:
                    return False
        return True

    @staticmethod
    def notification(graph: Graph, thread: int, step: Step) -> Event | None:
        """Return the choice that notified the wait `step.value` of `thread`, if there is one."""
        for event in graph.order:
            if event.kind is Kind.CHOOSE:
                assert event.step is not None
                if (thread, step.value) in event.step.expected[event.value]:
                    return event
        return None

    # What a step adds

    def event(  # noqa: PLR0913, PLR0917  (what an event is made of)
        self, graph: Graph, thread: int, kind: Kind, step: Step, order: int, value: Any = None
    ) -> Event:
        """Return a new last event of `thread` that comes after its last one alone."""
        events = graph.threads[thread]
        index = len(events)
        bit = 2 << (thread + index * self._stride)
        if events:
            last = events[-1]
            hb, porf, loads, fence = last.hb | bit, last.porf | bit, last.loads, last.fence
        elif (spawn := graph.born[thread]) is not None:
            hb, porf, loads, fence = spawn.hb | bit, spawn.porf | bit, 0, 0
        else:
            hb, porf, loads, fence = bit, bit, 0, 0
        return Event(
            kind,
            thread,
            index,
            bit,
            step,
            step.location,
            order,
            value,
            None,
            hb,
            porf,
            loads,
            fence,
        )

    def append(self, graph: Graph, event: Event) -> None:
        """Put `event` last in its thread; of reads and writes, see `add_read`, `add_write`."""
        graph.threads[event.thread] += (event,)
        graph.order += (event,)
        graph.present |= event.bit
        graph.pending[event.thread] = event.after
        if event.order == SEQ_CST:
            graph.seq_cst |= event.bit

    def read(
        self, graph: Graph, thread: int, step: Step, write: Event, *, fail: bool = False
    ) -> Event:
        """Return the event of `step` reading `write`; `fail`: a weak one fails spuriously.

        A read-modify-write that succeeds is only half carried out: its write is the next step.
        """
        kind, order, value = step.kind, step.order, write.value
        after = None
        if kind is Kind.UPDATE:
            after = Step(Kind.MODIFY, step.location, order=order, value=step.update(value))  # type: ignore[misc]
        elif kind is Kind.COMPARE_EXCHANGE:
            if value == step.expected and not fail:
                after = Step(Kind.MODIFY, step.location, order=order, value=step.value)
            else:
                kind, order = Kind.LOAD, step.failure
        order = self.model.order(order)
        event = self.event(graph, thread, kind, step, order, value)
        event.rf = write
        event.porf |= write.porf
        if order != PLAIN:
            event.loads |= write.sync
            if order != 0 and order != 3:  # noqa: PLR1714, PLR2004  (the hottest comparison)
                event.hb |= write.sync
        event.fixed = fail
        if after is not None:
            event.after = after
        return event

    def add_read(self, graph: Graph, event: Event) -> None:
        """Put a read last in its thread."""
        self.append(graph, event)
        graph.reads[event.location] += (event,)
        if event.kind is not Kind.LOAD:
            graph.urgent = event.thread
        if self.program.plain[event.location]:
            self._find_races(graph, event, graph.writes[event.location])

    def write(self, graph: Graph, thread: int, step: Step) -> Event:
        """Return the event of `step` writing; where it stands in modification order is open."""
        if step.kind is Kind.CREATE:
            while len(graph.writes) <= step.location:
                graph.writes.append(())
                graph.reads.append(())
        order = self.model.order(step.order)
        event = self.event(graph, thread, step.kind, step, order, step.value)
        source = graph.threads[thread][-1].rf if step.kind is Kind.MODIFY else None
        event.sync = self.model.sync_of_write(graph, event, source)
        return event

    def places(self, graph: Graph, event: Event) -> Sequence[int]:
        """Return the places in modification order where the new write `event` may stand."""
        if event.kind is Kind.CREATE:
            return (0,)
        writes = graph.writes[event.location]
        if event.kind is Kind.MODIFY:
            source = graph.threads[event.thread][event.index - 1].rf
            place = next(at for at in range(len(writes)) if writes[at] is source) + 1
            return () if place < len(writes) and writes[place].kind is Kind.MODIFY else (place,)
        assert event.step is not None
        floor = self.model.floor(graph, event.thread, event.step)
        return [
            place
            for place in range(floor + 1, len(writes) + 1)
            if place == len(writes) or writes[place].kind is not Kind.MODIFY
        ]

    def add_write(self, graph: Graph, event: Event, place: int) -> None:
        """Put a write last in its thread and at `place` in modification order."""
        self.append(graph, event)
        writes = graph.writes[event.location]
        graph.writes[event.location] = (*writes[:place], event, *writes[place:])
        graph.urgent = -1
        if self.program.plain[event.location]:
            self._find_races(graph, event, writes)
            self._find_races(graph, event, graph.reads[event.location])

    @staticmethod
    def _find_races(graph: Graph, event: Event, others: Sequence[Event]) -> None:
        """Note the accesses in `others` that nothing orders before `event`, one of them plain."""
        for other in others:
            if (
                not other.bit & (event.hb | INITIAL)
                and other.thread != event.thread
                and PLAIN in (event.order, other.order)
            ):
                graph.races += (event.bit | other.bit,)

    def other(self, graph: Graph, thread: int, step: Step) -> Event:
        """Return the event of a step that touches no location."""
        order = self.model.order(step.order)
        event = self.event(graph, thread, step.kind, step, order)
        if step.kind is Kind.FENCE:
            if order in ACQUIRES:
                event.hb |= event.loads
            if order in RELEASES:
                event.fence = event.hb
        elif step.kind is Kind.SPAWN:
            while len(graph.threads) <= step.location:
                graph.add_thread(None, None)
            graph.born[step.location] = event
        elif step.kind is Kind.JOIN:
            self._follow(event, graph.threads[step.location][-1])
        elif step.kind is Kind.WAIT:
            choice = self.notification(graph, thread, step)
            assert choice is not None
            self._follow(event, choice)
        return event

    def lock(self, graph: Graph, thread: int, step: Step) -> Event:
        """Return the event of taking a lock from whoever had it last."""
        event = self.event(graph, thread, Kind.LOCK, step, PLAIN)
        self._follow(event, graph.writes[step.location][-1])
        return event

    def unlock(self, graph: Graph, thread: int, step: Step) -> Event:
        """Return the event of giving up a lock."""
        return self.event(graph, thread, Kind.UNLOCK, step, PLAIN)

    def add_to_lock(self, graph: Graph, event: Event) -> None:
        """Put an acquisition or a release last in its thread and in the order of its lock."""
        self.append(graph, event)
        graph.writes[event.location] += (event,)

    @staticmethod
    def _follow(event: Event, source: Event) -> None:
        """Let `event` synchronise with `source`, which must come before it."""
        event.rf = source
        event.hb |= source.hb
        event.porf |= source.porf
