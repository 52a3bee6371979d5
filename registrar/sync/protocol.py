"""What threads share, as protocols: the orders, words, cells, locks and the `Sync` that makes them.

The promises are in the documentation of `registrar.sync`; a genuine machine and simulated ones
keep them alike.
"""

import enum
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

WORD_BITS: Final = 64


class MemoryOrder(enum.IntEnum):
    """How an access orders the accesses around it, with C11's numbers (consume left out)."""

    RELAXED = 0
    ACQUIRE = 2
    RELEASE = 3
    ACQ_REL = 4
    SEQ_CST = 5

    @property
    def orders_loads(self) -> bool:
        """True where a load, or a failed compare-exchange, may carry this order."""
        return self not in (MemoryOrder.RELEASE, MemoryOrder.ACQ_REL)

    @property
    def orders_stores(self) -> bool:
        """True where a store may carry this order."""
        return self not in (MemoryOrder.ACQUIRE, MemoryOrder.ACQ_REL)


RELAXED: Final = MemoryOrder.RELAXED
ACQUIRE: Final = MemoryOrder.ACQUIRE
RELEASE: Final = MemoryOrder.RELEASE
ACQ_REL: Final = MemoryOrder.ACQ_REL
SEQ_CST: Final = MemoryOrder.SEQ_CST


class AtomicWord(Protocol):
    """An unsigned 64-bit word that every operation reads or changes in one step.

    A wrong order for the operation raises ValueError, and the word keeps its value.
    """

    def load(self, order: MemoryOrder, /) -> int:
        """Return the value."""

    def store(self, value: int, order: MemoryOrder, /) -> None:
        """Replace the value."""

    def exchange(self, value: int, order: MemoryOrder, /) -> int:
        """Replace the value and return the old one."""

    def compare_exchange(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        """Store `desired` if the value is `expected`; return (stored, value found)."""

    def compare_exchange_weak(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        """Do as `compare_exchange`, but it may fail although the value is `expected`."""

    def fetch_add(self, operand: int, order: MemoryOrder, /) -> int:
        """Add modulo 2**64 and return the old value."""

    def fetch_sub(self, operand: int, order: MemoryOrder, /) -> int:
        """Subtract modulo 2**64 and return the old value."""

    def fetch_and(self, operand: int, order: MemoryOrder, /) -> int:
        """Keep the bits of `operand` and return the old value."""

    def fetch_or(self, operand: int, order: MemoryOrder, /) -> int:
        """Set the bits of `operand` and return the old value."""

    def fetch_xor(self, operand: int, order: MemoryOrder, /) -> int:
        """Flip the bits of `operand` and return the old value."""


class Cell[T](Protocol):
    """Plain, non-atomic data: something else must order every conflicting access."""

    def read(self) -> T:
        """Return what was written last."""

    def write(self, value: T, /) -> None:
        """Replace the content."""


class Lock(Protocol):
    """A mutex that one thread owns at a time; not re-entrant.

    An unlock synchronises with the next acquisition.
    """

    def acquire(self) -> None:
        """Wait until the lock is free and own it."""

    def release(self) -> None:
        """Give the lock up; RuntimeError where the caller does not own it."""

    def held_by_me(self) -> bool:
        """Return whether the calling thread owns the lock."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class Condition(Protocol):
    """A condition variable of one lock, which the caller owns around every call.

    A wait may end without a notification: wait in a loop that asks again.
    """

    def wait(self) -> None:
        """Give the lock up, sleep until notified, and own the lock again."""

    def notify(self, count: int = 1, /) -> None:
        """Wake at most `count` of the threads that wait now."""

    def notify_all(self) -> None:
        """Wake every thread that waits now."""


class Thread(Protocol):
    """A thread that has been started."""

    def join(self) -> None:
        """Wait for its end; raise what it raised, if anything."""


class Sync(Protocol):
    """Whatever several threads share, made to order; names are for reports."""

    def word(self, value: int = 0, *, name: str = "") -> AtomicWord:
        """Return a new word holding `value`."""

    def cell[T](self, value: T, *, name: str = "") -> Cell[T]:
        """Return a new cell holding `value`."""

    def lock(self, *, name: str = "") -> Lock:
        """Return a new lock, free."""

    def condition(self, lock: Lock, /) -> Condition:
        """Return a new condition variable of `lock`."""

    def fence(self, order: MemoryOrder, /) -> None:
        """Order the accesses before it against those after it (C11 7.17.4)."""

    def pause(self) -> None:
        """Say, inside an await loop, that another thread must act first."""

    def spawn(self, function: Callable[[], object], /) -> Thread:
        """Start `function` in a new thread."""
