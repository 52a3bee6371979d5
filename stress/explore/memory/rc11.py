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
        self.eco: dict[int, int] = {}
        self.mo_rb: dict[int, int] = {}
        for location, writes in enumerate(graph.writes):
            if location in self.at:
                self._order_location(writes, graph.reads[location])
        self.asw: dict[int, int] = {}
        self.po: dict[int, int] = {}
        self.elsewhere: dict[int, int] = {}
        self.through: dict[int, int] = {}
        self._order_threads()
        self.after = {  # of each fence, what it happens before
            fence: sum(bit for bit, before in self.hb.items() if before & fence)
            for fence in _bits(self.fences)
        }

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

    def _order_threads(self) -> None:
        """Note what is before each event in po' and its parts, and `through`: po'!=loc ; hb.

        Along a thread hb only grows, so `through` does; each event adds what is new.
        """
        for events, spawn in zip(self.graph.threads, self.graph.born, strict=True):
            earlier = 0
            for event in events:
                asw = spawn.bit if spawn is not None and event.index == 0 else 0
                if event.kind is Kind.JOIN:
                    asw |= event.rf.bit  # type: ignore[union-attr]  # the END of the other thread
                here = self.at.get(event.location, 0) if event.bit in self.mo_rb else 0
                self.asw[event.bit] = asw
                self.po[event.bit] = earlier | asw
                self.elsewhere[event.bit] = (earlier | asw) & ~here
                earlier |= event.bit
        for events in self.graph.threads:
            known = found = 0
            for event in events:
                before = self.hb[event.bit]
                found |= _union(self.elsewhere, before & ~known)
                known |= before
                self.through[event.bit] = found

    def _scb(self, event: Event) -> int:
        """Return what is before `event` in scb."""
        bit = event.bit
        before = self.po[bit] | _union(self.through, self.asw[bit])
        for earlier in reversed(self.graph.threads[event.thread][: event.index]):
            if earlier.bit & self.elsewhere[bit]:
                before |= self.through[earlier.bit]  # and with it that of all before it
                break
        if bit in self.mo_rb:
            before |= self.hb[bit] & self.at[event.location] | self.mo_rb[bit]
        return before

    def psc_is_acyclic(self) -> bool:
        """Remove events without predecessors until none is left, or only cycles are."""
        needed = self.graph.seq_cst
        for fence in self.after:
            needed |= self.hb[fence] & ~INITIAL
        scb = {bit: self._scb(self.event[bit]) for bit in _bits(needed)}
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
            found = self.hb[bit] & self.fences | self._fences_before(_union(self.eco, self.hb[bit]))
        return found | before & self.graph.seq_cst | self._fences_before(before)

    def _fences_before(self, events: int) -> int:
        """Return the fences of order seq_cst that happen before any of `events`."""
        return sum(fence for fence, after in self.after.items() if after & events)


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
