"""A `Sync` that notes who waited for which lock and when, and may pause at random around it.

>>> from random import Random
>>> from registrar.sync import native
>>> sync = ObservedSync(native, Random(1), pauses=0)
>>> lock = sync.lock(name="mutex")
>>> with lock:
...     pass
>>> [(taken.name, taken.asked <= taken.owned <= taken.released) for taken in sync.taken]
[('mutex', True)]

The words and cells are those of the `Sync` beneath it: genuine, if that is `native`.

Ordering
========

Everything is noted by the thread that owns the lock, so notes are in the order of ownership.
Instants are `clock`'s, unless another `Witness` tells them.
"""

import platform
import threading
import time
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Final, NamedTuple, Self

from registrar.sync import (
    SEQ_CST,
    AtomicWord,
    Cell,
    Condition,
    Lock,
    MemoryOrder,
    Sync,
    Thread,
    native,
)


def _fenced_clock() -> int:
    """Read the clock where neither earlier nor later accesses can move past the reading."""
    native.fence(SEQ_CST)
    instant = time.perf_counter_ns()
    native.fence(SEQ_CST)
    return instant


clock: Final[Callable[[], int]] = (
    time.perf_counter_ns if platform.machine() in {"x86_64", "AMD64"} else _fenced_clock
)
"""Nanoseconds of one clock for all threads.

On x86 an atomic read-modify-write waits for every earlier store, and the call into the clock
comes after it, so the plain clock will do.  On weaker machines an access may still be under way
when a plain reading of the clock is over, and a call would seem to have ended before it did.
"""


class _Worker(threading.local):
    process: int | str = 0


worker = _Worker()
"""``worker.process`` is the number of the calling thread in the history."""


class Witness(NamedTuple):
    """Who tells when something happened, and to which process of the history."""

    now: Callable[[], int]
    process: Callable[[], int | str]


OF_THREADS: Final = Witness(clock, lambda: worker.process)
"""Instants of `clock`, and the number of the calling thread."""


class Taken(NamedTuple):
    """One ownership of a lock by a process of the history, in instants of `clock`."""

    name: str
    process: int | str
    asked: int
    owned: int
    released: int


class ObservedSync:
    """`beneath`, with its locks observed; `pauses` is the longest pause in turns of a loop."""

    def __init__(
        self, beneath: Sync, random: Random, pauses: int, witness: Witness = OF_THREADS
    ) -> None:
        self._beneath = beneath
        self._witness = witness
        self._pauses = [random.randrange(pauses) for _ in range(16)] if pauses else []
        self.taken: list[Taken] = []

    def word(self, value: int = 0, *, name: str = "") -> AtomicWord:
        """Return a word of the `Sync` beneath."""
        return self._beneath.word(value, name=name)

    def cell[T](self, value: T, *, name: str = "") -> Cell[T]:
        """Return a cell of the `Sync` beneath."""
        return self._beneath.cell(value, name=name)

    def lock(self, *, name: str = "") -> Lock:
        """Return a lock of the `Sync` beneath, observed."""
        beneath = self._beneath.lock(name=name)
        return ObservedLock(beneath, name, self.taken, self._pauses, self._witness)

    def condition(self, lock: Lock, /) -> Condition:
        """Return a condition variable of `lock`, observed where the lock is."""
        if not isinstance(lock, ObservedLock):
            return self._beneath.condition(lock)
        return ObservedCondition(self._beneath.condition(lock.beneath), lock)

    def fence(self, order: MemoryOrder, /) -> None:
        """Fence as the `Sync` beneath does."""
        self._beneath.fence(order)

    def pause(self) -> None:
        """Pause as the `Sync` beneath does."""
        self._beneath.pause()

    def spawn(self, function: Callable[[], object], /) -> Thread:
        """Start a thread of the `Sync` beneath."""
        return self._beneath.spawn(function)


class ObservedLock:
    """A lock that notes each ownership in `taken` and pauses before and after it."""

    def __init__(
        self,
        lock: Lock,
        name: str,
        taken: list[Taken],
        pauses: list[int],
        witness: Witness = OF_THREADS,
    ) -> None:
        self.beneath = lock
        self.now, self._process = witness
        self._name = name
        self._taken = taken
        self._pauses = pauses
        self._asked = self._owned = 0

    def acquire(self) -> None:
        """Acquire the lock, noting when it was asked for and when it came."""
        asked = self.now()
        self._pause()
        self.beneath.acquire()
        self.owned_since(asked)

    def release(self) -> None:
        """Release the lock and note the ownership."""
        if self.held_by_me():
            self.note()
        self.beneath.release()
        self._pause()

    def held_by_me(self) -> bool:
        """Return whether the calling thread owns the lock."""
        return self.beneath.held_by_me()

    def owned_since(self, asked: int) -> None:
        """Take it that the calling thread has come to own the lock, which it asked for then."""
        self._asked, self._owned = asked, self.now()

    def note(self) -> None:
        """Note the calling thread's ownership, which is about to end."""
        taken = Taken(self._name, self._process(), self._asked, self._owned, self.now())
        self._taken.append(taken)

    def _pause(self) -> None:
        if self._pauses:
            for _ in range(self._pauses[len(self._taken) % len(self._pauses)]):
                """Let the other threads get ahead."""

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.release()


class ObservedCondition:
    """A condition variable of an observed lock: a wait ends one ownership and begins another."""

    def __init__(self, condition: Condition, lock: ObservedLock) -> None:
        self._condition = condition
        self._lock = lock

    def wait(self) -> None:
        """Give the lock up, sleep until notified, and own the lock again."""
        if self._lock.held_by_me():
            self._lock.note()
        asked = self._lock.now()
        try:
            self._condition.wait()
        finally:
            if self._lock.held_by_me():
                self._lock.owned_since(asked)

    def notify(self, count: int = 1, /) -> None:
        """Wake at most `count` of the threads that wait now."""
        self._condition.notify(count)

    def notify_all(self) -> None:
        """Wake every thread that waits now."""
        self._condition.notify_all()
