"""Which accesses of different threads came one before the other, in the executions of programs.

Of each location the neighbours count: a write and the next in modification order, a write and a
read of it, a read and the write that follows what it read.  The prefix and the end of a program,
which run alone, do not.  Most executions of a program repeat what was seen, so only some are looked
at: the first `FIRST`, and then one of `EVERY`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from stress.coverage import alike, key
from stress.explore.graph import Event, Graph
from stress.explore.machine import Machine, Moment

FIRST: Final = 8
EVERY: Final = 16

type Call = tuple[str, Moment]
"""The name of an operation, and the moment at which a thread called it."""


class Coverage:
    """What was seen in the executions of some programs; which of them are looked at is counted."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._count = 0

    def begin(self) -> None:
        """Begin with the executions of another program."""
        self._count = 0

    def wants(self) -> bool:
        """Return whether to look at this execution."""
        self._count += 1
        return self._count <= FIRST or self._count % EVERY == 0

    def note(self, machine: Machine, graph: Graph, calls: Sequence[Call]) -> None:
        """Note what came before what in `graph`; `calls` in the order in which they began."""
        known: dict[int, str] = {}
        for one, other in neighbours(graph):
            for each in (one, other):
                if each.bit not in known:
                    known[each.bit] = f"{_caller(each, calls)} {each.kind.name.lower()}"
            place = alike(machine.called(one.location))
            self.seen.add(key(place, known[one.bit], known[other.bit]))


def neighbours(graph: Graph) -> Iterator[tuple[Event, Event]]:
    """Yield each two accesses of different threads of which the second could not come sooner."""
    for writes, reads in zip(graph.writes, graph.reads, strict=True):
        if len(writes) == 1:
            continue
        following = dict(zip([each.bit for each in writes], writes[1:], strict=False))
        for one, other in pairwise(writes):
            if one.thread > 0 and other.thread > 0 and one.thread != other.thread:
                yield one, other
        for read in reads:
            if read.thread <= 0:
                continue
            write = read.rf
            assert write is not None
            if write.thread > 0 and write.thread != read.thread:
                yield write, read
            after = following.get(write.bit)
            if after is not None and after.thread > 0 and after.thread != read.thread:
                yield read, after


def _caller(event: Event, calls: Sequence[Call]) -> str:
    found = ""
    for name, moment in calls:
        if moment.thread == event.thread and moment.position <= event.index:
            found = name
    return found
