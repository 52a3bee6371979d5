"""A `Sync` whose accesses carry other orders than were written, or have fences beside them.

It is the means of `stress.orders`, which weakens, and of `stress.repairs`, which strengthens.

Accesses are told apart by where they are written.  One that a module offers to the others of its
package (a bitmap's ``get``) is told apart by who uses it, too, for each use has its own needs.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, SupportsIndex

from registrar.sync import (
    ACQ_REL,
    ACQUIRE,
    RELAXED,
    RELEASE,
    SEQ_CST,
    AtomicWord,
    Cell,
    Condition,
    Lock,
    MemoryOrder,
    Sync,
    Thread,
)

WEAKER: Mapping[str, Mapping[MemoryOrder, tuple[MemoryOrder, ...]]] = {
    "load": {SEQ_CST: (RELAXED, ACQUIRE), ACQUIRE: (RELAXED,)},
    "store": {SEQ_CST: (RELAXED, RELEASE), RELEASE: (RELAXED,)},
    "update": {
        SEQ_CST: (RELAXED, ACQUIRE, RELEASE, ACQ_REL),
        ACQ_REL: (RELAXED, ACQUIRE, RELEASE),
        ACQUIRE: (RELAXED,),
        RELEASE: (RELAXED,),
    },
}
"""For each kind of access and order the orders below it, the weakest first.  A fence is weakened
as an update is; a relaxed fence is none."""
STRONGER: Mapping[str, Mapping[MemoryOrder, tuple[MemoryOrder, ...]]] = {
    "load": {RELAXED: (ACQUIRE,), ACQUIRE: (SEQ_CST,)},
    "store": {RELAXED: (RELEASE,), RELEASE: (SEQ_CST,)},
    "update": {
        RELAXED: (RELEASE, ACQUIRE),
        ACQUIRE: (ACQ_REL,),
        RELEASE: (ACQ_REL,),
        ACQ_REL: (SEQ_CST,),
    },
}
"""For each kind of access and order those one step above it."""


@dataclass(frozen=True, order=True)
class Site:
    """One access in the source: where it is written, and what it does."""

    file: str
    line: int
    operation: str
    user: str = ""
    """The file and line of whoever uses it, where that is another module of its package."""

    @property
    def kind(self) -> str:
        """What may be weakened: a load, a store, or an update (fences included)."""
        if self.operation in ("load", "compare_exchange failing"):
            return "load"
        return "store" if self.operation == "store" else "update"

    def __str__(self) -> str:
        place = f"{Path(self.file).name}:{self.line}"
        return f"{place} used at {self.user}" if self.user else place


type Orders = dict[Site, MemoryOrder]


@dataclass(frozen=True)
class Fences:
    """What stands beside an access that was not written there."""

    before: MemoryOrder | None = None
    after: MemoryOrder | None = None


class Weakener:
    """The orders that accesses carry instead of those written, and the fences beside them.

    ``written`` has all accesses that were met, with what was written; `everywhere`, where it is
    given, is the order of all accesses that `orders` says nothing of.
    """

    def __init__(
        self,
        orders: Mapping[Site, MemoryOrder],
        fences: Mapping[Site, Fences] | None = None,
        everywhere: MemoryOrder | None = None,
    ) -> None:
        self._orders = orders
        self._fences = fences or {}
        self._everywhere = everywhere
        self.watch: Callable[[Site], None] | None = None
        """Called at each access, before it is made."""
        self.written: Orders = {}
        self._sites: dict[tuple[CodeType, int, CodeType | None, int, str], Site] = {}

    def order(self, operation: str, written: MemoryOrder, frame: FrameType) -> MemoryOrder:
        """Return the order of an access made by `frame`."""
        site = self._site(operation, written, frame)
        if self.watch is not None:
            self.watch(site)
        if self._everywhere is not None:
            return self._orders.get(site, self._everywhere)
        return self._orders.get(site, written)

    def fences(self, operation: str, written: MemoryOrder, frame: FrameType) -> Fences | None:
        """Return what stands beside an access made by `frame`, if anything does."""
        return self._fences.get(self._site(operation, written, frame)) if self._fences else None

    def _site(self, operation: str, written: MemoryOrder, frame: FrameType) -> Site:
        user = frame.f_back
        key = (
            frame.f_code,
            frame.f_lasti,
            user.f_code if user else None,
            user.f_lasti if user else 0,
            operation,
        )
        site = self._sites.get(key)
        if site is None:
            site = self._sites[key] = _site(operation, frame)
            self.written.setdefault(site, written)
        return site


def _site(operation: str, frame: FrameType) -> Site:
    user = frame.f_back
    used = ""
    if user is not None and _package(user) == _package(frame):
        file = user.f_code.co_filename
        if file != frame.f_code.co_filename:
            used = f"{Path(file).name}:{user.f_lineno}"
    return Site(frame.f_code.co_filename, frame.f_lineno, operation, used)


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]


class WeakenedWord:
    """A word whose orders the weakener decides."""

    __slots__ = ("_fence", "_weakener", "_word")

    def __init__(
        self, word: AtomicWord, weakener: Weakener, fence: Callable[[MemoryOrder], None]
    ) -> None:
        self._word = word
        self._weakener = weakener
        self._fence = fence

    def load(self, order: MemoryOrder, /) -> int:
        """Return the value."""
        return self._made("load", order, sys._getframe(1), self._word.load)  # noqa: SLF001

    def store(self, value: int, order: MemoryOrder, /) -> None:
        """Replace the value."""
        store = partial(self._word.store, value)
        self._made("store", order, sys._getframe(1), store)  # noqa: SLF001

    def _made[T](
        self, name: str, order: MemoryOrder, frame: FrameType, access: Callable[[MemoryOrder], T]
    ) -> T:
        """Make an access, between its fences."""
        fences = self._weakener.fences(name, order, frame)
        if fences is not None and fences.before is not None:
            self._fence(fences.before)
        found = access(self._weakener.order(name, order, frame))
        if fences is not None and fences.after is not None:
            self._fence(fences.after)
        return found

    def compare_exchange(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        """Store `desired` if the value is `expected`; return (stored, value found)."""
        exchange = partial(self._word.compare_exchange, expected, desired)
        return self._exchanged(exchange, success, failure, sys._getframe(1))  # noqa: SLF001

    def compare_exchange_weak(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        """Do as `compare_exchange`, but it may fail although the value is `expected`."""
        exchange = partial(self._word.compare_exchange_weak, expected, desired)
        return self._exchanged(exchange, success, failure, sys._getframe(1))  # noqa: SLF001

    def _exchanged(
        self,
        exchange: Callable[[MemoryOrder, MemoryOrder], tuple[bool, int]],
        success: MemoryOrder,
        failure: MemoryOrder,
        frame: FrameType,
    ) -> tuple[bool, int]:
        def access(order: MemoryOrder) -> tuple[bool, int]:
            failing = self._weakener.order("compare_exchange failing", failure, frame)
            return exchange(order, failing)

        return self._made("compare_exchange", success, frame, access)

    def __getattr__(self, name: str) -> Callable[[int, MemoryOrder], int]:
        """Return the read-modify-write `name`: exchange, or one of the fetch family."""
        update: Callable[[int, MemoryOrder], int] = getattr(self._word, name)

        def weakened(operand: int, order: MemoryOrder, /) -> int:
            access = partial(update, operand)
            return self._made(name, order, sys._getframe(1), access)  # noqa: SLF001

        return weakened


class WeakenedSync:
    """A `Sync` that makes weakened words and fences, and is `sync` otherwise."""

    def __init__(self, sync: Sync, weakener: Weakener) -> None:
        self._sync = sync
        self._weakener = weakener

    def word(self, value: SupportsIndex = 0, *, name: str = "") -> AtomicWord:
        """Return a new word holding `value`."""
        word = self._sync.word(int(value), name=name)
        made: Any = WeakenedWord(word, self._weakener, self._sync.fence)
        weakened: AtomicWord = made
        return weakened

    def cell[T](self, value: T, *, name: str = "") -> Cell[T]:
        """Return a new cell holding `value`."""
        return self._sync.cell(value, name=name)

    def lock(self, *, name: str = "") -> Lock:
        """Return a new lock, free."""
        return self._sync.lock(name=name)

    def condition(self, lock: Lock, /) -> Condition:
        """Return a new condition variable of `lock`."""
        return self._sync.condition(lock)

    def fence(self, order: MemoryOrder, /) -> None:
        """Order the accesses before it against those after it (C11 7.17.4)."""
        self._sync.fence(self._weakener.order("fence", order, sys._getframe(1)))  # noqa: SLF001

    def pause(self) -> None:
        """Say, inside an await loop, that another thread must act first."""
        self._sync.pause()

    def spawn(self, function: Callable[[], object], /) -> Thread:
        """Start `function` in a new thread."""
        return self._sync.spawn(function)

    def __getattr__(self, name: str) -> Any:
        """Return what else the simulated `Sync` offers (moments)."""
        return getattr(self._sync, name)
