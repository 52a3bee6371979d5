"""A queue from many producers to one consumer: a push is one exchange and one store.

>>> queue = MpscQueue(elements=2)
>>> queue.push(2)
>>> queue.push(1)
>>> queue.pop(), queue.pop(), queue.pop()
(2, 1, None)

Dmitry Vyukov, "Intrusive MPSC node-based queue" (1024cores.net).  Elements are numbered, and
the link of each is part of it: nothing is allocated.  Who pushes an element gives it away, with
what is in ``data[element]``; who pops it owns it, and may push it again.

A push takes effect when it exchanges ``last``: that decides the order.  Then it links the element
to the one before.  In between the list is broken, and what is behind the break is out of the
consumer's reach, however long ago it was pushed:

    producer A    last: 0 ▸ 1                                  link 0 ▸ 1
    producer B                   last: 1 ▸ 2, link 1 ▸ 2
    consumer                                           pop: link of 0?

Vyukov's consumer takes that for an empty queue, which is not linearizable: B's push is over, and B
might be the consumer.  Ours says `BUSY`: there is an element, and it cannot be had yet.

An element leaves with its link, so the consumer needs to know what is behind it.  Behind the last
one it puts element 0, the stub, which is in the queue whenever nothing else is.

Ordering
========

    producer    write data ──▶ link = element
                                    ╎ synchronizes with
    consumer                        ╰╌▶ link == element ──▶ read data

    producer A    own link = NONE ──▶ last = a
                                         ╎ synchronizes with
    producer B                           ╰╌▶ exchange gave a ──▶ link of a = b

The second must be there as well: an exchange releases, lest the reset of A's link come after B's
store into it, and acquires for the same reason.

Invariants
==========

M1  *Order.*  Elements are popped in the order of their exchanges, each once.
M2  *Ownership.*  An element is its producer's, then the queue's, then the consumer's.
M3  *Honest refusal.*  A pop is None only if every element exchanged had been popped.  It is BUSY
    only if the oldest element, or the one behind it, was exchanged and not yet linked.

Progress
========

A push is wait-free.  A pop is, too, but answers BUSY as long as a producer sleeps between exchange
and store; the caller decides whether to wait.
"""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Final, Literal

from hypothesis import strategies as st

from registrar.sync import (
    ACQ_REL,
    ACQUIRE,
    RELAXED,
    RELEASE,
    WORD_BITS,
    AtomicWord,
    Cell,
    Sync,
    native,
)
from stress.model import Model, operation

STUB: Final = 0
NONE: Final = (1 << WORD_BITS) - 1
"""The link of the last element."""
BUSY: Final = "busy"
"""What a pop answers while a push is under way that it would have to wait for."""

type Popped = int | Literal["busy"] | None


class MpscQueue:
    """A queue of elements 1 to `elements`, for one thread that pops and any number that push.

    ``data[element]`` is its owner's to write and to read: the producer's until it pushes the
    element, the consumer's from the pop on.
    """

    def __init__(self, sync: Sync = native, *, elements: int = 64) -> None:
        self._sync = sync
        self.data: list[Cell[Any]] = [
            sync.cell(None, name=f"data[{each}]") for each in range(elements + 1)
        ]
        self._links: list[AtomicWord] = [
            sync.word(NONE, name=f"link[{each}]") for each in range(elements + 1)
        ]
        self._last = sync.word(STUB, name="last")
        self._first = sync.cell(STUB, name="first")

    def push(self, element: int) -> None:
        """Append `element`, which the caller owns until then."""
        self._links[element].store(NONE, RELAXED)
        before = self._last.exchange(element, ACQ_REL)  # pairs with [last]
        self._links[before].store(element, RELEASE)  # pairs with [link]: publishes the data

    def pop(self) -> Popped:
        """Remove the oldest element and return it, or None: there was none.  Consumer only.

        `BUSY`: there is one, but a push under way keeps it out of reach.
        """
        first = self._first.read()
        following = self._link(first)
        if first == STUB:
            if following == NONE:
                return self._out_of_reach()
            first, following = following, self._link(following)
            self._first.write(first)
        if following == NONE and self._last.load(RELAXED) == first:
            self.push(STUB)
            following = self._link(first)
        if following == NONE:
            return BUSY
        self._first.write(following)
        return first

    def _link(self, element: int) -> int:
        return self._links[element].load(ACQUIRE)  # pairs with [link]

    def _out_of_reach(self) -> Popped:
        """Return what to answer where only the stub is linked."""
        return None if self._last.load(RELAXED) == STUB else BUSY


# Mutants


class RelaxedLink(MpscQueue):
    """The link is stored relaxed: the consumer may find the data missing."""

    def push(self, element: int) -> None:
        """Append `element`, and publish nothing."""
        self._links[element].store(NONE, RELAXED)
        before = self._last.exchange(element, ACQ_REL)  # pairs with [last]
        self._links[before].store(element, RELAXED)


