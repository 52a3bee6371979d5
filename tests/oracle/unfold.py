"""Every way to run the threads of a litmus test: who reads from whom.

Whichever thread is next reads from any write to the location that there is so far, and comes to
any of its readings (a weak compare-exchange may fail spuriously). The choices of all reads say
what comes out, whatever the order of the threads, so what has been seen before is dropped.

Nothing is missed: in every model po | rf is acyclic, so the events of an execution can be put in
an order that has each write before the reads of it, and that order is among those tried.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stress.litmus.program import Fence, LitmusTest, Store

from .axioms import INITIAL, Candidate, Event
from .relation import Relation
from .thread import Reading, Thread, readings, wrapped

type Place = tuple[int, int]
"""Which trace, and which of its events."""

INITIAL_TRACE: Final = 0
"""The trace of the initial writes, before those of the threads."""


@dataclass(frozen=True)
class Choice:
    """The read at `index` of its trace reads from `source`, and comes to reading `which`."""

    index: int
    source: Place
    which: int


@dataclass(frozen=True)
class Trace:
    """A thread as far as it has run."""

    thread: Thread
    events: tuple[Event, ...] = ()
    choices: tuple[Choice, ...] = ()


type Graph = tuple[Trace, ...]


def unfold(test: LitmusTest, *, prune: bool = True) -> Iterator[Graph]:
    """Yield every graph of finished threads, each once.

    With `prune`, without those that no model has: where two read-modify-writes read from one
    write (one of the two would stand between the other and its source), and where a read goes
    back behind what its thread has seen.
    """
    initial = tuple(
        Event(INITIAL, "W", name, None, wrapped(value)) for name, value in test.initial.items()
    )
    threads = (until_read(Trace(Thread(todo)), number) for number, todo in enumerate(test.threads))
    waiting: list[Graph] = [(Trace(Thread(()), initial), *threads)]
    seen = set()
    while waiting:
        graph = waiting.pop()
        if all(not trace.thread.todo for trace in graph):
            yield graph
        for longer in one_read_more(graph):
            key = tuple(trace.choices for trace in longer)
            if key in seen or (prune and (updates_twice(longer) or goes_back(longer))):
                continue
            seen.add(key)
            waiting.append(longer)


def until_read(trace: Trace, number: int) -> Trace:
    """Run a thread until it reads next or ends: nobody else can change what it does so far."""
    thread, events = trace.thread.settled(), trace.events
    while thread.todo and isinstance(instruction := thread.todo[0], Store | Fence):
        match instruction:
            case Fence(order):
                events += (Event(number, "F", None, order),)
            case Store(location, value, order):
                events += (Event(number, "W", location, order, thread.value(value)),)
        thread = thread.after().settled()
    return Trace(thread, events, trace.choices)


def one_read_more(graph: Graph) -> Iterator[Graph]:
    """Yield the graph with the next read of any thread, in every way."""
    for number, trace in enumerate(graph):
        if not trace.thread.todo:
            continue
        for source, write in written(graph, trace.thread):
            for which, reading in enumerate(readings(trace.thread, write.value)):
                choice = Choice(len(trace.events), source, which)
                longer = Trace(
                    reading.after,
                    trace.events + events_of(reading, write, number - 1),
                    (*trace.choices, choice),
                )
                yield (*graph[:number], until_read(longer, number - 1), *graph[number + 1 :])


def written(graph: Graph, thread: Thread) -> Iterator[tuple[Place, Event]]:
    """Yield the writes that the next read of a thread may read from, and where they are."""
    location = thread.location()
    for number, trace in enumerate(graph):
        for index, event in enumerate(trace.events):
            if event.kind == "W" and event.location == location:
                yield (number, index), event


def events_of(reading: Reading, write: Event, thread: int) -> tuple[Event, ...]:
    """Return the read from `write`, and the write that goes with it in an RMW."""
    where, locked = write.location, reading.locked
    read = Event(thread, "R", where, reading.order, write.value, locked)
    if reading.written is None:
        return (read,)
    value, order = reading.written
    return (read, Event(thread, "W", where, order, value, locked))


def is_update(trace: Trace, index: int) -> bool:
    """Return whether the read at `index` is of a read-modify-write: its write follows at once."""
    return any(event.kind == "W" and event.locked for event in trace.events[index + 1 : index + 2])


def updates_twice(graph: Graph) -> bool:
    """Return whether two read-modify-writes read from one write."""
    sources = [
        choice.source
        for trace in graph
        for choice in trace.choices
        if is_update(trace, choice.index)
    ]
    return len(set(sources)) < len(sources)


def goes_back(graph: Graph) -> bool:
    """Return whether a thread reads a write po-before one of that location it has seen.

    It has seen its own writes, and those it has read from. What it reads is in modification order
    neither before what it has seen (coherence), nor after: it is in program order.
    """
    return any(
        po_before(choice.source, place)
        for number, trace in enumerate(graph)
        for which, choice in enumerate(trace.choices)
        for place in seen_before(trace, number, which)
        if event_at(graph, place).location == trace.events[choice.index].location
    )


def seen_before(trace: Trace, number: int, which: int) -> Iterator[Place]:
    """Yield the writes that a thread has seen when it makes choice `which`."""
    for earlier in trace.choices[:which]:
        yield earlier.source
    for index in range(trace.choices[which].index):
        if trace.events[index].kind == "W":
            yield number, index


def po_before(first: Place, second: Place) -> bool:
    """Return whether an event is po-before another, which is not an initial write."""
    if second[0] == INITIAL_TRACE:
        return False
    return first[0] == INITIAL_TRACE or (first[0] == second[0] and first[1] < second[1])


def event_at(graph: Graph, place: Place) -> Event:
    """Return the event of a place."""
    number, index = place
    return graph[number].events[index]


def candidate(graph: Graph) -> Candidate:
    """Return the events of a graph in one row, and the relations over them."""
    places = [(number, i) for number, trace in enumerate(graph) for i in range(len(trace.events))]
    at = {place: event for event, place in enumerate(places)}
    n = len(places)
    events = tuple(graph[number].events[i] for number, i in places)
    po = [
        (a, b)
        for b, (thread, i) in enumerate(places)
        for a, (other, j) in enumerate(places)
        if thread != INITIAL_TRACE and (other == INITIAL_TRACE or (other == thread and j < i))
    ]
    rf, rmw = [], []
    for number, trace in enumerate(graph):
        for choice in trace.choices:
            read = at[number, choice.index]
            rf.append((at[choice.source], read))
            if is_update(trace, choice.index):
                rmw.append((read, read + 1))
    return Candidate(
        events, Relation.of(n, po), Relation.of(n, ()), Relation.of(n, rf), Relation.of(n, rmw)
    )
