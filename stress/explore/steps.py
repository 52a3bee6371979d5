"""What a simulated thread asks for next: one access to what threads share, or to the scheduler.

>>> Step(Kind.LOAD, 0, order=MemoryOrder.ACQUIRE)
<load of location 0, acquire>

A thread stands still at its step until the search has decided what the step does: which write a
load reads, where a store stands in modification order, who gets the lock.
"""

import enum
from collections.abc import Callable
from typing import Any, Final

from registrar.sync import MemoryOrder

PLAIN: Final = -1
"""The order of a non-atomic access; all atomic orders are greater."""

ACQUIRES: Final = frozenset({MemoryOrder.ACQUIRE, MemoryOrder.ACQ_REL, MemoryOrder.SEQ_CST})
RELEASES: Final = frozenset({MemoryOrder.RELEASE, MemoryOrder.ACQ_REL, MemoryOrder.SEQ_CST})


class Kind(enum.IntEnum):
    """What a step does."""

    LOAD = 0
    STORE = 1
    UPDATE = 2
    """An atomic read-modify-write that always succeeds."""
    COMPARE_EXCHANGE = 3
    MODIFY = 4
    """The write of a read-modify-write: asked for by the search itself, after the read."""
    FENCE = 5
    LOCK = 6
    UNLOCK = 7
    SPAWN = 8
    JOIN = 9
    PAUSE = 10
    """In an await loop: run other threads first."""
    CHOOSE = 11
    """Any of several futures that no memory model decides (who is notified)."""
    WAIT = 12
    """Park until a step of another thread names this one (a notification)."""
    CREATE = 13
    """The first write of a location that a running thread made."""
    END = 14
    STUCK = 15
    """An await loop has come round to where it was: it ends only if it reads something else."""
    FAIL = 16
    """The thread found a fault: an exception, a broken rule of the machine."""
    BOUND = 17
    """The thread took more steps than it may: nothing is known beyond."""


class Step:
    """A step; what its fields mean depends on `kind`.

    ``location`` numbers the word, cell or lock; for SPAWN and JOIN the thread; for CHOOSE it is
    the number of choices.  ``order`` is `PLAIN` or a `MemoryOrder`; ``failure`` that of a
    compare-exchange that stores nothing.  ``value`` is what is stored, ``expected`` what a
    compare-exchange asks for; ``update`` makes the new value of an UPDATE from the old one.
    """

    __slots__ = (
        "expected",
        "failure",
        "kind",
        "location",
        "order",
        "update",
        "value",
        "weak",
    )

    def __init__(  # noqa: PLR0913  (one parameter a field)
        self,
        kind: Kind,
        location: int = -1,
        *,
        order: int = PLAIN,
        failure: int = PLAIN,
        value: Any = None,
        expected: Any = None,
        update: Callable[[int], int] | None = None,
        weak: bool = False,
    ) -> None:
        self.kind = kind
        self.location = location
        self.order = order
        self.failure = failure
        self.value = value
        self.expected = expected
        self.update = update
        self.weak = weak

    def __repr__(self) -> str:
        where = "" if self.location < 0 else f" of location {self.location}"
        order = "" if self.order < 0 else f", {MemoryOrder(self.order).name.lower()}"
        return f"<{self.kind.name.lower()}{where}{order}>"

    def same(self, other: "Step") -> bool:
        """Whether a thread that asked for `other` before has now asked for the same.

        Numbers are compared by value; other contents of cells are different objects in every
        execution and are not compared.
        """
        return (
            self.kind == other.kind
            and self.location == other.location
            and self.order == other.order
            and self.failure == other.failure
            and self.expected == other.expected
            and (not isinstance(self.value, int) or self.value == other.value)
        )
