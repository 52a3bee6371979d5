"""A work-stealing deque: its owner pushes and pops at the bottom, thieves steal from the top.

>>> deque = ChaseLevDeque(size=2)
>>> deque.push(7), deque.push(8), deque.push(9)
(True, True, False)
>>> deque.steal(), deque.pop(), deque.pop()
(7, 8, None)

David Chase and Yossi Lev, "Dynamic Circular Work-Stealing Deque" (SPAA 2005), with the orders of
Lê, Pop, Cohen and Zappa Nardelli, "Correct and Efficient Work-Stealing for Weak Memory Models"
(PPoPP 2013), and of fixed size.  The items are numbers, tasks in a table say; item *n* is in
slot ``n % size``, and the deque holds those from ``top`` up to ``bottom``.

``top`` and ``bottom`` count modulo 2**64, and a pop from an empty deque takes ``bottom`` below
``top`` for a moment: their difference has a sign.  (In the paper's C11 they are of type size_t.)

Ordering
========

    owner       write item ──▶ release fence ──▶ bottom = n + 1
                                                      ╎ synchronizes with
    thief                                             ╰╌▶ bottom > n ──▶ read item

A fence and not a release store: the owner stores ``bottom`` in a pop, too, and the fence covers the
later stores of its thread, which a release store no longer does since C++20.

Owner and thief announce what they take, and look what the other has announced; each is behind a
seq_cst fence, so that one of them sees the other (store buffering, which x86 shows as well):

    owner       bottom = n ──▶ fence ──▶ read top           takes item n if top < n
                                 ╎
    thieves     top = n ─────▶ fence ──▶ read bottom        take item n if bottom > n

Where both may see one item left, the compare-exchange of ``top`` decides.

A push acquires ``top``, which the compare-exchange has released: who took the item that was in the
slot has read it, and not what is pushed now.  RC11 has no such reads from the future (load
buffering), C11 has; so the explorer, and ``stress orders``, find nothing wrong without these two
orders.  A push that finds no room looks again behind a fence, which the paper's need not, as its
deque grows: otherwise a push could be refused by a thief's old ``top`` while that thief is told, by
an old ``bottom``, that the deque is empty.

Invariants
==========

D1  *Once.*  What is pushed is taken once, by a pop or a steal.
D2  *Order.*  A pop takes the item pushed last of those left, a steal the one pushed first.
D3  *Honest refusal.*  None is answered only if the deque was empty, False only if it was full, and
    ABORT only if another thread's compare-exchange of ``top`` came first.

Progress
========

Wait-free: no loop.  A thief that lost a race is told ABORT and may try again, here or elsewhere.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, SEQ_CST, WORD_BITS, Sync, native
from stress.model import Model, operation
from stress.program import Invocation, Program

ABORT: Final = "abort"
"""What a thief is told that lost a race."""

HALF: Final = 1 << WORD_BITS - 1
"""Half as many numbers as a word can hold."""

type Stolen = int | Literal["abort"] | None


class ChaseLevDeque:
    """A deque of at most `size` numbers below 2**64, for one owner and any number of thieves.

    Raises ValueError for a size that is no power of two: the counters wrap at 2**64, and the slots
    must wrap with them.
    """

    def __init__(self, sync: Sync = native, *, size: int = 64) -> None:
        if size < 1 or size & (size - 1):
            raise ValueError(f"a deque of {size} slots: the size is a power of two: 1, 2, 4, ...")
        self._sync = sync
        self._size = size
        self._items = [sync.word(0, name=f"item[{index}]") for index in range(size)]
        self._top = sync.word(0, name="top")
        self._bottom = sync.word(0, name="bottom")

    def push(self, item: int) -> bool:
        """Put `item` at the bottom and return True, or return False: it is full.  Owner only."""
        bottom = self._bottom.load(RELAXED)  # no other thread stores it
        if not self._has_room(bottom):
            return False
        self._items[bottom % self._size].store(item, RELAXED)
        self._publish(bottom + 1)
        return True

    def pop(self) -> int | None:
        """Take the item at the bottom and return it, or None: it is empty.  Owner only."""
        bottom = self._bottom.load(RELAXED) - 1
        top = self._announced(bottom)
        left = self._distance(top, bottom)
        if left > 0:
            return self._item(bottom)
        item = self._item(bottom) if left == 0 and self._won(top) else None
        self._bottom.store(bottom + 1, RELAXED)
        return item

    def steal(self) -> Stolen:
        """Take the item at the top and return it, or None: it is empty.  Any thread.

        `ABORT` if another thread took an item meanwhile.
        """
        top, bottom = self._look()
        if self._distance(top, bottom) <= 0:
            return None
        item = self._item(top)  # before it is taken: then the owner may reuse the slot
        return item if self._won(top) else ABORT

    def _has_room(self, bottom: int) -> bool:
        if self._distance(self._top.load(ACQUIRE), bottom) < self._size:  # pairs with [top]
            return True
        self._sync.fence(SEQ_CST)  # pairs with [last]
        return self._distance(self._top.load(ACQUIRE), bottom) < self._size  # pairs with [top]

    def _publish(self, bottom: int) -> None:
        self._sync.fence(RELEASE)  # pairs with [item]
        self._bottom.store(bottom, RELAXED)

    def _announced(self, bottom: int) -> int:
        """Announce that the item at `bottom` is being taken; return the top."""
        self._bottom.store(bottom, RELAXED)
        self._sync.fence(SEQ_CST)  # pairs with [last]
        return self._top.load(RELAXED)

    def _look(self) -> tuple[int, int]:
        top = self._top.load(ACQUIRE)  # pairs with [top]
        self._sync.fence(SEQ_CST)  # pairs with [last]
        return top, self._bottom.load(ACQUIRE)  # pairs with [item]

    def _won(self, top: int) -> bool:
        """Take the item at `top`, unless another thread has; return whether."""
        won, _ = self._top.compare_exchange(top, top + 1, SEQ_CST, RELAXED)  # pairs with [top]
        return won

    def _item(self, index: int) -> int:
        return self._items[index % self._size].load(RELAXED)

    @staticmethod
    def _distance(start: int, end: int) -> int:
        """Return how far `end` is ahead of `start`, modulo 2**64 and with a sign."""
        return (end - start + HALF) % (2 * HALF) - HALF


# Mutants


class RelaxedPublication(ChaseLevDeque):
    """No fence between item and bottom: a thief may read what was in the slot before."""

    def _publish(self, bottom: int) -> None:
        self._bottom.store(bottom, RELAXED)


class ReleaseStore(ChaseLevDeque):
    """A release store for the fence: who reads what a later pop stored may miss the item."""

    def _publish(self, bottom: int) -> None:
        self._bottom.store(bottom, RELEASE)  # pairs with [item]


class NoPopFence(ChaseLevDeque):
    """No fence in a pop: owner and thief may take the same item."""

    def _announced(self, bottom: int) -> int:
        self._bottom.store(bottom, RELAXED)
        return self._top.load(RELAXED)


class NoStealFence(ChaseLevDeque):
    """No fence in a steal: owner and thief may take the same item."""

    def _look(self) -> tuple[int, int]:
        top = self._top.load(ACQUIRE)  # pairs with [top]
        return top, self._bottom.load(ACQUIRE)  # pairs with [item]


class LateRead(ChaseLevDeque):
    """A thief reads the item after it has taken it: the owner may have overwritten it."""

    def steal(self) -> Stolen:
        """Take the item at the top, then look which it is."""
        top, bottom = self._look()
        if self._distance(top, bottom) <= 0:
            return None
        return self._item(top) if self._won(top) else ABORT


class StoredTop(ChaseLevDeque):
    """The top is stored, not compared: two threads may take the same item."""

    def _won(self, top: int) -> bool:
        self._top.store(top + 1, SEQ_CST)  # pairs with [top]
        return True


class NoRefusalFence(ChaseLevDeque):
    """A push is refused at first sight: full for the owner, and empty for a thief."""

    def _has_room(self, bottom: int) -> bool:
        return self._distance(self._top.load(ACQUIRE), bottom) < self._size  # pairs with [top]


class UncontestedPop(ChaseLevDeque):
    """A pop takes the last item without a compare-exchange: a thief may take it, too."""

    def pop(self) -> int | None:
        """Take the item at the bottom, come who may."""
        bottom = self._bottom.load(RELAXED) - 1
        if self._distance(self._announced(bottom), bottom) >= 0:
            return self._item(bottom)
        self._bottom.store(bottom + 1, RELAXED)
        return None


class Unsigned(ChaseLevDeque):
    """The distance has no sign, as in the paper's C11: an empty deque seems to be full."""

    @staticmethod
    def _distance(start: int, end: int) -> int:
        return (end - start) % (2 * HALF)


