"""The memory model of C11, repaired: RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017).

COHERENCE holds because accesses respect what happens before them (`MemoryModel.floor`), ATOMICITY
because the write of a read-modify-write is placed right after what was read, NO-THIN-AIR because
a read only ever reads a write that is there.  What remains is SC: psc has no cycle, with

    scb = po' | po'!=loc ; hb ; po'!=loc | hb=loc | mo | rb          where po' = po | asw
    psc = ([SC] | [Fsc] ; hb?) ; scb ; ([SC] | hb? ; [Fsc])
        | [Fsc] ; (hb | hb ; eco ; hb) ; [Fsc]

A cycle takes two events of order seq_cst, so programs without them pay nothing.  Differences
between tools that call themselves RC11 are in docs/memory-models.md.
"""

from stress.explore.graph import INITIAL, READS, WRITES, Event, Graph
from stress.explore.memory.model import MemoryModel
from stress.explore.steps import Kind, Step


class RC11(MemoryModel):
    """Repaired C11."""

    name = "rc11"

    def before(self, graph: Graph, thread: int, step: Step) -> int:  # noqa: ARG002
        """Return what happens before the next event of the thread."""
        events = graph.threads[thread]
        last = events[-1] if events else graph.born[thread]
        return last.hb if last else INITIAL

    def consistent(self, graph: Graph) -> bool:
        """Return whether psc is acyclic."""
        seq_cst = graph.seq_cst
        return not seq_cst & (seq_cst - 1) or _Relations(graph).psc_is_acyclic()


class _Relations:
    """The relations of RC11 on one graph: for each event, the set of those before it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.hb = {event.bit: event.hb & ~event.bit for event in graph.order}
        self.event = {event.bit: event for event in graph.order}
        self.fences = 0
        self.at: dict[int, int] = {}
        for event in graph.order:
            if event.kind is Kind.FENCE:
                self.fences |= event.bit & graph.seq_cst
            elif event.kind in READS or event.kind in WRITES:
                self.at[event.location] = self.at.get(event.location, 0) | event.bit
        self.mo: dict[int, int] = {}
        self.eco: dict[int, int] = {}
        self.mo_rb: dict[int, int] = {}
        for location, writes in enumerate(graph.writes):
            if location in self.at:
                self._order_location(writes, graph.reads[location])

    def _order_location(self, writes: tuple[Event, ...], reads: tuple[Event, ...]) -> None:
        """Note what is before each access in mo, rb and eco."""
        earlier_writes = earlier_reads = 0
        for write in writes:
            before = earlier_writes | earlier_reads
            self.mo_rb[write.bit] = self.eco[write.bit] = before & ~INITIAL
            readers = [read for read in reads if read.rf is write]
            earlier_writes |= write.bit
            for read in readers:
                self.mo_rb[read.bit] = 0
                self.eco[read.bit] = (before | write.bit) & ~INITIAL
            for read in readers:
                earlier_reads |= read.bit

    def _program_order(self, event: Event) -> int:
        """Return what is before `event` in po' = po | asw."""
        events = self.graph.threads[event.thread]
        found = 0
        for earlier in events[: event.index]:
            found |= earlier.bit
        if event.index == 0 and (spawn := self.graph.born[event.thread]) is not None:
            found |= spawn.bit
        if event.kind is Kind.JOIN:
            found |= event.rf.bit  # type: ignore[union-attr]  # the END of the other thread
        return found

    def _scb(self) -> dict[int, int]:
        po, elsewhere, through = {}, {}, {}
        for bit, event in self.event.items():
            po[bit] = self._program_order(event)
            here = self.at.get(event.location, 0) if bit in self.mo_rb else 0
            elsewhere[bit] = po[bit] & ~here
        for bit, before in self.hb.items():
            through[bit] = _union(elsewhere, before)
        scb = {}
        for bit, event in self.event.items():
            before = po[bit] | _union(through, elsewhere[bit])
            if bit in self.mo_rb:
                before |= self.hb[bit] & self.at[event.location] | self.mo_rb[bit]
            scb[bit] = before
        return scb

    def psc_is_acyclic(self) -> bool:
        """Remove events without predecessors until none is left, or only cycles are."""
        scb = self._scb()
        psc = {bit: self._psc(bit, scb) for bit in _bits(self.graph.seq_cst)}
        left = self.graph.seq_cst
        while left:
            free = 0
            for bit in _bits(left):
                if not psc[bit] & left:
                    free |= bit
            if not free:
                return False
            left &= ~free
        return True

    def _psc(self, bit: int, scb: dict[int, int]) -> int:
        """Return the events of order seq_cst before `bit` in psc."""
        before = scb[bit]
        found = 0
        if bit & self.fences:
            before |= _union(scb, self.hb[bit])
            found = self.hb[bit] | _union(self.hb, _union(self.eco, self.hb[bit]))
            found &= self.fences
        return found | before & self.graph.seq_cst | _union(self.hb, before) & self.fences


def _union(relation: dict[int, int], events: int) -> int:
    """Return everything before any of `events`."""
    found = 0
    while events:
        bit = events & -events
        found |= relation.get(bit, 0)
        events ^= bit
    return found


def _bits(events: int) -> list[int]:
    found = []
    while events:
        bit = events & -events
        found.append(bit)
        events ^= bit
    return found
