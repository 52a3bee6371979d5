"""Programs for the explorer's benchmark: the families in Python, and the five the peers run too.

Each of the five has a broken form and a sound one; the shapes are those of `benchmarks.peers`.
"""

from collections.abc import Callable
from typing import Any, Final

from registrar.sync import RELAXED
from stress.explore.scenario import Scenario

type Threads = tuple[Callable[[], None], ...]


def fib(rounds: int, sync: Any) -> Threads:
    """Two threads add two words to one and the other, without any order."""
    x, y = sync.word(1), sync.word(1)

    def one() -> None:
        for _ in range(rounds):
            x.store(x.load(RELAXED) + y.load(RELAXED), RELAXED)

    def other() -> None:
        for _ in range(rounds):
            y.store(y.load(RELAXED) + x.load(RELAXED), RELAXED)

    return one, other


def lockinc(threads: int, sync: Any) -> Threads:
    """Threads increment a cell under one lock."""
    lock, total = sync.lock(), sync.cell(0)

    def bump() -> None:
        with lock:
            total.write(total.read() + 1)

    return (bump,) * threads


def lost_update(sync: Any) -> Any:
    """Two threads increment by a load and a store."""
    total = sync.word()

    def bump() -> None:
        total.store(total.load(RELAXED) + 1, RELAXED)

    yield bump, bump
    assert total.load(RELAXED) == 1 + 1


def no_lost_update(sync: Any) -> Any:
    """Two threads increment under a lock."""
    total, lock = sync.word(), sync.lock()

    def bump() -> None:
        with lock:
            total.store(total.load(RELAXED) + 1, RELAXED)

    yield bump, bump
    assert total.load(RELAXED) == 1 + 1


def lazy(sync: Any, *, guarded: bool = False) -> Any:
    """Two threads make what is not there yet; it must be made once."""
    made, count, lock = sync.word(), sync.word(), sync.lock()

    def make() -> None:
        if not made.load(RELAXED):
            count.fetch_add(1, RELAXED)
            made.store(1, RELAXED)

    def make_guarded() -> None:
        with lock:
            make()

    thread = make_guarded if guarded else make
    yield thread, thread
    assert count.load(RELAXED) == 1


def lazy_guarded(sync: Any) -> Any:
    """Two threads make what is not there yet, under a lock."""
    return lazy(sync, guarded=True)


def _holding(first: Any, second: Any) -> Callable[[], None]:
    def run() -> None:
        with first, second:
            pass

    return run


def abba(sync: Any) -> Threads:
    """Two threads take two locks in opposite orders."""
    one, other = sync.lock(), sync.lock()
    return _holding(one, other), _holding(other, one)


def abab(sync: Any) -> Threads:
    """Two threads take two locks in the same order."""
    one, other = sync.lock(), sync.lock()
    return _holding(one, other), _holding(one, other)


def philosophers(sync: Any) -> Threads:
    """Three philosophers take the fork on their left, then that on their right."""
    forks = [sync.lock() for _ in range(3)]
    return tuple(_holding(forks[seat], forks[(seat + 1) % 3]) for seat in range(3))


def orderly_philosophers(sync: Any) -> Threads:
    """Three philosophers take the fork with the lower number first."""
    forks = [sync.lock() for _ in range(3)]
    pairs = (sorted((seat, (seat + 1) % 3)) for seat in range(3))
    return tuple(_holding(forks[low], forks[high]) for low, high in pairs)


def lost_wake_up(sync: Any, *, asks: bool = False) -> Threads:
    """Wait for a notification that may have been before."""
    lock = sync.lock()
    condition, ready = sync.condition(lock), sync.cell(0)

    def waiter() -> None:
        with lock:
            while not (asks and ready.read()):
                condition.wait()
                if not asks:
                    return

    def notifier() -> None:
        with lock:
            ready.write(1)
            condition.notify()

    return waiter, notifier


def no_lost_wake_up(sync: Any) -> Threads:
    """Wait for a notification, but ask first."""
    return lost_wake_up(sync, asks=True)


SCENARIOS: Final[dict[str, tuple[Scenario, Scenario]]] = {
    "lost update": (lost_update, no_lost_update),
    "lazy initialisation": (lazy, lazy_guarded),
    "ABBA deadlock": (abba, abab),
    "three philosophers": (philosophers, orderly_philosophers),
    "lost wake-up": (lost_wake_up, no_lost_wake_up),
}
"""By the name that the peers' adapters have: the broken form and the sound one."""
