"""Sequential consistency: all threads take turns, and a read sees the last write.

An execution is consistent if po, asw, rf, mo and rb together have no cycle (Lamport, IEEE
Transactions on Computers, 1979; in this form Shasha and Snir, TOPLAS, 1988).  Every atomic access
counts as seq_cst, for happens-before too; so races are those that stay whatever the orders.

A new event is last in its thread.  A read that reads past a write *w* precedes it, and a write
placed before *w* too; that closes a cycle exactly if *w* already precedes the new event.  So
`before` is all there is to check.
"""

from stress.explore.graph import INITIAL, WRITES, Event, Graph
from stress.explore.memory.model import SEQ_CST, MemoryModel
from stress.explore.steps import PLAIN, Step


class SequentialConsistency(MemoryModel):
    """Interleavings of the threads, nothing else."""

    name = "sc"

    def order(self, order: int) -> int:
        """Every atomic access is seq_cst."""
        return order if order == PLAIN else SEQ_CST

    def before(self, graph: Graph, thread: int, step: Step) -> int:  # noqa: ARG002
        """Return the events before the last one of the thread in (po | asw | rf | mo | rb)+."""
        events = graph.threads[thread]
        last = events[-1] if events else graph.born[thread]
        return closure(graph, [last]) if last else INITIAL


def closure(graph: Graph, last: list[Event]) -> int:
    """Return the events before those in `last`, themselves included."""
    seen = INITIAL
    waiting = list(last)
    while waiting:
        event = waiting.pop()
        if event.bit & seen:
            continue
        seen |= event.bit
        if event.index:
            waiting.append(graph.threads[event.thread][event.index - 1])
        elif (spawn := graph.born[event.thread]) is not None:
            waiting.append(spawn)
        if event.rf is not None:
            waiting.append(event.rf)
        if event.kind in WRITES:
            waiting.extend(earlier(graph, event))
    return seen


def earlier(graph: Graph, write: Event) -> list[Event]:
    """Return the write before `write` in modification order, and the reads that read that one."""
    writes = graph.writes[write.location]
    place = 0
    while writes[place] is not write:
        place += 1
    if place == 0:
        return []
    previous = writes[place - 1]
    return [previous, *(read for read in graph.reads[write.location] if read.rf is previous)]
