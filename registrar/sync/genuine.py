"""`native`: the real machine as a `Sync`, with lock-free words and the interpreter's locks.

>>> lock = native.lock()
>>> with lock:
...     lock.held_by_me()
True

Ordering
========

An acquisition of a `threading.Lock` synchronises with the release before it.  `atomics` has no
fence; a read-modify-write of one word that *all* threads share stands in for it.  Take two
fences, A before B in the modification order of that word: B reads from A's release sequence,
so everything before A happens before everything after B, which is all a C11 fence promises and
more.  (A word of each thread's own would synchronise with nobody.)
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Self

from registrar.sync.protocol import AtomicWord, Lock, MemoryOrder, Sync
from registrar.sync.words import new_word


class GenuineCell[T]:
    """A plain attribute."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def read(self) -> T:
        """Return what was written last."""
        return self._value

    def write(self, value: T, /) -> None:
        """Replace the content."""
        self._value = value


_RLock: Final[Any] = type(threading.RLock())


class GenuineLock(_RLock):  # type: ignore[misc]  # a class of C, which no stub describes alike everywhere
    """A `threading.RLock` that refuses to be acquired twice.

    An RLock knows its owner without a second variable that an interrupt could leave wrong.  The
    end of a ``with`` block is the RLock's own, in C: an interrupt (KeyboardInterrupt, raised
    wherever a Python function begins) would find a method of ours with the lock still held.
    """

    __slots__ = ()

    def acquire(self) -> None:
        """Wait until the lock is free and own it; RuntimeError where the caller owns it."""
        if self.held_by_me():
            raise RuntimeError(
                "this thread already holds the lock, which is not re-entrant.\n"
                "  Waiting would never end.  Release it first, or ask held_by_me()."
            )
        try:
            super().acquire()
        except BaseException:  # an interrupt between owning the lock and saying so
            if self.held_by_me():
                super().release()
            raise

    def release(self) -> None:
        """Give the lock up; RuntimeError where the caller does not own it."""
        if not self.held_by_me():
            raise RuntimeError(
                "this thread does not hold the lock it releases.\n"
                "  Only the owner may release: check which acquire this release belongs to."
            )
        super().release()

    def held_by_me(self) -> bool:
        """Return whether the calling thread owns the lock."""
        return self._is_owned()  # type: ignore[no-any-return]  # as threading.Condition asks

    def __enter__(self) -> Self:
        self.acquire()
        return self


class GenuineCondition:
    """A `threading.Condition` over a `Lock`."""

    __slots__ = ("_condition",)

    def __init__(self, lock: Lock) -> None:
        self._condition = threading.Condition(lock)  # type: ignore[arg-type]  # it asks for acquire, release, _is_owned

    def wait(self) -> None:
        """Give the lock up, sleep until notified, and own the lock again."""
        self._condition.wait()

    def notify(self, count: int = 1, /) -> None:
        """Wake at most `count` of the threads that wait now."""
        self._condition.notify(count)

    def notify_all(self) -> None:
        """Wake every thread that waits now."""
        self._condition.notify_all()


class GenuineThread:
    """A `threading.Thread` whose ``join`` raises what the thread raised."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:  # noqa: BLE001  (join raises it)
            self._error = error

    def join(self) -> None:
        """Wait for its end; raise what it raised, if anything."""
        self._thread.join()
        if self._error is not None:
            raise self._error


class NativeSync:
    """The genuine `Sync`; `native` is the only one a process needs."""

    def word(self, value: int = 0, *, name: str = "") -> AtomicWord:  # noqa: ARG002
        """Return a lock-free word of the `atomics` package holding `value`."""
        return new_word(value)

    def cell[T](self, value: T, *, name: str = "") -> GenuineCell[T]:  # noqa: ARG002
        """Return a plain attribute holding `value`."""
        return GenuineCell(value)

    def lock(self, *, name: str = "") -> GenuineLock:  # noqa: ARG002
        """Return a new mutex, free."""
        return GenuineLock()

    def condition(self, lock: Lock, /) -> GenuineCondition:
        """Return a new condition variable of `lock`."""
        return GenuineCondition(lock)

    def fence(self, order: MemoryOrder, /) -> None:
        """Order the accesses before it against those after it."""
        if order != MemoryOrder.RELAXED:  # a relaxed fence is none (C11 7.17.4.1)
            _fence_word.fetch_add(0, max(order, MemoryOrder.ACQ_REL))

    def pause(self) -> None:
        """Let another thread run."""
        time.sleep(0)

    def spawn(self, function: Callable[[], object], /) -> GenuineThread:
        """Start `function` in a new thread."""
        return GenuineThread(function)


_fence_word: Final = new_word(0)
native: Final[Sync] = NativeSync()
