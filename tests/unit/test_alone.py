"""One thread alone finds genuine words and locks, and is told where it would wait for ever."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST
from stress.alone import LoneSync, WaitsForEverError


def forever(wait: Callable[[], object]) -> None:
    """Wait again and again, for what nobody will do."""
    while True:
        wait()


def test_words_cells_and_locks_are_genuine() -> None:
    """Alone, everything does what it does on the real machine."""
    sync = LoneSync()
    word, cell, lock = sync.word(5, name="word"), sync.cell("a"), sync.lock()

    assert word.fetch_add(3, RELAXED) == 5
    assert word.compare_exchange(8, 1, ACQ_REL, ACQUIRE) == (True, 8)
    word.store(-1, RELEASE)
    assert word.load(ACQUIRE) == 2**64 - 1
    cell.write("b")
    assert cell.read() == "b"
    assert not lock.held_by_me()
    with lock:
        assert lock.held_by_me()
        sync.fence(SEQ_CST)
    assert not lock.held_by_me()


def test_condition_can_be_notified() -> None:
    """Nobody waits, so notifying wakes nobody; it takes the lock all the same."""
    sync = LoneSync()
    lock = sync.lock()
    condition = sync.condition(lock)
    with lock:
        condition.notify()
        condition.notify(2)
        condition.notify_all()
    with pytest.raises(RuntimeError):
        condition.notify()


WAITS: dict[str, Callable[[Any, Any, Any, Any], Callable[[], object]]] = {
    "pause": lambda sync, _word, _cell, _lock: sync.pause,
    "word": lambda _sync, word, _cell, _lock: lambda: word.load(ACQUIRE),
    "kept method": lambda _sync, word, _cell, _lock: partial(word.load, ACQUIRE),
    "cell": lambda _sync, _word, cell, _lock: cell.read,
    "lock": lambda _sync, _word, _cell, lock: lambda: lock.__enter__() and lock.release(),
    "fence": lambda sync, _word, _cell, _lock: lambda: sync.fence(RELAXED),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WAITS)
def test_loop_that_waits_is_told_so(name: str) -> None:
    """Whatever a loop looks at, with or without a pause, it comes to an end."""
    sync = LoneSync()
    wait = WAITS[name](sync, sync.word(), sync.cell(0), sync.lock())

    with pytest.raises(WaitsForEverError, match=r"it (paused|took) .* nobody to wait for"):
        forever(wait)


def test_waiting_for_a_notification_is_told() -> None:
    """There is nobody to notify."""
    sync = LoneSync()
    lock = sync.lock()
    with lock, pytest.raises(WaitsForEverError, match="nobody to do so"):
        sync.condition(lock).wait()


def test_lock_that_is_held_is_not_waited_for() -> None:
    """Who wants a lock twice is refused, and does not stand still."""
    lock = LoneSync().lock()
    with lock, pytest.raises(RuntimeError, match="already holds the lock"):
        lock.acquire()


def test_count_begins_anew_with_every_call() -> None:
    """It takes one call to wait for ever; many that are short do not add up."""
    sync = LoneSync()
    word = sync.word()
    for _ in range(5):
        sync.begin()
        for _ in range(900):
            sync.pause()
            word.load(RELAXED)


def test_thread_that_is_started_runs_to_its_end() -> None:
    """Nothing is concurrent: what it does is done when it has been started."""
    sync = LoneSync()
    word, lock = sync.word(), sync.lock()

    def work() -> None:
        with lock:
            word.store(1, RELEASE)

    thread = sync.spawn(work)

    assert word.load(ACQUIRE) == 1
    thread.join()


def test_thread_that_waits_for_its_starter_is_told() -> None:
    """A lock whose owner waits for the thread hangs nothing; the reason is there to be joined."""
    sync = LoneSync()
    lock = sync.lock()
    with lock:
        with pytest.raises(WaitsForEverError, match="whose owner waits"):
            sync.spawn(lock.acquire).join()
        assert lock.held_by_me()
    with lock:
        """It is free again."""
