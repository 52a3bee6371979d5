"""An execution, or the beginning of one: its events, what each read reads, the order of writes.

Events are shared between graphs and never change; a graph is cheap to copy, because all it holds
is tuples of them.  A set of events is one integer, a bit for each event: bit 0 stands for all
initial writes, and event *i* of thread *t* has bit ``1 + t + i * stride``.  The bit of an event
is therefore the same in every graph, whenever it was added.
"""

from collections.abc import Sequence
from typing import Any, Final

from stress.explore.steps import PLAIN, Kind, Step

INITIAL: Final = 1
"""The set of all initial writes."""


class _Unset:
    """Not known yet."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final[Any] = _Unset()
"""The step after an event whose thread has not been run that far."""


class Event:
    """One step carried out.

    ``rf`` is the write a read reads, for a lock the event it takes the lock from, for a JOIN the
    END it waited for.  ``hb`` and ``porf`` are the sets of events before this one, itself
    included, in happens-before and in (po | asw | rf)+.  ``sync`` is what an acquire load of this
    write makes visible; ``loads`` what an acquire fence after this event would; ``fence`` what a
    release fence before this event already published.  ``after`` is the step its thread asked for
    next (`UNSET` until the thread was run that far), ``state`` where a resumable thread then
    stands; of a SPAWN, the first step of the new thread.
    """

    __slots__ = (
        "after",
        "bit",
        "fence",
        "fixed",
        "hb",
        "index",
        "kind",
        "loads",
        "location",
        "order",
        "porf",
        "rf",
        "state",
        "step",
        "sync",
        "thread",
        "value",
    )

    def __init__(  # noqa: PLR0913, PLR0917  (one parameter a field)
        self,
        kind: Kind,
        thread: int,
        index: int,
        bit: int,
        step: Step | None,
        location: int,
        order: int,
        value: Any,
        rf: "Event | None",
        hb: int,
        porf: int,
        loads: int = 0,
        fence: int = 0,
        sync: int = 0,
        *,
        fixed: bool = False,
    ) -> None:
        self.kind = kind
        self.thread = thread
        self.index = index
        self.bit = bit
        self.step = step
        self.location = location
        self.order = order
        self.value = value
        self.rf = rf
        self.hb = hb
        self.porf = porf
        self.loads = loads
        self.fence = fence
        self.sync = sync
        self.fixed = fixed
        self.after: Step | None = UNSET
        self.state: Any = None

    def __repr__(self) -> str:
        return f"<{self.kind.name.lower()} {self.thread}.{self.index} = {self.value!r}>"


def initial_write(location: int, value: Any) -> Event:
    """Return the write that every location begins with."""
    return Event(Kind.STORE, -1, 0, INITIAL, None, location, PLAIN, value, None, 0, 0)


READS: Final = frozenset({Kind.LOAD, Kind.UPDATE, Kind.COMPARE_EXCHANGE})
"""Events that read a location: a LOAD, or the read of a read-modify-write that succeeded."""
WRITES: Final = frozenset({Kind.STORE, Kind.MODIFY, Kind.CREATE})
"""Events that write a location."""


class Graph:
    """A consistent execution, complete or not.

    ``threads`` has the events of each thread, ``writes`` those of each location in modification
    order (of a lock: its acquisitions and releases in turn), ``reads`` the reads of each location,
    ``order`` all events as they were added; an event that was added later may be read by one that
    was added earlier, if it revisited it.  ``pending`` is the step each thread stands at.
    """

    __slots__ = (
        "born",
        "order",
        "pending",
        "present",
        "races",
        "reads",
        "seq_cst",
        "threads",
        "urgent",
        "writes",
    )

    def __init__(self) -> None:
        self.threads: list[tuple[Event, ...]] = []
        self.writes: list[tuple[Event, ...]] = []
        self.reads: list[tuple[Event, ...]] = []
        self.order: tuple[Event, ...] = ()
        self.pending: list[Step | None] = []
        self.born: list[Event | None] = []
        """The SPAWN of each thread; None for those that are there from the start."""
        self.present = INITIAL
        self.seq_cst = 0
        """The events of order seq_cst, fences included."""
        self.races: tuple[int, ...] = ()
        """Each pair of unordered conflicting accesses, as a set of two."""
        self.urgent = -1
        """The thread in the middle of a read-modify-write, or -1."""

    def copy(self) -> "Graph":
        """Return a graph that can grow apart from this one."""
        other = Graph.__new__(Graph)
        other.threads = self.threads[:]
        other.writes = self.writes[:]
        other.reads = self.reads[:]
        other.order = self.order
        other.pending = self.pending[:]
        other.born = self.born[:]
        other.present = self.present
        other.seq_cst = self.seq_cst
        other.races = self.races
        other.urgent = self.urgent
        return other

    def add_thread(self, spawn: Event | None, first: Step | None) -> None:
        """Add a thread that stands at its first step."""
        self.threads.append(())
        self.born.append(spawn)
        self.pending.append(first)

    def add_location(self, value: Any) -> None:
        """Add a location that holds `value` from the beginning of time."""
        self.writes.append((initial_write(len(self.writes), value),))
        self.reads.append(())

    def restricted(self, kept: int, firsts: Sequence[Step | None]) -> "Graph":
        """Return the graph of the events in the set `kept` alone.

        The set must contain, with an event, what is before it in (po | asw | rf)+.
        """
        other = Graph.__new__(Graph)
        kept |= INITIAL
        other.threads = threads = self.threads[:]
        other.pending = pending = self.pending[:]
        other.born = born = self.born[:]
        for thread, events in enumerate(threads):
            if events and not events[-1].bit & kept:
                length = len(events) - 1
                while length and not events[length - 1].bit & kept:
                    length -= 1
                threads[thread] = events[:length]
                if length:
                    pending[thread] = events[length - 1].after
                else:
                    spawn = born[thread]
                    pending[thread] = firsts[thread] if spawn is None else spawn.state
        for thread, spawn in enumerate(born):
            if spawn is not None and not spawn.bit & kept:
                born[thread] = pending[thread] = None
        other.writes = [tuple([e for e in events if e.bit & kept]) for events in self.writes]
        other.reads = [tuple([e for e in events if e.bit & kept]) for events in self.reads]
        other.order = tuple([e for e in self.order if e.bit & kept])
        other.present = self.present & kept
        other.seq_cst = self.seq_cst & kept
        other.races = tuple([pair for pair in self.races if pair & kept == pair])
        other.urgent = -1
        return other

    def read_by(self, location: int, before: int) -> int:
        """Return the set `before`, and with it what reads of `location` in it read."""
        seen = before
        for read in self.reads[location]:
            if read.bit & before:
                seen |= read.rf.bit  # type: ignore[union-attr]  # a read reads
        return seen

    def place_of_last(self, location: int, seen: int) -> int:
        """Return the place in modification order of the last write in the set `seen`, or else 0."""
        writes = self.writes[location]
        place = len(writes) - 1
        while place and not writes[place].bit & seen:
            place -= 1
        return place
