"""Scenarios that fail, each in its own way; their lines are in the golden reports."""

from collections.abc import Callable, Iterator

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, AtomicWord, Sync

type Thread = Callable[[], object]


def race(sync: Sync) -> tuple[Thread, ...]:
    """Plain data is published by a store that does not release."""
    data, ready = sync.cell(0), sync.word()

    def writer() -> None:
        data.write(42)
        ready.store(1, RELAXED)

    def reader() -> None:
        if ready.load(ACQUIRE):
            data.read()

    return writer, reader


def unguarded(sync: Sync) -> tuple[Thread, ...]:
    """One of two threads forgets the lock."""
    lock, total = sync.lock(), sync.cell(0)

    def careful() -> None:
        with lock:
            total.write(total.read() + 1)

    def careless() -> None:
        total.write(total.read() + 1)

    return careful, careless


def stale(sync: Sync) -> tuple[Thread, ...]:
    """See the flag, and not the data."""
    data, ready = sync.word(), sync.word()

    def writer() -> None:
        data.store(42, RELAXED)
        ready.store(1, RELAXED)

    def reader() -> None:
        if ready.load(RELAXED):
            found = data.load(RELAXED)
            assert found == 42, "the flag was up and the data was not there"

    return writer, reader


def store_buffering(sync: Sync) -> Iterator[tuple[Thread, ...]]:
    """Each thread stores, and misses the store of the other."""
    flags = [sync.word(), sync.word()]
    seen = [1, 1]

    def left() -> None:
        flags[0].store(1, RELEASE)
        seen[0] = flags[1].load(ACQUIRE)

    def right() -> None:
        flags[1].store(1, RELEASE)
        seen[1] = flags[0].load(ACQUIRE)

    yield left, right
    assert any(seen), "both threads came in"


def lost_update(sync: Sync) -> Iterator[tuple[Thread, ...]]:
    """Two increments that are no read-modify-writes."""
    total = sync.word()

    def bump() -> None:
        total.store(total.load(SEQ_CST) + 1, SEQ_CST)

    yield bump, bump
    assert total.load(SEQ_CST) == 2


def crossed_locks(sync: Sync) -> tuple[Thread, ...]:
    """Two locks, taken in different orders."""
    left, right = sync.lock(), sync.lock()

    def forth() -> None:
        with left, right:
            pass

    def back() -> None:
        with right, left:
            pass

    return forth, back


def forgotten_lock(sync: Sync) -> tuple[Thread, ...]:
    """End with the lock."""
    lock = sync.lock(name="the lock")

    def taker() -> None:
        lock.acquire()

    return taker, taker


def lost_wake_up(sync: Sync) -> tuple[Thread, ...]:
    """Wait without asking whether it still has to be."""
    lock = sync.lock()
    ready = sync.condition(lock)

    def sleeper() -> None:
        with lock:
            ready.wait()

    def waker() -> None:
        with lock:
            ready.notify()

    return sleeper, waker


def one_of_two(sync: Sync) -> tuple[Thread, ...]:
    """Two threads wait, and one is woken."""
    lock, done = sync.lock(), sync.cell(0)
    ready = sync.condition(lock)

    def sleeper() -> None:
        with lock:
            while not done.read():
                ready.wait()

    def waker() -> None:
        with lock:
            done.write(1)
            ready.notify()

    return sleeper, sleeper, waker


def livelock(sync: Sync) -> tuple[Thread, ...]:
    """Wait for a value that nobody writes."""
    state = sync.word()

    def starter() -> None:
        state.store(1, RELEASE)

    def waiter() -> None:
        while state.load(ACQUIRE) != 2:
            sync.pause()

    return starter, waiter


class Ticket:
    """A ticket dispenser."""

    def __init__(self, sync: Sync) -> None:
        self._next = sync.word()

    def draw(self) -> int:
        """Draw the next ticket."""
        return self._next.fetch_add(1, RELAXED)


def four_threads(sync: Sync) -> Iterator[tuple[Thread, ...]]:
    """More threads than there are lanes."""
    ticket = Ticket(sync)
    drawn: list[int] = []

    def draw() -> None:
        drawn.append(ticket.draw())

    yield draw, draw, draw, draw
    assert len(drawn) == 3


def hand_over(sync: Sync) -> tuple[Thread, ...]:
    """Three threads, and read-modify-writes that go on with a release sequence."""
    turn, ready = sync.word(), sync.word()

    def first() -> None:
        turn.fetch_add(1, ACQ_REL)
        ready.store(1, RELEASE)

    def second() -> None:
        if ready.load(ACQUIRE):
            done, _ = turn.compare_exchange(2, 3, ACQ_REL, ACQUIRE)
            assert not done

    def third() -> None:
        turn.compare_exchange_weak(1, 2, RELAXED, RELAXED)

    return first, second, third


def fences(sync: Sync) -> tuple[Thread, ...]:
    """Relaxed accesses that synchronise through fences; the failure is not theirs."""
    data, ready = sync.cell(0), sync.word()

    def writer() -> None:
        data.write(7)
        sync.fence(RELEASE)
        ready.store(1, RELAXED)

    def reader() -> None:
        while not ready.load(RELAXED):
            sync.pause()
        sync.fence(ACQUIRE)
        if data.read() == 7:
            raise LookupError("seven")

    return writer, reader


def weak_exchange(sync: Sync) -> None:
    """Compare-exchange, weakly, what is as expected."""
    word = sync.word(5)

    def exchanger() -> None:
        done, found = word.compare_exchange_weak(5, 6, RELAXED, RELAXED)
        assert done or found != 5

    sync.spawn(exchanger).join()


def overtaken_store(sync: Sync) -> Iterator[tuple[Thread, ...]]:
    """Store to two words in opposite orders."""
    x, y = sync.word(), sync.word()

    def rising() -> None:
        x.store(1, RELAXED)
        y.store(2, RELAXED)

    def falling() -> None:
        y.store(1, RELAXED)
        x.store(2, RELAXED)

    yield rising, falling
    assert (x.load(RELAXED), y.load(RELAXED)) != (1, 1)


def family(sync: Sync) -> None:
    """Threads start threads; the grandchildren make words of their own."""
    words: list[AtomicWord] = []

    def grandchild() -> None:
        words.append(sync.word(1))
        words[-1].fetch_add(1, RELAXED)

    def child() -> None:
        handle = sync.spawn(grandchild)
        handle.join()

    children = [sync.spawn(child), sync.spawn(child)]
    for each in children:
        each.join()
    assert sum(word.load(RELAXED) for word in words) != 4


def early_publication(sync: Sync) -> tuple[Thread, ...]:
    """Release the flag before the data is written."""
    data, ready = sync.cell(0), sync.word()

    def writer() -> None:
        ready.store(1, RELEASE)
        data.write(42)

    def reader() -> None:
        if ready.load(ACQUIRE):
            data.read()

    return writer, reader
