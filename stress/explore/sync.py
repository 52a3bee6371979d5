"""Words, cells, locks, conditions and threads of the simulated machine: a `registrar.sync.Sync`.

Every operation is one step (a wait on a condition three), taken when the search says so.  Code
written against `Sync` cannot tell it from the genuine one, except that nothing here takes time.
"""

import operator
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, SupportsIndex

from registrar.sync import Lock, MemoryOrder
from stress.explore import awaiting
from stress.explore.calls import Listener
from stress.explore.graph import Graph
from stress.explore.machine import Machine, Moment, SimulatedThread
from stress.explore.steps import Kind, Step

type Waiters = tuple[tuple[int, int], ...]
"""Threads that wait, each with a number that tells its waits apart."""

MASK: Final = (1 << 64) - 1


def _checked(order: MemoryOrder, operation: str, *, fits: bool) -> int:
    if not fits:
        raise ValueError(
            f"{operation} with order {order.name.lower()}: C11 has no such {operation}.\n"
            f"  A load is relaxed, acquire or seq_cst; a store relaxed, release or seq_cst."
        )
    return int(order)


class SimulatedWord:
    """An unsigned 64-bit atomic word."""

    __slots__ = ("_loads", "_location", "_machine")

    def __init__(self, machine: Machine, value: SupportsIndex, name: str) -> None:
        self._machine = machine
        self._location = machine.new_location("word", name, operator.index(value) & MASK)
        self._loads: dict[MemoryOrder, Step] = {}

    def __repr__(self) -> str:
        return self._machine.called(self._location)

    def load(self, order: MemoryOrder, /) -> int:
        """Return the value."""
        step = self._loads.get(order)
        if step is None:
            number = _checked(order, "load", fits=order.orders_loads)
            step = self._loads[order] = Step(Kind.LOAD, self._location, order=number)
        value: int = self._machine.step(step).value
        return value

    def store(self, value: SupportsIndex, order: MemoryOrder, /) -> None:
        """Replace the value."""
        number = _checked(order, "store", fits=order.orders_stores)
        stored = operator.index(value) & MASK
        self._machine.step(Step(Kind.STORE, self._location, order=number, value=stored))

    def exchange(self, value: SupportsIndex, order: MemoryOrder, /) -> int:
        """Replace the value and return the old one."""
        new = operator.index(value) & MASK
        return self._update("exchange", new, lambda _: new, order)

    def compare_exchange(
        self,
        expected: SupportsIndex,
        desired: SupportsIndex,
        success: MemoryOrder,
        failure: MemoryOrder,
        /,
    ) -> tuple[bool, int]:
        """Store `desired` if the value is `expected`; return (stored, value found)."""
        return self._compare_exchange(expected, desired, success, failure, weak=False)

    def compare_exchange_weak(
        self,
        expected: SupportsIndex,
        desired: SupportsIndex,
        success: MemoryOrder,
        failure: MemoryOrder,
        /,
    ) -> tuple[bool, int]:
        """Do as `compare_exchange`, but it may fail although the value is `expected`."""
        return self._compare_exchange(expected, desired, success, failure, weak=True)

    def _compare_exchange(
        self,
        expected: SupportsIndex,
        desired: SupportsIndex,
        success: MemoryOrder,
        failure: MemoryOrder,
        *,
        weak: bool,
    ) -> tuple[bool, int]:
        step = Step(
            Kind.COMPARE_EXCHANGE,
            self._location,
            order=int(success),
            failure=_checked(failure, "failed compare-exchange", fits=failure.orders_loads),
            expected=operator.index(expected) & MASK,
            value=operator.index(desired) & MASK,
            weak=weak,
        )
        event = self._machine.step(step)
        return event.kind is Kind.COMPARE_EXCHANGE, event.value

    def fetch_add(self, operand: SupportsIndex, order: MemoryOrder, /) -> int:
        """Add modulo 2**64 and return the old value."""
        number = operator.index(operand)
        return self._update("fetch_add", number, lambda old: (old + number) & MASK, order)

    def fetch_sub(self, operand: SupportsIndex, order: MemoryOrder, /) -> int:
        """Subtract modulo 2**64 and return the old value."""
        number = operator.index(operand)
        return self._update("fetch_sub", number, lambda old: (old - number) & MASK, order)

    def fetch_and(self, operand: SupportsIndex, order: MemoryOrder, /) -> int:
        """Keep the bits of `operand` and return the old value."""
        number = operator.index(operand) & MASK
        return self._update("fetch_and", number, lambda old: old & number, order)

    def fetch_or(self, operand: SupportsIndex, order: MemoryOrder, /) -> int:
        """Set the bits of `operand` and return the old value."""
        number = operator.index(operand) & MASK
        return self._update("fetch_or", number, lambda old: old | number, order)

    def fetch_xor(self, operand: SupportsIndex, order: MemoryOrder, /) -> int:
        """Flip the bits of `operand` and return the old value."""
        number = operator.index(operand) & MASK
        return self._update("fetch_xor", number, lambda old: old ^ number, order)

    def _update(
        self, name: str, operand: int, update: Callable[[int], int], order: MemoryOrder
    ) -> int:
        step = Step(
            Kind.UPDATE,
            self._location,
            order=int(order),
            value=operand,
            expected=name,
            update=update,
        )
        value: int = self._machine.step(step).value
        return value


