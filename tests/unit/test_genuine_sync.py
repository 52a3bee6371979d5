"""`native`: ownership of locks, conditions, cells, threads, and fences on real cores."""

import threading
from collections.abc import Callable, Iterator

import pytest

from registrar.sync import (
    ACQ_REL,
    ACQUIRE,
    RELAXED,
    RELEASE,
    SEQ_CST,
    AtomicWord,
    Lock,
    MemoryOrder,
    native,
)


@pytest.fixture
def lock() -> Lock:
    """Return a new lock, free."""
    return native.lock()


def elsewhere[T](function: Callable[[], T]) -> T:
    """Return what `function` returns, or raise what it raises, in a thread of its own."""
    returned: list[T] = []
    native.spawn(lambda: returned.append(function())).join()
    return returned[0]


def test_lock_belongs_to_its_thread(lock: Lock) -> None:
    """A lock is held by the thread that acquired it, not by another, until it is released."""
    held = [lock.held_by_me()]
    lock.acquire()
    held += [lock.held_by_me(), elsewhere(lock.held_by_me)]
    lock.release()

    assert [*held, lock.held_by_me()] == [False, True, False, False]


def test_lock_is_held_within_block(lock: Lock) -> None:
    """A with block holds the lock, and releases it though the block raises."""

    def fail() -> None:
        with lock:
            held.append(lock.held_by_me())
            raise ZeroDivisionError

    held: list[bool] = []
    with pytest.raises(ZeroDivisionError):
        fail()

    assert [*held, lock.held_by_me()] == [True, False]
    elsewhere(lock.acquire)


def test_lock_rejects_second_acquire(lock: Lock) -> None:
    """Acquiring a lock twice is a RuntimeError instead of a deadlock, and it stays held."""
    with lock:
        with pytest.raises(RuntimeError, match="not re-entrant"):
            lock.acquire()
        with pytest.raises(RuntimeError, match="not re-entrant"), lock:
            pytest.fail("the block was entered")
        assert lock.held_by_me()


@pytest.mark.parametrize("holder", ["nobody", "another thread"])
def test_lock_rejects_release_of_others(lock: Lock, holder: str) -> None:
    """Only the owner releases a lock: otherwise RuntimeError (S2)."""
    if holder == "another thread":
        elsewhere(lock.acquire)

    with pytest.raises(RuntimeError, match="does not hold"):
        lock.release()


@pytest.mark.threads
def test_lock_excludes_other_threads(lock: Lock) -> None:
    """Four threads that count in a plain cell under the lock lose nothing (S2)."""
    cell = native.cell(0)

    def count() -> None:
        for _ in range(2000):
            with lock:
                cell.write(cell.read() + 1)

    workers = [native.spawn(count) for _ in range(4)]
    for worker in workers:
        worker.join()

    assert cell.read() == 8000


@pytest.mark.threads
def test_condition_wakes_waiter(lock: Lock) -> None:
    """A waiter gives the lock up, wakes when notified, and owns the lock again."""
    condition, steps = native.condition(lock), list[str]()

    def wait() -> None:
        with lock:
            steps.append("waits")
            condition.notify()
            while "notified" not in steps:
                condition.wait()
            steps.append(f"woke, lock held: {lock.held_by_me()}")

    with lock:
        waiter = native.spawn(wait)
        while "waits" not in steps:
            condition.wait()
        steps.append("notified")
        condition.notify_all()
    waiter.join()

    assert steps == ["waits", "notified", "woke, lock held: True"]


def test_condition_needs_its_lock(lock: Lock) -> None:
    """A condition is used by the owner of its lock alone: otherwise RuntimeError."""
    condition = native.condition(lock)

    for use in (condition.wait, condition.notify, condition.notify_all):
        with pytest.raises(RuntimeError):
            use()


