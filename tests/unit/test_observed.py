"""Observed locks: exact instants, the right owner, and nothing lost of what is beneath."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from random import Random
from types import TracebackType
from typing import Self

import pytest

from registrar.sync import RELAXED, SEQ_CST, native
from stress.threads.observed import ObservedLock, ObservedSync, Taken, clock, worker

PAUSES = [0, 40]


@pytest.fixture(autouse=True)
def _numbered() -> Iterator[None]:
    """Give the calling thread back the number it had."""
    before = worker.process
    yield
    worker.process = before


class TimedLock:
    """A lock of nobody but the caller, which notes the instants around its own two changes."""

    def __init__(self) -> None:
        self.held = False
        self.instants: list[int] = []

    def acquire(self) -> None:
        """Own the lock."""
        self._change(held=True)

    def release(self) -> None:
        """Give it up."""
        self._change(held=False)

    def held_by_me(self) -> bool:
        """Return whether it is owned."""
        return self.held

    def _change(self, *, held: bool) -> None:
        self.instants.append(clock())
        self.held = held
        self.instants.append(clock())

    def __enter__(self) -> Self:
        raise AssertionError("an observed lock acquires and releases by itself")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        raise AssertionError("an observed lock acquires and releases by itself")


def test_clock_never_goes_back() -> None:
    """Later readings of the clock are no smaller."""
    instants = [clock() for _ in range(1000)]

    assert instants == sorted(instants)


@pytest.mark.parametrize("pauses", [[], [300]])
def test_span_encloses_ownership_exactly(pauses: list[int]) -> None:
    """Asked is before the lock was tried, owned after it was had, released before it was free."""
    timed, taken = TimedLock(), list[Taken]()
    lock = ObservedLock(timed, "mutex", taken, pauses)
    before = clock()
    with lock:
        pass
    tried, had, giving, _free = timed.instants

    ((name, process, asked, owned, released),) = taken
    assert (name, process) == ("mutex", worker.process)
    assert before <= asked <= tried <= had <= owned <= released <= giving


def test_lock_notes_owner_by_process_number() -> None:
    """An ownership belongs to the number its thread had in the history at that time."""
    sync = ObservedSync(native, Random(1), 0)
    mutex, other = sync.lock(name="mutex"), sync.lock(name="other")
    for process, lock in ((7, mutex), (3, other), (7, other)):
        worker.process = process
        with lock:
            pass

    assert [(taken.name, taken.process) for taken in sync.taken] == [
        ("mutex", 7),
        ("other", 3),
        ("other", 7),
    ]


def test_lock_notes_nothing_before_release() -> None:
    """An ownership is noted once, when it ends, also where it ends in an exception."""
    sync = ObservedSync(native, Random(1), 0)
    lock = sync.lock(name="mutex")
    with suppress(KeyError), lock:
        assert lock.held_by_me()
        assert sync.taken == []
        raise KeyError

    assert not lock.held_by_me()
    assert len(sync.taken) == 1


def test_release_by_stranger_raises_and_notes_nothing() -> None:
    """Releasing a lock one does not own is the error of the lock beneath, and no ownership."""
    sync = ObservedSync(native, Random(1), 0)
    with pytest.raises(RuntimeError, match="does not hold"):
        sync.lock().release()

    assert sync.taken == []


@pytest.mark.threads
@pytest.mark.parametrize("pauses", PAUSES)
def test_ownerships_never_overlap(pauses: int) -> None:
    """Threads that fight for one lock own it one after the other, as the notes say, in order."""
    sync = ObservedSync(native, Random(1), pauses)
    lock = sync.lock(name="mutex")

    def fight(process: int) -> None:
        worker.process = process
        for _ in range(200):
            with lock:
                pass

    fighters = [native.spawn(lambda me=me: fight(me)) for me in range(3)]  # type: ignore[misc]
    for fighter in fighters:
        fighter.join()

    assert sorted(taken.process for taken in sync.taken) == [0] * 200 + [1] * 200 + [2] * 200
    assert all(taken.asked <= taken.owned <= taken.released for taken in sync.taken)
    assert all(one.released <= other.owned for one, other in pairwise(sync.taken))


@pytest.mark.threads
def test_condition_of_observed_lock_wakes_waiter() -> None:
    """A wait for an observed lock's condition ends one ownership, and begins one when it ends."""
    sync = ObservedSync(native, Random(1), 0)
    lock = sync.lock(name="mutex")
    condition = sync.condition(lock)
    ready = sync.cell(False)  # noqa: FBT003  (a cell's content)

    def make_ready() -> None:
        with lock:
            ready.write(True)  # noqa: FBT003
            condition.notify_all()

    with lock:
        other = sync.spawn(make_ready)
        while not ready.read():
            condition.wait()
        assert lock.held_by_me()
    other.join()

    assert all(one.released <= other.owned for one, other in pairwise(sync.taken))
    assert len(sync.taken) >= 3


def test_wait_without_lock_raises_and_notes_nothing() -> None:
    """Waiting without owning the lock is the error of the condition beneath."""
    sync = ObservedSync(native, Random(1), 0)
    condition = sync.condition(sync.lock())
    with pytest.raises(RuntimeError):
        condition.wait()

    assert sync.taken == []


def test_sync_makes_words_and_cells_of_the_one_beneath() -> None:
    """Words, cells, fences and pauses are not observed: they are those of the `Sync` beneath."""
    sync = ObservedSync(native, Random(1), 5)
    word, cell = sync.word(5), sync.cell(5)
    word.fetch_add(2, SEQ_CST)
    cell.write(7)
    sync.fence(SEQ_CST)
    sync.pause()

    assert (word.load(RELAXED), cell.read()) == (7, 7)
    assert type(word) is type(native.word())
    assert type(cell) is type(native.cell(0))