class RelaxedLinkLoad(MpscQueue):
    """The link is loaded relaxed: the consumer may find the data missing."""

    def _link(self, element: int) -> int:
        return self._links[element].load(RELAXED)


class RelaxedExchange(MpscQueue):
    """The exchange is relaxed: the reset of a link may undo the store of the next producer."""

    def push(self, element: int) -> None:
        """Append `element`, unless its reset comes late."""
        self._links[element].store(NONE, RELAXED)
        before = self._last.exchange(element, RELAXED)
        self._links[before].store(element, RELEASE)  # pairs with [link]


class LateReset(MpscQueue):
    """An element's link is reset after the exchange: the next producer's store may be undone."""

    def push(self, element: int) -> None:
        """Append `element`, and break the list."""
        before = self._last.exchange(element, ACQ_REL)  # pairs with [last]
        self._links[element].store(NONE, RELAXED)
        self._links[before].store(element, RELEASE)  # pairs with [link]


class LoadAndStore(MpscQueue):
    """The exchange is a load and a store: two elements follow the same one, and one is lost."""

    def push(self, element: int) -> None:
        """Append `element`, unless another thread does, too."""
        self._links[element].store(NONE, RELAXED)
        before = self._last.load(ACQUIRE)  # pairs with [last]
        self._last.store(element, RELEASE)  # pairs with [last]
        self._links[before].store(element, RELEASE)  # pairs with [link]


class EmptyForBusy(MpscQueue):
    """A broken list is taken for an empty one, as in the original: pushed, and not there."""

    def _out_of_reach(self) -> Popped:
        return None


class StoredStub(MpscQueue):
    """The stub is put behind the last element by a store: who pushes meanwhile is lost."""

    def push(self, element: int) -> None:
        """Append `element`; the stub not by an exchange."""
        if element != STUB:
            super().push(element)
            return
        self._links[STUB].store(NONE, RELAXED)
        self._last.store(STUB, RELEASE)  # pairs with [last]
        self._links[self._first.read()].store(STUB, RELEASE)  # pairs with [link]


# Equivalents


class ReleaseFence(MpscQueue):
    """A push stores the link relaxed, behind a release fence.

    The fence orders the write of the data before the store, as a release store does.
    """

    def push(self, element: int) -> None:
        """Append `element`."""
        self._links[element].store(NONE, RELAXED)
        before = self._last.exchange(element, ACQ_REL)  # pairs with [last]
        self._sync.fence(RELEASE)  # pairs with [link]
        self._links[before].store(element, RELAXED)


class Waiting(MpscQueue):
    """A pop waits where it might answer BUSY.

    The push it waits for needs nobody's help to end, and once it has, there is an element.
    """

    def pop(self) -> Popped:
        """Remove the oldest element and return it, or None: there was none."""
        popped = super().pop()
        while popped == BUSY:
            self._sync.pause()
            popped = super().pop()
        return popped


# The model

ELEMENTS: Final = 4
"""Of the queue of the model."""


def send(queue: MpscQueue, element: int) -> None:
    """Write the data of `element`, and push it."""
    queue.data[element].write(element)
    queue.push(element)


def receive(queue: MpscQueue, _: tuple[()], popped: Popped) -> None:
    """Read the data of what was popped."""
    if isinstance(popped, int):
        assert queue.data[popped].read() == popped, f"element {popped} without its data"


class MpscQueueModel(Model[MpscQueue]):
    """A queue from many producers to one consumer, which may have to try again."""

    subject = MpscQueue
    mutants: ClassVar[Mapping[str, Any]] = {
        "relaxed-link": RelaxedLink,
        "relaxed-link-load": RelaxedLinkLoad,
        "relaxed-exchange": RelaxedExchange,
        "late-reset": LateReset,
        "load-and-store": LoadAndStore,
        "empty-for-busy": EmptyForBusy,
        "stored-stub": StoredStub,
    }
    equivalents: ClassVar[Mapping[str, Any]] = {"release-fence": ReleaseFence, "waiting": Waiting}
    roles: ClassVar[Mapping[str, int]] = {"consumer": 1}
    items: tuple[int, ...] = ()
    linked: frozenset[int] = frozenset()

    def make(self, sync: Sync) -> MpscQueue:
        """Return a queue of few elements."""
        queue: MpscQueue = type(self).subject(sync, elements=ELEMENTS)
        return queue

    @operation(element=st.integers(1, ELEMENTS), perform=send)
    def push(self, element: int) -> Generator[None]:
        """Append an element that was never in the queue; then link it."""
        self.require(element not in {*self.items, *self.linked})
        self.items = (*self.items, element)
        yield
        self.linked |= {element}

    @operation(role="consumer", then=receive, at_end=True)
    def pop(self) -> Popped:
        """Remove the oldest, if it is linked; the one behind it may be in the way."""
        if not self.items:
            return None
        first, *rest = self.items
        in_the_way = not self.linked.issuperset(rest[:1]) and self.choose((False, True))
        if first not in self.linked or in_the_way:
            return BUSY
        self.items = tuple(rest)
        return first
