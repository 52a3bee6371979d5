"""Total store order, as on x86: every thread has a first-in, first-out buffer of its stores.

Owens, Sarkar and Sewell, "A Better x86 Memory Model: x86-TSO" (TPHOLs 2009), in axioms: per
location, po, rf, mo and rb have no cycle; globally, ppo, external rf, mo and rb have none, where
ppo is po without the pairs store before load.  Orders below seq_cst are plain.  A seq_cst store, a
seq_cst fence and every read-modify-write drain the buffer, a failed compare-exchange too (on x86
it is the same locked instruction); taking a lock drains it, giving it up is a plain store.

Happens-before, for data races, is that of acquire and release: what any atomic write publishes,
any atomic read of it sees, because a buffer keeps its order.
"""

from stress.explore.graph import INITIAL, READS, WRITES, Event, Graph
from stress.explore.memory.model import SEQ_CST, MemoryModel
from stress.explore.memory.sc import earlier
from stress.explore.steps import PLAIN, Kind, Step

_STORES = frozenset({Kind.STORE, Kind.CREATE, Kind.UNLOCK})
_NEUTRAL = frozenset({Kind.PAUSE, Kind.CHOOSE})


class TotalStoreOrder(MemoryModel):
    """x86: a store may become visible to others after later loads of its thread."""

    name = "tso"

    def order(self, order: int) -> int:
        """Every atomic access releases and acquires."""
        return order if order == PLAIN else SEQ_CST

    def before(self, graph: Graph, thread: int, step: Step) -> int:
        """Return what precedes the step globally, and its thread's accesses to the location."""
        events = graph.threads[thread]
        if not events:
            spawn = graph.born[thread]
            return _closure(graph, [spawn]) if spawn else INITIAL
        same = 0
        for event in events:
            if event.location == step.location and (event.kind in READS or event.kind in WRITES):
                same |= event.bit
        return same | _closure(
            graph, _ordered_before(graph, thread, len(events), delayed=step.kind is Kind.LOAD)
        )

    def floor(self, graph: Graph, thread: int, step: Step) -> int:
        """Return the place of the oldest write that `step` may read, or stand behind.

        A load that was served from its own thread's buffer says nothing of when that store became
        visible to others: only what it read from other threads comes before it.
        """
        before = seen = self.before(graph, thread, step)
        for read in graph.reads[step.location]:
            if read.bit & before and read.rf is not None and read.rf.thread != read.thread:
                seen |= read.rf.bit
        return graph.place_of_last(step.location, seen)


def _buffered(event: Event) -> bool:
    """Whether `event` is a store that later loads do not wait for."""
    return event.kind in _STORES and event.step.order != SEQ_CST  # type: ignore[union-attr]


def _loads(event: Event) -> bool:
    """Whether `event` is a load that does not wait for the buffer."""
    return event.kind is Kind.LOAD and event.step.kind is Kind.LOAD  # type: ignore[union-attr]


def _neutral(event: Event) -> bool:
    """Whether `event` orders nothing."""
    weak = event.kind is Kind.FENCE and event.step.order != SEQ_CST  # type: ignore[union-attr]
    return weak or event.kind in _NEUTRAL


def _ordered_before(graph: Graph, thread: int, length: int, *, delayed: bool) -> list[Event]:
    """Return the last events, of the first `length` of a thread, that ppo puts before the next.

    If the next is `delayed`, a load, it need not wait for buffered stores.
    """
    found: list[Event] = []
    load_found, store_found = False, delayed
    for event in reversed(graph.threads[thread][:length]):
        if _neutral(event):
            continue
        if _buffered(event):
            if not store_found:
                found.append(event)
                store_found = True
        elif not _loads(event):
            return [*found, event]
        elif not load_found:
            found.append(event)
            load_found = True
        if load_found and store_found:
            return found
    spawn = graph.born[thread]
    return found if spawn is None else [*found, spawn]


def _closure(graph: Graph, last: list[Event]) -> int:
    """Return the events globally before those in `last`, themselves included."""
    seen = INITIAL
    waiting = list(last)
    while waiting:
        event = waiting.pop()
        if event.bit & seen:
            continue
        seen |= event.bit
        waiting += _ordered_before(graph, event.thread, event.index, delayed=_loads(event))
        if event.rf is not None and event.rf.thread != event.thread:
            waiting.append(event.rf)
        if event.kind in WRITES:
            waiting += earlier(graph, event)
    return seen