class SimulatedCell[T]:
    """Plain data: an access that nothing orders against a conflicting one is a data race."""

    __slots__ = ("_location", "_machine", "_read")

    def __init__(self, machine: Machine, value: T, name: str) -> None:
        self._machine = machine
        self._location = machine.new_location("cell", name, value)
        self._read = Step(Kind.LOAD, self._location)

    def __repr__(self) -> str:
        return self._machine.called(self._location)

    def read(self) -> T:
        """Return what was written last."""
        machine = self._machine
        content: T = machine.content(machine.step(self._read))
        return content

    def write(self, value: T, /) -> None:
        """Replace the content."""
        self._machine.step(Step(Kind.STORE, self._location, value=value))


class SimulatedLock:
    """A mutex; who gets it next is for the search to say."""

    __slots__ = ("_location", "_machine", "_owner")

    def __init__(self, machine: Machine, name: str) -> None:
        self._machine = machine
        self._location = machine.new_location("lock", name, None)
        self._owner: SimulatedThread | None = None

    def __repr__(self) -> str:
        return self._machine.called(self._location)

    def acquire(self) -> None:
        """Wait until the lock is free and own it; RuntimeError where the caller owns it."""
        if self.held_by_me():
            raise RuntimeError(
                "this thread already holds the lock, which is not re-entrant.\n"
                "  Waiting would never end.  Release it first, or ask held_by_me()."
            )
        self._machine.step(Step(Kind.LOCK, self._location))
        self._owner = self._machine.current

    def release(self) -> None:
        """Give the lock up; RuntimeError where the caller does not own it."""
        if not self.held_by_me():
            raise RuntimeError(
                "this thread does not hold the lock it releases.\n"
                "  Only the owner may release: check which acquire this release belongs to."
            )
        self._owner = None
        self._machine.step(Step(Kind.UNLOCK, self._location))

    def held_by_me(self) -> bool:
        """Return whether the calling thread owns the lock."""
        return self._owner is self._machine.current

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


