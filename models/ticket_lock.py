"""A lock that is given in the order in which it was asked for: draw a ticket, wait for your turn.

>>> from registrar.sync import native
>>> lock = TicketLock(native, 0)
>>> with lock:
...     lock.content.write(lock.content.read() + 1)
>>> lock.acquire()
>>> lock.content.read()
1
>>> lock.release()

J. M. Mellor-Crummey and M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory
Multiprocessors" (ACM TOCS 9(1), 1991), section 2.2.  The counter of tickets and the ticket being
served are two words, so that those who arrive do not disturb those who wait.  The lock has what it
guards in ``content``: plain data, the owner's alone.

Ordering
========

    thread A    write content ──▶ release: serving ← 1
                                       ╎ synchronizes with
    thread B                           ╰╌▶ acquire: serving is 1 ──▶ read content

Tickets are drawn relaxed.  That everyone draws another is atomicity, and needs no order; that B
sees A's work comes from ``serving`` alone.  Only the owner writes ``serving``, so it may read its
own last value relaxed, and a store is enough to go on from it.

Invariants
==========

K1  *Exclusion.*  One thread owns the lock at a time: whose ticket is served.
K2  *Order.*  Tickets are served in the order in which they were drawn, and none is left out.

Progress
========

Blocking, and fair: a thread waits for those that drew before it, each of them once.  It waits by
looking again and again, so this is a lock for a few instructions and no more threads than cores: if
the system takes the processor from the next in line, everyone behind it waits for that, too.
Whoever ends without releasing stops all.  The lock is not re-entrant: the owner's second ticket is
served after its first is given back.
"""

from typing import ClassVar, Self

from registrar.sync import ACQUIRE, RELAXED, RELEASE, Sync
from stress.model import Model, operation


class TicketLock[T]:
    """A mutex around `content`; not re-entrant.

    To release it, or touch its content, is for the owner; nobody checks.
    """

    def __init__(self, sync: Sync, content: T) -> None:
        self._sync = sync
        self._tickets = sync.word(0, name="tickets")
        self._serving = sync.word(0, name="serving")
        self.content = sync.cell(content, name="content")

    def acquire(self) -> None:
        """Draw a ticket, wait until it is served, and own the lock."""
        ticket = self._tickets.fetch_add(1, RELAXED)
        while self._serving.load(ACQUIRE) != ticket:  # pairs with [turn]
            self._sync.pause()

    def release(self) -> None:
        """Serve the next ticket, whether it has been drawn or not."""
        self._serving.store(self._serving.load(RELAXED) + 1, RELEASE)  # pairs with [turn]

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


# Mutants


class RelaxedRelease(TicketLock[int]):
    """The next ticket is served by a relaxed store: its owner may miss what the last one did."""

    def release(self) -> None:
        """Serve the next ticket, and publish nothing."""
        self._serving.store(self._serving.load(RELAXED) + 1, RELAXED)


class RelaxedAwait(TicketLock[int]):
    """The turn is awaited by relaxed loads: whose turn it is may miss what the last owner did."""

    def acquire(self) -> None:
        """Own the lock, and see nothing."""
        ticket = self._tickets.fetch_add(1, RELAXED)
        while self._serving.load(RELAXED) != ticket:
            self._sync.pause()


class AcquiringTicket(TicketLock[int]):
    """Drawing the ticket acquires, and awaiting the turn does not: the wrong one of the two."""

    def acquire(self) -> None:
        """Own the lock, and see nothing: no ticket was ever released."""
        ticket = self._tickets.fetch_add(1, ACQUIRE)
        while self._serving.load(RELAXED) != ticket:
            self._sync.pause()


class StoredTicket(TicketLock[int]):
    """A ticket is drawn by a load and a store: two threads draw the same (K1)."""

    def acquire(self) -> None:
        """Own the lock, with whoever drew the same ticket."""
        ticket = self._tickets.load(RELAXED)
        self._tickets.store(ticket + 1, RELAXED)
        while self._serving.load(ACQUIRE) != ticket:  # pairs with [turn]
            self._sync.pause()


class AskedOnce(TicketLock[int]):
    """Who is not served at once waits a while, and goes on without asking again (K1)."""

    def acquire(self) -> None:
        """Own the lock, or hope so."""
        ticket = self._tickets.fetch_add(1, RELAXED)
        if self._serving.load(ACQUIRE) != ticket:  # pairs with [turn]
            self._sync.pause()


class ForgottenWaiters(TicketLock[int]):
    """The ticket that will be drawn next is served: all who wait are left out (K2)."""

    def release(self) -> None:
        """Serve whoever comes next."""
        self._serving.store(self._tickets.load(RELAXED), RELEASE)  # pairs with [turn]


# Equivalents


class AddedRelease(TicketLock[int]):
    """The next ticket is served by a fetch-add: nobody else writes, so nothing is gained."""

    def release(self) -> None:
        """Serve the next ticket."""
        self._serving.fetch_add(1, RELEASE)  # pairs with [turn]


class FenceAfterAwait(TicketLock[int]):
    """The turn is awaited by relaxed loads, and one acquire fence follows the last of them."""

    def acquire(self) -> None:
        """Own the lock."""
        ticket = self._tickets.fetch_add(1, RELAXED)
        while self._serving.load(RELAXED) != ticket:
            self._sync.pause()
        self._sync.fence(ACQUIRE)  # pairs with [turn]


# The model


def bump(lock: TicketLock[int]) -> int:
    """Add one to what `lock` guards, and return what it was."""
    found = lock.content.read()
    lock.content.write(found + 1)
    return found


class TicketLockModel(Model[TicketLock[int]]):
    """A lock that one thread owns at a time, around a counter."""

    subject = TicketLock
    mutants: ClassVar = {
        "relaxed-release": RelaxedRelease,
        "relaxed-await": RelaxedAwait,
        "acquiring-ticket": AcquiringTicket,
        "stored-ticket": StoredTicket,
        "asked-once": AskedOnce,
        "forgotten-waiters": ForgottenWaiters,
    }
    equivalents: ClassVar = {
        "added-release": AddedRelease,
        "fence-after-await": FenceAfterAwait,
    }
    owner: int | str | None = None
    total: int = 0

    def make(self, sync: Sync) -> TicketLock[int]:
        """Return a lock around a counter."""
        made: TicketLock[int] = type(self).subject(sync, 0)
        return made

    @operation
    def acquire(self) -> None:
        """Own the lock, when nobody does."""
        self.require(self.owner != self.caller)
        self.wait_until(self.owner is None)
        self.owner = self.caller

    @operation
    def release(self) -> None:
        """Give it up."""
        self.require(self.owner == self.caller)
        self.owner = None

    @operation(perform=bump)
    def bump(self) -> int:
        """Count what the lock guards."""
        self.require(self.owner == self.caller)
        self.total += 1
        return self.total - 1