def test_cell_returns_what_was_written() -> None:
    """A cell holds any object, from the start and after each write."""
    cell = native.cell("first", name="any")
    before = cell.read()
    cell.write("second")

    assert (before, cell.read()) == ("first", "second")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_join_raises_what_thread_raised(error: type[BaseException]) -> None:
    """Joining a thread raises what it raised, BaseExceptions included."""

    def fail() -> None:
        raise error("from the thread")

    with pytest.raises(error, match="from the thread"):
        native.spawn(fail).join()


def test_join_waits_for_end() -> None:
    """Joining a thread returns after its last step."""
    steps: list[int] = []
    native.spawn(lambda: steps.extend(range(1000))).join()

    assert len(steps) == 1000


def test_spawned_thread_never_keeps_process() -> None:
    """A spawned thread is a daemon: one that hangs cannot keep a test run from ending."""
    assert elsewhere(lambda: threading.current_thread().daemon)


@pytest.mark.parametrize("order", MemoryOrder)
def test_fence_accepts_every_order(order: MemoryOrder) -> None:
    """A fence takes each order (C11 7.17.4.1), and pause() none."""
    native.fence(order)
    native.pause()


# Litmus tests.  Words count rounds, so each round is a test of its own, without any reset; and
# no thread is more than one round ahead, so rounds overlap without a barrier.

ROUNDS = 10_000


def rounds(other: AtomicWord) -> Iterator[int]:
    """Count from 1, staying at most one round ahead of the other thread's count."""
    for number in range(1, ROUNDS + 1):
        spins = 0
        while other.load(RELAXED) < number - 1:
            spins += 1
            if spins > 50:
                native.pause()
        yield number


@pytest.mark.threads
@pytest.mark.slow
def test_fences_forbid_store_buffering() -> None:
    """With seq_cst fences, of two threads that store and then load, one sees the other's store.

    On x86, where a store may be delayed past a load, this can fail only if ``fence`` ends in no
    locked instruction.  The interpreter's own work takes far longer than a store is delayed, so
    even then it would fail seldom: a pass is no proof.
    """
    words = [native.word(), native.word()]
    seen = [[0] * (ROUNDS + 1), [0] * (ROUNDS + 1)]

    def run(me: int) -> None:
        mine, other = words[me], words[1 - me]
        for number in rounds(other):
            mine.store(number, RELAXED)
            native.fence(SEQ_CST)
            seen[me][number] = other.load(RELAXED)

    workers = [native.spawn(lambda: run(0)), native.spawn(lambda: run(1))]
    for worker in workers:
        worker.join()

    numbers = range(1, ROUNDS + 1)
    assert [n for n in numbers if seen[0][n] < n and seen[1][n] < n] == []
    assert any(seen[0][n] >= n for n in numbers)  # else nothing met, and nothing was tested


@pytest.mark.threads
@pytest.mark.slow
@pytest.mark.parametrize("orders", [(RELEASE, ACQUIRE), (ACQ_REL, ACQ_REL), (SEQ_CST, SEQ_CST)])
def test_fences_forbid_stale_message(orders: tuple[MemoryOrder, MemoryOrder]) -> None:
    """A reader that sees the flag sees the data, by a fence after either and relaxed accesses.

    x86 delays neither stores past stores nor loads past loads, so there this can only show that
    ``fence`` accepts the orders and that words are genuine; on arm64 it can fail.
    """
    data, flag = native.word(), native.word()
    stale: list[tuple[int, int]] = []

    def write() -> None:
        for number in range(1, ROUNDS + 1):
            data.store(number, RELAXED)
            native.fence(orders[0])
            flag.store(number, RELAXED)

    def read() -> None:
        number = 0
        while number < ROUNDS:
            number = flag.load(RELAXED)
            native.fence(orders[1])
            found = data.load(RELAXED)
            if found < number:
                stale.append((number, found))

    workers = [native.spawn(write), native.spawn(read)]
    for worker in workers:
        worker.join()

    assert stale == []
