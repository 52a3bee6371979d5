"""One order of the events of an execution, to be read from top to bottom.

Under a weak memory model no order explains an execution completely.  The one returned here keeps
what must be kept (every event comes after those it depends on), explains as much as it can (a
write comes after those it overwrites, and a read before the write that overwrites what it reads,
as far as this goes without a circle) and then changes threads as seldom as possible.
"""

from stress.explore.graph import WRITES, Event, Graph
from stress.explore.steps import Kind


def linear(graph: Graph) -> list[Event]:
    """Return all events of `graph` in such an order, a read-modify-write's two together."""
    return _in_turns(graph, _constraints(graph))


def _constraints(graph: Graph) -> dict[int, list[Event]]:
    """Return what must come right before each event, other than its thread's last."""
    before: dict[int, list[Event]] = {event.bit: [] for event in graph.order}
    for event in graph.order:
        if event.rf is not None and event.rf.thread >= 0:
            before[event.bit].append(event.rf)
        if event.index == 0 and (spawn := graph.born[event.thread]) is not None:
            before[event.bit].append(spawn)
    for writes in graph.writes:
        for earlier, later in zip(writes[1:], writes[2:], strict=False):
            _add(graph, before, earlier, later)
    for location, reads in enumerate(graph.reads):
        writes = graph.writes[location]
        for read in reads:
            place = next(at for at, write in enumerate(writes) if write is read.rf)
            if place + 1 < len(writes) and not _is_pair(read, writes[place + 1]):
                _add(graph, before, read, writes[place + 1])
    return before


def _add(graph: Graph, before: dict[int, list[Event]], one: Event, other: Event) -> None:
    """Let `one` come before `other`, unless it must come after it."""
    if one.thread == other.thread:
        return
    waiting, seen = [_last_half(graph, one)], 0
    while waiting:
        event = waiting.pop()
        if event.thread == other.thread and event.index >= _first_half(other).index:
            return
        if event.bit & seen:
            continue
        seen |= event.bit
        waiting += before[event.bit]
        if event.index:
            waiting.append(graph.threads[event.thread][event.index - 1])
    before[other.bit].append(_last_half(graph, one))


def _is_pair(read: Event, write: Event) -> bool:
    return write.kind is Kind.MODIFY and (write.thread, write.index) == (
        read.thread,
        read.index + 1,
    )


def _first_half(event: Event) -> Event:
    return event


def _last_half(graph: Graph, event: Event) -> Event:
    """Return the write of a read-modify-write for its read; any other event for itself."""
    if event.kind in (Kind.UPDATE, Kind.COMPARE_EXCHANGE):
        return graph.threads[event.thread][event.index + 1]
    return event


def _in_turns(graph: Graph, before: dict[int, list[Event]]) -> list[Event]:
    """Let each thread go on as long as it can; then whichever can go on longest."""
    done = [0] * len(graph.threads)
    found: list[Event] = []
    current = 0
    while len(found) < len(graph.order):
        reach = {thread: _reach(graph, before, done, thread) for thread in range(len(done))}
        if reach[current] == done[current]:
            current = max(reach, key=lambda thread: (reach[thread] - done[thread], -thread))
        found += graph.threads[current][done[current] : reach[current]]
        done[current] = reach[current]
    return found


def _reach(graph: Graph, before: dict[int, list[Event]], done: list[int], thread: int) -> int:
    """Return how far `thread` can go on by itself."""
    at = done[thread]
    events = graph.threads[thread]
    while at < len(events):
        step = events[at : at + 2 if events[at].kind in _PAIRS else at + 1]
        needed = [each for event in step for each in before[event.bit]]
        if any(each.thread != thread and each.index >= done[each.thread] for each in needed):
            break
        at += len(step)
    return at


_PAIRS = (Kind.UPDATE, Kind.COMPARE_EXCHANGE)