class SimulatedCondition:
    """A condition variable: its list of waiters changes only while the lock is held."""

    __slots__ = ("_lock", "_machine", "_spurious", "_waiters", "_waits")

    def __init__(self, machine: Machine, lock: Lock, *, spurious: int) -> None:
        self._machine = machine
        self._lock = lock
        self._spurious = spurious
        self._waiters: list[tuple[int, int]] = []
        """Who waits: the thread, and a number that tells its waits apart."""

    def wait(self) -> None:
        """Give the lock up, sleep until notified (or wake spuriously), and own the lock again."""
        self._check("wait")
        machine = self._machine
        me = machine.current.number
        waiter = me, machine.current.index
        if machine.current.spurious < self._spurious:
            wakes = machine.step(Step(Kind.CHOOSE, 2, expected=[(), ()])).value
            if wakes:
                machine.current.spurious += 1
                self._lock.release()
                self._lock.acquire()
                return
        self._waiters.append(waiter)
        self._lock.release()
        machine.step(Step(Kind.WAIT, value=waiter[1]))
        self._lock.acquire()

    def notify(self, count: SupportsIndex = 1, /) -> None:
        """Wake at most `count` of the threads that wait now; which, is for the search to say."""
        self._check("notify")
        for _ in range(operator.index(count)):
            if not self._waiters:
                self._choose([()])  # a step all the same: a report should show what was in vain
                return
            [chosen] = self._choose([(waiter,) for waiter in self._waiters])
            self._waiters.remove(chosen)

    def notify_all(self) -> None:
        """Wake every thread that waits now."""
        self._check("notify_all")
        self._choose([tuple(self._waiters)])
        self._waiters.clear()

    def _choose(self, choices: Sequence[Waiters]) -> Waiters:
        event = self._machine.step(Step(Kind.CHOOSE, len(choices), expected=choices))
        number: int = event.value
        return choices[number]

    def _check(self, operation: str) -> None:
        if not self._lock.held_by_me():
            raise RuntimeError(
                f"{operation}() by a thread that does not hold the condition's lock.\n"
                f"  Without the lock a wake-up can be lost.  Acquire it around the call."
            )


class SimulatedHandle:
    """A thread that has been started."""

    __slots__ = ("_machine", "_number")

    def __init__(self, machine: Machine, number: int) -> None:
        self._machine = machine
        self._number = number

    def join(self) -> None:
        """Wait for its end."""
        self._machine.step(Step(Kind.JOIN, self._number))


class SimulatedSync:
    """Whatever the threads of a scenario share, made on the simulated machine."""

    def __init__(self, machine: Machine, *, spurious: int = 0) -> None:
        self._machine = machine
        self._spurious = spurious

    def word(self, value: SupportsIndex = 0, *, name: str = "") -> SimulatedWord:
        """Return a new word holding `value`."""
        return SimulatedWord(self._machine, value, name)

    def cell[T](self, value: T, *, name: str = "") -> SimulatedCell[T]:
        """Return a new cell holding `value`."""
        return SimulatedCell(self._machine, value, name)

    def lock(self, *, name: str = "") -> SimulatedLock:
        """Return a new lock, free."""
        return SimulatedLock(self._machine, name)

    def condition(self, lock: Lock, /) -> SimulatedCondition:
        """Return a new condition variable of `lock`."""
        return SimulatedCondition(self._machine, lock, spurious=self._spurious)

    def fence(self, order: MemoryOrder, /) -> None:
        """Order the accesses before it against those after it (C11 7.17.4)."""
        self._machine.step(Step(Kind.FENCE, order=int(order)))

    def pause(self) -> None:
        """Say, inside an await loop, that another thread must act first."""
        thread = self._machine.current
        now = awaiting.state(sys._getframe(1))  # noqa: SLF001  (the caller's)
        came_round = (
            thread.paused is not None
            and awaiting.same_state(thread.paused[1], now)
            and awaiting.only_looked(self._machine.taken(thread.paused[0]))
        )
        thread.paused = thread.index, now
        self._machine.step(Step(Kind.STUCK if came_round else Kind.PAUSE))

    @property
    def listener(self) -> Listener | None:
        """Who wants to be told of the calls of the subject, if anybody does."""
        return self._machine.listener

    @property
    def execution(self) -> tuple[Machine, Graph]:
        """The machine, and the execution so far."""
        return self._machine, self._machine.graph

    def moment(self) -> Moment:
        """Return where the calling thread stands now."""
        return self._machine.moment()

    def happens_before(self, one: Moment, other: Moment) -> bool:
        """Return whether what followed `one` in its thread happens before `other`."""
        return self._machine.happens_before(one, other)

    def spawn(self, function: Callable[[], object], /) -> SimulatedHandle:
        """Start `function` in a new thread."""
        name = getattr(function, "__name__", "") or "thread"
        return SimulatedHandle(self._machine, self._machine.new_thread(name, function))
