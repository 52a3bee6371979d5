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
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NoReturn, Self

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
"""How many steps on words, cells and locks a call may take."""

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
        found: AtomicWord = self._counted(native.word(value, name=name))
        return found

    def cell[T](self, value: T, *, name: str = "") -> Cell[T]:
        """Return a genuine cell that counts the steps on it."""
        found: Cell[T] = self._counted(native.cell(value, name=name))
        return found

    def lock(self, *, name: str = "") -> Lock:
        """Return a genuine lock, which refuses to be acquired twice."""
        return _LoneLock(native.lock(name=name), self._step)

    def condition(self, lock: Lock, /) -> Condition:
        """Return a condition variable that nobody can notify."""
        beneath = lock.beneath if isinstance(lock, _LoneLock) else lock
        return _LoneCondition(native.condition(beneath))

    def fence(self, order: MemoryOrder, /) -> None:
        """Fence."""
        self._step()
        native.fence(order)

    def pause(self) -> None:
        """Count; WaitsForEverError when it is too much."""
        self._pauses += 1
        if self._pauses >= PAUSES:
            raise WaitsForEverError(f"it paused {PAUSES:,} times, and there is nobody to wait for")

    def spawn(self, function: Callable[[], object], /) -> Thread:
        """Start a genuine thread, and wait for its end: nothing is concurrent here."""
        thread = native.spawn(function)
        with suppress(Exception):  # whoever joins it is told
            thread.join()
        return thread

    def _counted(self, beneath: Any) -> Any:
        return _Counted(beneath, self._step)

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


class _LoneLock:
    def __init__(self, beneath: Lock, step: Callable[[], None]) -> None:
        self.beneath = beneath
        self.held_by_me = beneath.held_by_me
        self._step = step
        self._held = False

    def acquire(self) -> None:
        self._step()
        if self._held and not self.held_by_me():
            raise WaitsForEverError("it waits for a lock whose owner waits for its end")
        self.beneath.acquire()
        self._held = True

    def release(self) -> None:
        self.beneath.release()
        self._held = False

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


class _Counted:
    """A word or a cell, each of whose methods is counted as a step whenever it is called."""

    __slots__ = ("_beneath", "_step")

    def __init__(self, beneath: Any, step: Callable[[], None]) -> None:
        self._beneath = beneath
        self._step = step

    def __getattr__(self, name: str) -> Any:
        method, step = getattr(self._beneath, name), self._step

        def counted(*arguments: Any) -> Any:
            step()
            return method(*arguments)

        return counted
