"""What one more repetition of an execution tells: where in the source each step is, and its names.

The execution is repeated with somebody watching.  Whenever a thread takes a step, its frames say
where it stands and what the user calls the word it uses.
"""

import sys

from greenlet import getcurrent

from stress.explore.calls import Calls, HeardCall
from stress.explore.graph import READS, WRITES, Event, Graph
from stress.explore.linear import linear
from stress.explore.machine import Machine, SimulatedThread
from stress.explore.naming import Names, Place, distinct, found_in, place_of
from stress.explore.steps import ACQUIRES, PLAIN, Kind, Step


class Told:
    """An execution of `machine` with names and places; the machine stands where `graph` ends."""

    def __init__(self, machine: Machine, graph: Graph) -> None:
        self.machine = machine
        self.graph = graph
        self.places: dict[int, Place] = {}
        """Of the events, by their bits."""
        self.objects: dict[int, str] = {}
        """What a condition is called, by the bit of an event that waits or notifies."""
        self.standing: dict[int, Place] = {}
        """Of the threads that have not ended."""
        self._names = Names({at: each.name for at, each in enumerate(machine.locations)})
        self.calls = Calls(machine)
        """The calls of the subject."""
        machine.watch, machine.listener = self._watch, self.calls
        try:
            machine.restore(graph)
            for thread, frame in machine.standing().items():
                self._stand(thread, place_of(frame))
        finally:
            machine.watch = machine.listener = None
        used = {event.location for event in graph.order if is_access(event)}
        used |= {step.location for step in graph.pending if step and step.kind is Kind.LOCK}
        self.locations = self._names.resolved({at: machine.locations[at].kind for at in used})
        """What each location is called."""
        self.threads = distinct(
            {at: machine.names[at].strip("<>") for at in range(len(graph.threads))}
        )
        """What each thread is called."""
        self.events: list[Event] = []
        """Those that are told, in their order; of a read-modify-write, its read."""
        self.numbers: dict[int, int] = {}
        """Of the events, from 1, by their bits."""
        self.order = linear(graph)
        """All events, in that order."""
        self._number(self.order)

    def _watch(self, thread: SimulatedThread, event: Event) -> None:
        frame = None
        if thread.greenlet is getcurrent():
            frame = sys._getframe(1)  # noqa: SLF001  (the step that is being repeated)
        elif thread.greenlet is not None:
            frame = thread.greenlet.gr_frame
        place = self.places[event.bit] = place_of(frame)
        if is_access(event) and event.kind is not Kind.CREATE:
            self._names.notice(event.location, place, thread.function)
        elif event.kind in (Kind.CHOOSE, Kind.WAIT):
            self.objects[event.bit] = found_in(place.frame, place.called)

    def _stand(self, thread: int, place: Place) -> None:
        self.standing[thread] = place
        step = self.graph.pending[thread]
        if step is not None and step.kind is Kind.LOCK:
            self._names.notice(step.location, place, None)

    def _number(self, order: list[Event]) -> None:
        for event in order:
            if event.kind is Kind.MODIFY:
                if event.bit >> self.machine.stride in self.numbers:
                    self.numbers[event.bit] = self.numbers[event.bit >> self.machine.stride]
            elif event.bit in self.places and self._is_told(event):
                self.events.append(event)
                self.numbers[event.bit] = len(self.events)

    def _is_told(self, event: Event) -> bool:
        """Return whether `event` is the user's, and says something."""
        place = self.places[event.bit]
        if event.kind is Kind.CHOOSE and place.call == "wait" and not event.value:
            return False
        return bool(place.where) and (event.thread > 0 or not self.main_only_starts)

    @property
    def main_only_starts(self) -> bool:
        """Whether the main thread does nothing but start the others and wait for them."""
        starts = (Kind.SPAWN, Kind.JOIN, Kind.END)
        return all(event.kind in starts for event in self.graph.threads[0])

    def name(self, event: Event) -> str:
        """Return what the thread of `event` is called."""
        return self.threads[event.thread]

    def call_of(self, event: Event) -> HeardCall | None:
        """Return the call that `event` is a step of, if it is one of a call."""
        return self.calls.of(event.thread, event.index)

    def newer(self, event: Event) -> Event | None:
        """Return the oldest write that a read does not see although it comes before it, if any.

        For a write: the one next in modification order that comes before it all the same.
        """
        source = event.rf if event.kind in READS else event
        if event.kind not in READS and event.kind is not Kind.STORE:
            return None
        number = self.numbers[event.bit]
        writes = self.graph.writes[event.location]
        place = next(at for at, write in enumerate(writes) if write is source)
        for write in writes[place + 1 :]:
            if self.numbers.get(write.bit, number) < number:
                return write
        return None

    def synchronizes(self, event: Event) -> bool:
        """Return whether what `event` reads or follows comes before it in happens-before."""
        source = event.rf
        if source is None or source.thread < 0:
            return False
        if event.kind not in READS and not is_failed_exchange(event):
            return True  # a lock, a wake-up, a join
        if not source.sync or event.order == PLAIN:
            return False
        later = self.graph.threads[event.thread][event.index + 1 :]
        fenced = any(each.kind is Kind.FENCE and each.order in ACQUIRES for each in later)
        return fenced or not source.sync & ~event.hb

    def holds(self, event: Event) -> list[int]:
        """Return the locks that the thread of `event` holds there."""
        held: list[int] = []
        for each in self.graph.threads[event.thread][: event.index]:
            if each.kind is Kind.LOCK:
                held.append(each.location)
            elif each.kind is Kind.UNLOCK:
                held.remove(each.location)
        return held

    def holder(self, location: int) -> Event | None:
        """Return the acquisition by which a lock is held in the end."""
        last = self.graph.writes[location][-1]
        return last if last.kind is Kind.LOCK else None

    def blocked(self) -> dict[int, Step]:
        """Return the steps at which threads stand that are to be told of."""
        return {
            thread: step
            for thread, step in enumerate(self.graph.pending)
            if step is not None and (thread or not self.main_only_starts or step.kind is Kind.FAIL)
        }


def is_access(event: Event) -> bool:
    """Return whether `event` uses a word, a cell or a lock."""
    kinds = (Kind.LOCK, Kind.UNLOCK)
    return event.kind in READS or event.kind in WRITES or event.kind in kinds


def is_failed_exchange(event: Event) -> bool:
    """Return whether `event` is a compare-exchange that stored nothing."""
    step = event.step
    return event.kind is Kind.LOAD and step is not None and step.kind is Kind.COMPARE_EXCHANGE
