"""What a memory model decides: which writes a read may read, where a write goes.

Both questions have one answer in two parts.  `MemoryModel.before` gives the events that are before
the new one: coherence forbids to read, or be placed, behind them (`MemoryModel.floor`).
`MemoryModel.consistent` then judges the whole graph, where that is not enough.

Happens-before, which data races are judged by, is C11's under every model, with release sequences
as in C++20 (a write and the read-modify-writes that read it, one from another) or as in C++11
(also later writes of the same thread to the location).
"""

import abc
from typing import ClassVar, Final

from stress.explore.graph import WRITES, Event, Graph
from stress.explore.steps import PLAIN, RELEASES, Step

RELEASE_SEQUENCES: Final = ("c++20", "c++11")
SEQ_CST: Final = 5


class MemoryModel(abc.ABC):
    """A memory model; `release_sequence` is "c++20" or "c++11" (ValueError otherwise)."""

    name: ClassVar[str]
    """What the command line calls it."""

    def __init__(self, release_sequence: str = "c++20") -> None:
        if release_sequence not in RELEASE_SEQUENCES:
            raise ValueError(
                f"release sequence {release_sequence!r}: take one of "
                f"{', '.join(RELEASE_SEQUENCES)}."
            )
        self.same_thread_extends = release_sequence == "c++11"

    @abc.abstractmethod
    def before(self, graph: Graph, thread: int, step: Step) -> int:
        """Return the events that come before `step` of `thread`, which is not in the graph yet."""

    def floor(self, graph: Graph, thread: int, step: Step) -> int:
        """Return the place in modification order of the oldest write that `step` may read.

        It may neither read nor be placed before a write that comes before it, nor one that a
        read that comes before it read.
        """
        before = self.before(graph, thread, step)
        return graph.place_of_last(step.location, graph.read_by(step.location, before))

    def consistent(self, graph: Graph) -> bool:  # noqa: ARG002  (what models override)
        """Return whether `graph` is permitted, given that coherence and atomicity hold."""
        return True

    def order(self, order: int) -> int:
        """Return the order that an access of `order` has under this model."""
        return order

    def sync_of_write(self, graph: Graph, write: Event, source: Event | None) -> int:
        """Return what an acquire load of the new `write` makes visible (what it releases).

        `source` is what a read-modify-write read: its write extends that release sequence.
        """
        if write.order == PLAIN:
            return 0
        sync = write.hb if write.order in RELEASES else write.fence
        if self.same_thread_extends:
            for event in graph.threads[write.thread]:
                if (
                    event.location == write.location
                    and event.order != PLAIN
                    and event.kind in WRITES
                ):
                    sync |= event.hb if event.order in RELEASES else event.fence
        return sync if source is None else sync | source.sync