# Equivalents


class RelaxedTop(ChaseLevDeque):
    """A thief loads the top relaxed.

    The seq_cst fence that follows acquires what the load has read.
    """

    def _look(self) -> tuple[int, int]:
        top = self._top.load(RELAXED)
        self._sync.fence(SEQ_CST)  # pairs with [last]
        return top, self._bottom.load(ACQUIRE)  # pairs with [item]


class ReleaseStores(ReleaseStore):
    """The owner's stores of the bottom release, and a push has no fence.

    The last one of a pop need not: the pop's own fence is before it.
    """

    def _announced(self, bottom: int) -> int:
        self._bottom.store(bottom, RELEASE)  # pairs with [item]
        self._sync.fence(SEQ_CST)  # pairs with [last]
        return self._top.load(RELAXED)


# The model

SIZE: Final = 2
"""Of the deque of the model."""
PUSHES: Final = Invocation("push", (1,)), Invocation("push", (2,))
POP: Final = Invocation("pop", ())
STEALS: Final = (Invocation("steal", ()),) * 2


class ChaseLevDequeModel(Model[ChaseLevDeque]):
    """A work-stealing deque: the owner at one end, thieves at the other."""

    subject = ChaseLevDeque
    mutants: ClassVar[Mapping[str, Any]] = {
        "relaxed-publication": RelaxedPublication,
        "release-store": ReleaseStore,
        "no-pop-fence": NoPopFence,
        "no-steal-fence": NoStealFence,
        "no-refusal-fence": NoRefusalFence,
        "late-read": LateRead,
        "stored-top": StoredTop,
        "uncontested-pop": UncontestedPop,
        "unsigned": Unsigned,
    }
    equivalents: ClassVar[Mapping[str, Any]] = {
        "relaxed-top": RelaxedTop,
        "release-stores": ReleaseStores,
    }
    roles: ClassVar[Mapping[str, int | None]] = {"owner": 1, "thief": None}
    programs: ClassVar[Mapping[str, Program]] = {
        "race": Program(PUSHES, ((POP,), STEALS)),
        "refusals": Program(PUSHES[:1], (PUSHES, STEALS)),
        "pushes-then-pop": Program((), ((*PUSHES, POP), STEALS)),
    }
    items: tuple[int, ...] = ()

    def make(self, sync: Sync) -> ChaseLevDeque:
        """Return a deque so small that it fills up."""
        deque: ChaseLevDeque = type(self).subject(sync, size=SIZE)
        return deque

    @operation(item=st.integers(1, 3), role="owner")
    def push(self, item: int) -> bool:
        """Put an item at the bottom, where there is room."""
        if len(self.items) == SIZE:
            return False
        self.items = (*self.items, item)
        return True

    @operation(role="owner")
    def pop(self) -> int | None:
        """Take the item at the bottom."""
        if not self.items:
            return None
        *rest, item = self.items
        self.items = tuple(rest)
        return item

    @operation(role="thief", at_end=True)
    def steal(self) -> Stolen:
        """Take the item at the top; who is not alone may lose it to another thread."""
        if self.caller != "main" and self.choose((False, True)):
            return ABORT
        if not self.items:
            return None
        item, *rest = self.items
        self.items = tuple(rest)
        return item
