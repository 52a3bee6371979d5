"""A bounded queue between one producer and one consumer: a ring of cells and two counters.

>>> ring = SpscRing[str](size=2)
>>> ring.push("a"), ring.push("b"), ring.push("c")
(True, True, False)
>>> ring.pop(), ring.pop(), ring.pop()
('a', 'b', None)

``tail`` counts the values pushed and ``head`` those popped, modulo 2**64; the ring holds those
between them.  Only the producer stores ``tail``, only the consumer stores ``head``, and each keeps
a copy of the other's counter, so that it looks at the other's word once a lap, not once a call.
The queue is Lamport's ("Proving the Correctness of Multiprocess Programs", IEEE TSE 1977); the
copies and the orders are those of Lê, Guatto, Cohen and Pop, "Correct and Efficient Bounded FIFO
Queues" (SBAC-PAD 2013).  The fences are ours.

Ordering
========

A push publishes the value, and a pop gives the cell back to be written again:

    producer    write cell ──▶ tail = n + 1                 head > n - size ──▶ write cell
                                    ╎ synchronizes with          ╎ synchronizes with
    consumer                        ╰╌▶ tail > n ──▶ read cell ──▶ head = n + 1

Acquire and release are enough for that, and they are all that most rings have.  But then both
threads may be turned away at once, from a ring that cannot be both full and empty: each stores its
own counter and reads an old value of the other's (store buffering, which x86 shows as well).

    producer    tail = 2 ──▶ fence ──▶ read head            the ring of two holds one value:
                               ╎                            push, push  ‖  pop, pop
    consumer    head = 1 ──▶ fence ──▶ read tail            never (True, False) ‖ (value, None)

So a call that is about to be turned away looks again behind a seq_cst fence, and of two such calls
one sees what the other's thread did.  A call whose copy tells of room, or of a value, pays for no
fence.

Invariants
==========

Q1  *Order.*  Values are popped in the order of their pushes, each once.
Q2  *Bounds.*  0 <= tail - head <= size, at every instant.
Q3  *Ownership.*  Cell n % size is the producer's from head > n - size until tail > n, then the
    consumer's until head > n.  No access to a cell races with another.
Q4  *Honest refusal.*  A push is False only if the ring was full, and a pop None only if it was
    empty, in one order of all calls that respects happens-before.

Progress
========

Wait-free: no loop.  A popped value stays referenced until its cell is written again.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from registrar.sync import (
    ACQUIRE,
    RELAXED,
    RELEASE,
    SEQ_CST,
    WORD_BITS,
    AtomicWord,
    Cell,
    Sync,
    native,
)
from stress.model import Model, operation
from stress.program import Invocation, Program

MASK: Final = (1 << WORD_BITS) - 1
"""Counters wrap as words do."""


class SpscRing[T]:
    """A queue of at most `size` values, for one thread that pushes and one that pops.

    Raises ValueError for a size that is no power of two: the counters wrap at 2**64, and the cells
    must wrap with them.
    """

    def __init__(self, sync: Sync = native, *, size: int = 64) -> None:
        if size < 1 or size & (size - 1):
            raise ValueError(f"a ring of {size} cells: the size is a power of two: 1, 2, 4, ...")
        self._size = size
        self._sync = sync
        self._cells: list[Cell[T | None]] = [
            sync.cell(None, name=f"cell[{index}]") for index in range(size)
        ]
        self._tail: AtomicWord = sync.word(0, name="tail")
        self._head: AtomicWord = sync.word(0, name="head")
        self._head_seen = sync.cell(0, name="head as the producer saw it")
        self._tail_seen = sync.cell(0, name="tail as the consumer saw it")

    def push(self, value: T) -> bool:
        """Append `value` and return True, or return False: the ring was full.  Producer only."""
        tail = self._tail.load(RELAXED)  # no other thread stores it
        if not self._has_room(tail):
            return False
        self._put(tail, value)
        return True

    def pop(self) -> T | None:
        """Remove the oldest value and return it, or None: the ring was empty.  Consumer only."""
        head = self._head.load(RELAXED)  # no other thread stores it
        if not self._has_value(head):
            return None
        return self._take(head)

    def _has_room(self, tail: int) -> bool:
        if tail - self._head_seen.read() & MASK < self._size:
            return True
        self._sync.fence(SEQ_CST)  # pairs with [refusal]
        head = self._head.load(ACQUIRE)  # pairs with [head]
        self._head_seen.write(head)
        return tail - head & MASK < self._size

    def _has_value(self, head: int) -> bool:
        if self._tail_seen.read() != head:
            return True
        self._sync.fence(SEQ_CST)  # pairs with [refusal]
        tail = self._tail.load(ACQUIRE)  # pairs with [tail]: the values before it are whole
        self._tail_seen.write(tail)
        return tail != head

    def _put(self, tail: int, value: T) -> None:
        self._cells[tail % self._size].write(value)
        self._tail.store(tail + 1, RELEASE)  # pairs with [tail]: publishes the value

    def _take(self, head: int) -> T | None:
        value = self._cells[head % self._size].read()
        self._head.store(head + 1, RELEASE)  # pairs with [head]: gives the cell back
        return value


# Mutants; those of the loads keep no copies, which is right (see NoCopies)


class RelaxedTailStore[T](SpscRing[T]):
    """The tail is stored relaxed: the consumer may find the value missing."""

    def _put(self, tail: int, value: T) -> None:
        self._cells[tail % self._size].write(value)
        self._tail.store(tail + 1, RELAXED)


class RelaxedTailLoad[T](SpscRing[T]):
    """The consumer loads the tail relaxed: it may find the value missing."""

    def _has_value(self, head: int) -> bool:
        self._sync.fence(SEQ_CST)  # pairs with [refusal]
        return self._tail.load(RELAXED) != head


class RelaxedHeadStore[T](SpscRing[T]):
    """The head is stored relaxed: the producer may write a cell that is still being read."""

    def _take(self, head: int) -> T | None:
        value = self._cells[head % self._size].read()
        self._head.store(head + 1, RELAXED)
        return value


class RelaxedHeadLoad[T](SpscRing[T]):
    """The producer loads the head relaxed: it may write a cell that is still being read."""

    def _has_room(self, tail: int) -> bool:
        self._sync.fence(SEQ_CST)  # pairs with [refusal]
        return tail - self._head.load(RELAXED) & MASK < self._size


class NoFence[T](SpscRing[T]):
    """No fence before a refusal: both threads may be turned away at once."""

    def _has_room(self, tail: int) -> bool:
        return tail - self._head.load(ACQUIRE) & MASK < self._size  # pairs with [head]

    def _has_value(self, head: int) -> bool:
        return self._tail.load(ACQUIRE) != head  # pairs with [tail]


class EarlyTail[T](SpscRing[T]):
    """The tail is stored before the value is written."""

    def _put(self, tail: int, value: T) -> None:
        self._tail.store(tail + 1, RELEASE)  # pairs with [tail]
        self._cells[tail % self._size].write(value)


class EarlyHead[T](SpscRing[T]):
    """The cell is given back before its value is read."""

    def _take(self, head: int) -> T | None:
        self._head.store(head + 1, RELEASE)  # pairs with [head]
        return self._cells[head % self._size].read()


class OneTooMany[T](SpscRing[T]):
    """A full ring takes one value more: the oldest is overwritten."""

    def _has_room(self, tail: int) -> bool:
        return super()._has_room(tail) or tail - self._head_seen.read() & MASK == self._size


# Equivalents


class NoCopies[T](SpscRing[T]):
    """Each call loads the other's counter; no copy is kept.

    A copy is an old value, which the load might have returned as well, and never the last word.
    """

    def _has_room(self, tail: int) -> bool:
        self._head_seen.write(self._head.load(ACQUIRE))  # pairs with [head]
        return super()._has_room(tail)

    def _has_value(self, head: int) -> bool:
        self._tail_seen.write(self._tail.load(ACQUIRE))  # pairs with [tail]
        return super()._has_value(head)


class ReleaseFence[T](SpscRing[T]):
    """A push stores the tail relaxed, behind a release fence.

    The fence orders the write of the cell before the store, as a release store does.
    """

    def _put(self, tail: int, value: T) -> None:
        self._cells[tail % self._size].write(value)
        self._sync.fence(RELEASE)  # pairs with [tail]
        self._tail.store(tail + 1, RELAXED)


# The model

SIZE: Final = 2
"""Of the ring of the model, in values."""
PUSH: Final = Invocation("push", (1,))
POP: Final = Invocation("pop", ())


class SpscRingModel(Model[SpscRing[int]]):
    """A bounded queue between one producer and one consumer."""

    subject = SpscRing
    mutants: ClassVar[Mapping[str, Any]] = {
        "relaxed-tail-store": RelaxedTailStore,
        "relaxed-tail-load": RelaxedTailLoad,
        "relaxed-head-store": RelaxedHeadStore,
        "relaxed-head-load": RelaxedHeadLoad,
        "no-fence": NoFence,
        "early-tail": EarlyTail,
        "early-head": EarlyHead,
        "one-too-many": OneTooMany,
    }
    equivalents: ClassVar[Mapping[str, Any]] = {
        "no-copies": NoCopies,
        "release-fence": ReleaseFence,
    }
    roles: ClassVar = {"producer": 1, "consumer": 1}
    programs: ClassVar[Mapping[str, Program]] = {
        "refusals": Program((PUSH,), ((PUSH, PUSH), (POP, POP)))
    }
    items: tuple[int, ...] = ()

    def make(self, sync: Sync) -> SpscRing[int]:
        """Return a ring so small that it fills up."""
        ring: SpscRing[int] = type(self).subject(sync, size=SIZE)
        return ring

    @operation(value=st.integers(1, 3), role="producer")
    def push(self, value: int) -> bool:
        """Append, where there is room."""
        if len(self.items) == SIZE:
            return False
        self.items = (*self.items, value)
        return True

    @operation(role="consumer", at_end=True)
    def pop(self) -> int | None:
        """Remove the oldest."""
        if not self.items:
            return None
        value, *rest = self.items
        self.items = tuple(rest)
        return value
