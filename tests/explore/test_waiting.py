"""Scenarios in which threads wait: locks, conditions, await loops."""

from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest

from registrar.sync import ACQUIRE, RELAXED, RELEASE
from stress.explore.exploration import Bounds
from stress.explore.scenario import explored
from stress.verdict import Verdict
from tests.explore.programs import (
    MEMORIES,
    abba,
    failure,
    spin_lock,
    waiting,
)

# Locks and conditions


@pytest.mark.parametrize("memory", MEMORIES)
def test_abba_is_deadlock(memory: str) -> None:
    """Locks taken in opposite orders deadlock in some execution."""
    assert failure(abba, memory) == "deadlock"


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(("threads", "executions"), [(1, 1), (2, 2), (3, 6), (4, 24)])
def test_lock_has_factorial_executions(threads: int, executions: int, memory: str) -> None:
    """Threads that increment a cell under one lock come in every order, and none is blocked."""

    def scenario(sync: Any) -> Any:
        lock, total = sync.lock(), sync.cell(0)

        def bump() -> None:
            with lock:
                total.write(total.read() + 1)

        yield (bump,) * threads
        assert total.read() == threads

    found = explored(scenario, memory=memory)

    assert (found.verdict, found.executions, found.blocked) == (Verdict.OK, executions, 0)


def test_lock_guards_plain_data() -> None:
    """A list that a lock guards is what the threads made it, in every order of the lock."""
    orders = set()

    def scenario(sync: Any) -> Any:
        lock = sync.lock()
        items: list[tuple[str, int]] = []

        def append(item: str) -> Callable[[], None]:
            def run() -> None:
                with lock:
                    items.append((item, len(items)))

            return run

        yield append("a"), append("b"), append("c")
        assert [count for _, count in items] == [0, 1, 2]
        orders.add("".join(item for item, _ in items))

    assert failure(scenario) is None
    assert len(orders) == 6


@pytest.mark.parametrize(
    "misuse",
    [
        lambda lock: lock.release(),
        lambda lock: (lock.acquire(), lock.acquire()),
    ],
    ids=["foreign unlock", "taken twice"],
)
def test_misused_lock_is_error(misuse: Callable[[Any], object]) -> None:
    """To release a lock one does not own, or take it twice, is an uncaught RuntimeError."""

    def scenario(sync: Any) -> Any:
        lock = sync.lock()
        return lambda: misuse(lock)

    assert failure(scenario) == "exception"


def test_condition_wakes_waiter() -> None:
    """A waiter that asks before it waits is never forgotten."""
    assert failure(waiting(recheck=True)) is None


def test_notification_before_wait_is_lost() -> None:
    """A waiter that does not ask first may wait for a notification that has been."""
    assert failure(waiting(recheck=False)) == "lost wake-up"


def test_notify_wakes_one_of_two() -> None:
    """One notification for two waiters leaves one of them waiting, whichever it is."""
    assert failure(waiting(recheck=True, waiters=2)) == "lost wake-up"
    assert failure(waiting(recheck=True, waiters=2, notify="notify_all")) is None


def test_spurious_wake_up_is_explored_on_request() -> None:
    """A waiter that does not ask again is accused only where it may wake spuriously."""

    def scenario(sync: Any) -> Any:
        lock = sync.lock()
        condition, ready = sync.condition(lock), sync.cell(0)

        def waiter() -> None:
            with lock:
                if not ready.read():
                    condition.wait()
                assert ready.read()

        def notifier() -> None:
            with lock:
                ready.write(1)
                condition.notify()

        return waiter, notifier

    assert failure(scenario) is None
    assert failure(scenario, spurious=1) == "assertion"
    assert failure(waiting(recheck=True), spurious=1) is None


def test_notify_without_lock_is_error() -> None:
    """A notification by a thread that does not own the lock is an uncaught RuntimeError."""

    def scenario(sync: Any) -> Any:
        return sync.condition(sync.lock()).notify

    assert failure(scenario) == "exception"


# Await loops


@pytest.mark.parametrize("memory", MEMORIES)
def test_await_loop_ends(memory: str) -> None:
    """A loop that waits for a store is explored to its end."""

    def scenario(sync: Any) -> Any:
        data, ready = sync.cell(0), sync.word(0)

        def writer() -> None:
            data.write(42)
            ready.store(1, RELEASE)

        def reader() -> None:
            while not ready.load(ACQUIRE):
                sync.pause()
            assert data.read() == 42

        return writer, reader

    assert failure(scenario, memory) is None


def test_await_loop_without_store_is_livelock() -> None:
    """A loop that waits for what never comes is an error, not a hang."""

    def scenario(sync: Any) -> Any:
        ready = sync.word(0)

        def reader() -> None:
            while not ready.load(ACQUIRE):
                sync.pause()

        return reader

    assert failure(scenario) == "livelock"


def test_loop_that_gives_up_does_give_up() -> None:
    """A loop of three rounds is no await loop: the execution in which it gives up is explored."""

    def scenario(sync: Any) -> Any:
        ready = sync.word(0)

        def reader() -> None:
            for _ in repeat(None, 3):
                if ready.load(ACQUIRE):
                    return
                sync.pause()
            raise TimeoutError

        return reader, lambda: ready.store(1, RELEASE)

    assert failure(scenario) == "exception"


def test_counting_loop_gives_up() -> None:
    """A while loop that counts its rounds changes its local state, and is followed to its end."""

    def scenario(sync: Any) -> Any:
        ready = sync.word(0)

        def reader() -> None:
            rounds = 0
            while not ready.load(ACQUIRE):
                sync.pause()
                rounds += 1
                assert rounds < 3

        return reader, lambda: ready.store(1, RELEASE)

    assert failure(scenario) == "assertion"


def test_spin_lock_excludes() -> None:
    """A lock of exchanges excludes with acquire, and does not without."""
    assert failure(spin_lock(2)) is None
    assert failure(spin_lock(2, RELAXED)) == "race"


def test_ticket_lock_excludes() -> None:
    """Three threads take tickets, wait for their turns, and lose no update."""

    def scenario(sync: Any) -> Any:
        tickets, turn, total = sync.word(), sync.word(), sync.cell(0)

        def bump() -> None:
            mine = tickets.fetch_add(1, RELAXED)
            while turn.load(ACQUIRE) != mine:
                sync.pause()
            total.write(total.read() + 1)
            turn.store(mine + 1, RELEASE)

        yield (bump,) * 3
        assert total.read() == 3

    assert failure(scenario) is None


def test_loop_without_pause_is_unknown() -> None:
    """A loop that never says it waits meets the bound on steps, and that is not OK."""

    def scenario(sync: Any) -> Any:
        ready = sync.word(0)

        def reader() -> None:
            while not ready.load(ACQUIRE):
                pass

        return reader, lambda: ready.store(1, RELEASE)

    found = explored(scenario, bounds=Bounds(steps=20))

    assert found.verdict is Verdict.UNKNOWN
    assert found.cut > 0
