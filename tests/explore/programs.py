"""Programs that several tests of the explorer share, and what an exploration finds."""

from collections.abc import Callable
from typing import Any

from registrar.sync import ACQUIRE, RELEASE
from stress.explore.scenario import Scenario, explored
from stress.verdict import Verdict

MEMORIES = ("sc", "tso", "rc11")


def message_passing(order: Any = RELEASE, seen: Any = ACQUIRE) -> Scenario:
    """Return the scenario that publishes a cell through a word."""

    def scenario(sync: Any) -> Any:
        data, ready = sync.cell(0), sync.word(0)

        def writer() -> None:
            data.write(42)
            ready.store(1, order)

        def reader() -> None:
            if ready.load(seen):
                assert data.read() == 42

        return writer, reader

    return scenario


def failure(scenario: Scenario, memory: str = "rc11", **options: Any) -> str | None:
    """Return the kind of failure that an exploration finds, or None when it finds none at all."""
    found = explored(scenario, memory=memory, **options)
    if found.failure is not None:
        return found.failure.kind
    assert found.verdict is Verdict.OK
    return None


def store_buffering(store: Any, load: Any, *, fence: Any = None) -> Scenario:
    """Return the scenario in which two threads may both miss the other's store."""

    def scenario(sync: Any) -> Any:
        x, y = sync.word(), sync.word()
        seen = sync.cell(-1), sync.cell(-1)

        def thread(mine: Any, other: Any, result: Any) -> Callable[[], None]:
            def run() -> None:
                mine.store(1, store)
                if fence is not None:
                    sync.fence(fence)
                result.write(other.load(load))

            return run

        yield thread(x, y, seen[0]), thread(y, x, seen[1])
        assert [cell.read() for cell in seen] != [0, 0]

    return scenario


def abba(sync: Any) -> Any:
    """Two threads take two locks in opposite orders."""
    one, other = sync.lock(), sync.lock()

    def thread(first: Any, second: Any) -> Callable[[], None]:
        def run() -> None:
            with first, second:
                pass

        return run

    return thread(one, other), thread(other, one)


def waiting(*, recheck: bool, notify: str = "notify", waiters: int = 1) -> Scenario:
    """Return the scenario in which threads wait for another to be ready."""

    def scenario(sync: Any) -> Any:
        lock = sync.lock()
        condition, ready = sync.condition(lock), sync.cell(0)

        def waiter() -> None:
            with lock:
                if recheck:
                    while not ready.read():
                        condition.wait()
                else:
                    condition.wait()
                assert ready.read()

        def notifier() -> None:
            with lock:
                ready.write(1)
                getattr(condition, notify)()

        return (*(waiter,) * waiters, notifier)

    return scenario


def spin_lock(threads: int, order: Any = ACQUIRE) -> Scenario:
    """Return the scenario of a lock that is taken by exchanging until it was free."""

    def scenario(sync: Any) -> Any:
        taken, total = sync.word(0), sync.cell(0)

        def bump() -> None:
            while taken.exchange(1, order):
                sync.pause()
            total.write(total.read() + 1)
            taken.store(0, RELEASE)

        yield (bump,) * threads
        assert total.read() == threads

    return scenario
