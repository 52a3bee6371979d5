"""A barrier for threads that meet every few milliseconds: it spins briefly, then yields.

>>> barrier = SpinBarrier(1)
>>> barrier.wait()

Ordering
========

An arrival is an acq_rel read-modify-write of one word and a wait ends with an acquire load of it,
so whatever any party did before it arrived happens before whatever any party does after it left.

Invariants
==========

P1  Nobody leaves round *n* before all parties have arrived in it: the word counts arrivals and
    never goes back, so rounds need no second counter.

Progress
========

Blocking.  With more threads than cores a pure spin would burn the time slice of the thread it
waits for (milliseconds a round), so after `SPINS` looks every further look yields the processor.
"""

from typing import Final

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, SEQ_CST, Sync, native

SPINS: Final = 100


class BrokenBarrierError(RuntimeError):
    """Another party gave up, so this round will never be complete."""


class SpinBarrier:
    """A reusable barrier for `parties` threads."""

    def __init__(self, parties: int, *, sync: Sync = native) -> None:
        self._parties = parties
        self._arrivals = sync.word(0, name="arrivals")
        self._broken = sync.word(0, name="broken")
        self._sync = sync

    def wait(self) -> None:
        """Wait until all parties have arrived; BrokenBarrierError where one gave up."""
        before = self._arrivals.fetch_add(1, ACQ_REL)
        complete = (before // self._parties + 1) * self._parties
        looks = 0
        while self._arrivals.load(ACQUIRE) < complete:
            if self._broken.load(RELAXED):
                raise BrokenBarrierError("another thread of the shift gave up")
            looks += 1
            if looks > SPINS:
                self._sync.pause()

    def abort(self) -> None:
        """Give up for all: whoever waits, now or later, gets BrokenBarrierError."""
        self._broken.store(1, SEQ_CST)
