"""A `Sync` for one thread alone: genuine words and locks, where whatever waits waits for ever.

>>> sync = LoneSync()
>>> flag = sync.word(name="flag")
>>> while not flag.load(ACQUIRE):
...     sync.pause()
Traceback (most recent call last):
    ...
stress.alone.WaitsForEverError: it paused 1,000 times, and there is nobody to wait for

A loop that waits without pausing is told from one that works by how many steps it takes.
"""

from collections.abc import Callable
from typing import Any, Final, NoReturn

from registrar.sync import (
    ACQUIRE,
    AtomicWord,
    Cell,
    Condition,
    Lock,
    MemoryOrder,
    Thread,
    native,
)

PAUSES: Final = 1_000
"""How often a call may pause."""
STEPS: Final = 100_000
"""How many steps on words a call may take."""

__all__ = ["ACQUIRE", "LoneSync", "WaitsForEverError"]


class WaitsForEverError(RuntimeError):
    """The only thread there is waits for another."""


class LoneSync:
    """`registrar.sync.native`, counted; `begin` starts the count again."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin a call."""
        self._pauses = self._steps = 0

    def word(self, value: int = 0, *, name: str = "") -> AtomicWord:
        """Return a genuine word that counts the steps on it."""
        counted: Any = _Counted(native.word(value, name=name), self._step)
        found: AtomicWord = counted
        return found

    def cell[T](self, value: T, *, name: str = "") -> Cell[T]:
        """Return a genuine cell."""
        return native.cell(value, name=name)

    def lock(self, *, name: str = "") -> Lock:
        """Return a genuine lock, which refuses to be acquired twice."""
        return native.lock(name=name)

    def condition(self, lock: Lock, /) -> Condition:
        """Return a condition variable that nobody can notify."""
        return _LoneCondition(native.condition(lock))

    def fence(self, order: MemoryOrder, /) -> None:
        """Fence."""
        native.fence(order)

    def pause(self) -> None:
        """Count; WaitsForEverError when it is too much."""
        self._pauses += 1
        if self._pauses >= PAUSES:
            raise WaitsForEverError(f"it paused {PAUSES:,} times, and there is nobody to wait for")

    def spawn(self, function: Callable[[], object], /) -> Thread:
        """Start a genuine thread, and wait for its end: nothing is concurrent here."""
        thread = native.spawn(function)
        thread.join()
        return thread

    def _step(self) -> None:
        self._steps += 1
        if self._steps >= STEPS:
            raise WaitsForEverError(
                f"it took {STEPS:,} steps in one call, and there is nobody to wait for"
            )


class _LoneCondition:
    def __init__(self, condition: Condition) -> None:
        self.notify = condition.notify
        self.notify_all = condition.notify_all

    def wait(self) -> NoReturn:
        """Refuse."""
        raise WaitsForEverError("it waits to be notified, and there is nobody to do so")


class _Counted:
    """A word, each of whose methods is counted as a step."""

    __slots__ = ("_step", "_word")

    def __init__(self, word: AtomicWord, step: Callable[[], None]) -> None:
        self._word = word
        self._step = step

    def __getattr__(self, name: str) -> Any:
        self._step()
        return getattr(self._word, name)
