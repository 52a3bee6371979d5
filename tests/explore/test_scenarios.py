"""Scenarios: what the explorer accuses, what it does not, and how many executions there are."""

from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST
from stress.explore.exploration import Bounds
from stress.explore.explorer import Search
from stress.explore.machine import NondeterminismError
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


# Data races


@pytest.mark.parametrize("memory", MEMORIES)
def test_message_passing_has_two_executions(memory: str) -> None:
    """With release and acquire the reader sees either nothing or everything."""
    found = explored(message_passing(), memory=memory)

    assert (found.verdict, found.executions) == (Verdict.OK, 2)


@pytest.mark.parametrize(("order", "seen"), [(RELAXED, ACQUIRE), (RELEASE, RELAXED)])
def test_rc11_finds_race_without_release_or_acquire(order: Any, seen: Any) -> None:
    """Without either end the read of the cell races with its write."""
    assert failure(message_passing(order, seen)) == "race"


@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_strong_models_miss_relaxed_publication(memory: str) -> None:
    """Under sc and tso every order releases and acquires: a pass there says nothing of orders."""
    assert failure(message_passing(RELAXED, RELAXED), memory) is None


def test_cell_written_twice_races() -> None:
    """Two writes of a cell by two threads race."""

    def scenario(sync: Any) -> Any:
        cell = sync.cell(0)
        return lambda: cell.write(1), lambda: cell.write(2)

    assert failure(scenario) == "race"


def test_cell_read_twice_does_not_race() -> None:
    """Two reads of a cell never race."""

    def scenario(sync: Any) -> Any:
        cell = sync.cell(0)
        return cell.read, cell.read

    assert failure(scenario) is None


def test_fences_order_cells() -> None:
    """A release fence before, and an acquire fence after, relaxed accesses publish a cell."""

    def scenario(sync: Any) -> Any:
        data, ready = sync.cell(0), sync.word()

        def writer() -> None:
            data.write(42)
            sync.fence(RELEASE)
            ready.store(1, RELAXED)

        def reader() -> None:
            if ready.load(RELAXED):
                sync.fence(ACQUIRE)
                assert data.read() == 42

        return writer, reader

    assert failure(scenario) is None


def test_fence_of_parent_does_not_publish_for_child() -> None:
    """A relaxed store of a thread does not pair with a release fence of the one that started it."""

    def scenario(sync: Any) -> Any:
        data, ready = sync.cell(0), sync.word()

        def reader() -> None:
            if ready.load(ACQUIRE):
                data.read()

        def writer() -> None:
            data.write(1)
            sync.fence(RELEASE)
            sync.spawn(lambda: ready.store(1, RELAXED))

        return writer, reader

    assert failure(scenario) == "race"


def test_join_publishes_cell() -> None:
    """What a thread did happens before the end of a join."""

    def scenario(sync: Any) -> None:
        data = sync.cell(0)
        sync.spawn(lambda: data.write(1)).join()
        assert data.read() == 1

    assert failure(scenario) is None


# Lost updates and atomicity


@pytest.mark.parametrize("memory", MEMORIES)
def test_lost_update_is_found(memory: str) -> None:
    """A load and a store are no increment, whatever the memory model."""

    def scenario(sync: Any) -> Any:
        total = sync.word()

        def bump() -> None:
            total.store(total.load(SEQ_CST) + 1, SEQ_CST)

        yield bump, bump
        assert total.load(SEQ_CST) == 2

    assert failure(scenario, memory) == "assertion"


@pytest.mark.parametrize("memory", MEMORIES)
def test_fetch_add_loses_no_update(memory: str) -> None:
    """A relaxed fetch-add is an increment, and three threads have 3! executions."""

    def scenario(sync: Any) -> Any:
        total = sync.word()
        yield (lambda: total.fetch_add(1, RELAXED),) * 3
        assert total.load(RELAXED) == 3

    found = explored(scenario, memory=memory)

    assert (found.verdict, found.executions) == (Verdict.OK, 6)


def test_compare_exchange_loop_loses_no_update() -> None:
    """A loop around a weak compare-exchange increments, however often it fails spuriously."""

    def scenario(sync: Any) -> Any:
        total = sync.word()

        def bump() -> None:
            seen = total.load(RELAXED)
            for _ in range(3):
                done, seen = total.compare_exchange_weak(seen, seen + 1, RELAXED, RELAXED)
                if done:
                    return

        yield bump, bump
        assert total.load(RELAXED) <= 2

    assert failure(scenario) is None


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        (lambda word: word.exchange(7, RELAXED), 7),
        (lambda word: word.fetch_sub(6, RELAXED), (1 << 64) - 1),
        (lambda word: word.fetch_and(6, RELAXED), 4),
        (lambda word: word.fetch_or(2, RELAXED), 7),
        (lambda word: word.fetch_xor(1, RELAXED), 4),
        (lambda word: word.fetch_add((1 << 64) - 5, RELAXED), 0),
        (lambda word: word.compare_exchange(5, 9, RELAXED, RELAXED), 9),
        (lambda word: word.compare_exchange(4, 9, RELAXED, RELAXED), 5),
    ],
    ids=["exchange", "sub", "and", "or", "xor", "add", "success", "failure"],
)
def test_word_computes(operation: Callable[[Any], object], value: int) -> None:
    """Every operation of a word holding 5 does what its name says, modulo 2**64."""

    def scenario(sync: Any) -> None:
        word = sync.word(5)
        operation(word)
        assert word.load(RELAXED) == value

    assert failure(scenario) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda word: word.load(RELEASE),
        lambda word: word.load(ACQ_REL),
        lambda word: word.store(1, ACQUIRE),
        lambda word: word.compare_exchange(0, 1, SEQ_CST, RELEASE),
    ],
    ids=["load", "load acq_rel", "store", "failure"],
)
def test_word_refuses_wrong_order(wrong: Callable[[Any], object]) -> None:
    """An order that the operation cannot have is a ValueError, and the word keeps its value."""

    def scenario(sync: Any) -> None:
        word = sync.word(0)
        with pytest.raises(ValueError, match="order"):
            wrong(word)
        assert word.load(RELAXED) == 0

    assert failure(scenario) is None


# loom's own tests, with RC11's verdict


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


@pytest.mark.parametrize(
    ("memory", "orders", "fence", "fails"),
    [
        ("rc11", (RELAXED, RELAXED), None, True),
        ("rc11", (RELEASE, ACQUIRE), None, True),
        ("rc11", (SEQ_CST, SEQ_CST), None, False),
        ("rc11", (RELAXED, RELAXED), SEQ_CST, False),
        ("rc11", (RELAXED, RELAXED), ACQ_REL, True),
        ("tso", (RELEASE, ACQUIRE), None, True),
        ("tso", (SEQ_CST, RELAXED), None, False),
        ("tso", (RELAXED, RELAXED), SEQ_CST, False),
        ("tso", (RELAXED, RELAXED), ACQ_REL, True),
        ("sc", (RELAXED, RELAXED), None, False),
    ],
)
def test_store_buffering_has_verdict(
    memory: str,
    orders: tuple[Any, Any],
    fence: Any,
    fails: bool,  # noqa: FBT001
) -> None:
    """Both threads miss the other's store unless seq_cst, of accesses or of fences, forbids it."""
    assert failure(store_buffering(*orders, fence=fence), memory) == (
        "assertion" if fails else None
    )


@pytest.mark.parametrize(("order", "values"), [(ACQ_REL, {0, 1, 2}), (SEQ_CST, {1, 2})])
def test_counter_beside_flags_has_values(order: Any, values: set[int]) -> None:
    """Two threads flag themselves and count whom they miss: with seq_cst not both are missed."""
    seen = set()
    store, load = (RELEASE, ACQUIRE) if order is ACQ_REL else (SEQ_CST, SEQ_CST)

    def scenario(sync: Any) -> Any:
        x, y, z = sync.word(), sync.word(), sync.word()

        def thread(mine: Any, other: Any) -> Callable[[], None]:
            def run() -> None:
                mine.store(1, store)
                if other.load(load):
                    z.fetch_add(1, order)

            return run

        yield thread(x, y), thread(y, x)
        seen.add(z.load(order if order is SEQ_CST else ACQUIRE))

    assert failure(scenario) is None
    assert seen == values


def test_compare_exchange_may_fail_on_old_value() -> None:
    """A failed compare-exchange reads any value that coherence permits, not only the latest."""
    seen = set()

    def scenario(sync: Any) -> Any:
        word = sync.word(0)
        found = sync.cell(None)

        def writer() -> None:
            word.store(1, RELAXED)
            word.store(2, RELAXED)

        yield writer, lambda: found.write(word.compare_exchange(9, 3, RELAXED, RELAXED)[1])
        seen.add(found.read())

    assert failure(scenario) is None
    assert seen == {0, 1, 2}


# Locks and conditions


def abba(sync: Any) -> Any:
    """Two threads take two locks in opposite orders."""
    one, other = sync.lock(), sync.lock()

    def thread(first: Any, second: Any) -> Callable[[], None]:
        def run() -> None:
            with first, second:
                pass

        return run

    return thread(one, other), thread(other, one)


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


# The program misbehaves


def test_state_kept_between_executions_is_reported() -> None:
    """A program that does not repeat itself is nondeterministic, and both steps are named."""
    kept: list[int] = []

    def scenario(sync: Any) -> Any:
        word = sync.word()
        kept.append(0)
        return lambda: word.store(len(kept), RELAXED), lambda: word.load(RELAXED)

    with pytest.raises(NondeterminismError, match=r"was store .*\d.* and is now store .*\d"):
        explored(scenario)


def test_failure_swallowed_in_thread_is_still_nondeterminism() -> None:
    """Code that catches every Exception does not hide that it does not repeat itself."""
    kept: list[int] = []

    def scenario(sync: Any) -> Any:
        word = sync.word()
        kept.append(0)

        def thread() -> None:
            try:
                word.store(len(kept), RELAXED)
                word.load(RELAXED)
            except Exception:  # noqa: BLE001
                word.load(RELAXED)

        return thread, lambda: word.load(RELAXED)

    with pytest.raises(NondeterminismError):
        explored(scenario)


def test_abandoned_thread_takes_no_step() -> None:
    """A finally block of a thread that an execution leaves behind cannot take a step."""

    def scenario(sync: Any) -> Any:
        one, other = sync.lock(), sync.lock()
        word = sync.word()

        def thread(first: Any, second: Any) -> Callable[[], None]:
            def run() -> None:
                try:
                    with first, second:
                        pass
                finally:
                    word.store(1, RELAXED)

            return run

        return thread(one, other), thread(other, one)

    for _ in range(2):
        assert failure(scenario) == "deadlock"


def test_many_threads_are_explored() -> None:
    """Nine threads and the main one are more than the machine is first made for."""

    def scenario(sync: Any) -> Any:
        word = sync.word()
        yield (lambda: word.load(RELAXED),) * 9

    found = explored(scenario)

    assert (found.verdict, found.executions) == (Verdict.OK, 1)


def test_locations_made_by_threads_are_their_own() -> None:
    """A word that a thread makes while it runs, and hands over, is a location like any other."""

    def scenario(sync: Any) -> Any:
        slot, ready = sync.cell(None), sync.word()

        def maker() -> None:
            word = sync.word(7)
            word.fetch_add(1, RELAXED)
            slot.write(word)
            ready.store(1, RELEASE)

        def user() -> None:
            if ready.load(ACQUIRE):
                assert slot.read().fetch_add(1, RELAXED) == 8

        return maker, user

    found = explored(scenario)

    assert (found.verdict, found.executions) == (Verdict.OK, 2)


def test_objects_in_cells_belong_to_their_execution() -> None:
    """What is read from a cell is the object that this execution wrote, not one of an earlier."""

    def scenario(sync: Any) -> Any:
        slot, lock = sync.cell(None), sync.lock()
        mine = object()

        def writer() -> None:
            with lock:
                slot.write(mine)

        def reader() -> None:
            with lock:
                assert slot.read() in (None, mine)

        return writer, reader, reader

    assert failure(scenario) is None


# Searches that sample


@pytest.mark.parametrize("search", ["random", "pct"])
def test_sampling_finds_bugs(search: str) -> None:
    """Random walks and PCT find a race, a lost update, a deadlock and a lost wake-up."""
    for scenario, kind in [
        (message_passing(RELAXED), "race"),
        (store_buffering(RELAXED, RELAXED), "assertion"),
        (abba, "deadlock"),
        (waiting(recheck=False), "lost wake-up"),
    ]:
        assert failure(scenario, search=Search(search, 1), bounds=Bounds(500)) == kind


@pytest.mark.parametrize("search", ["random", "pct"])
def test_sampling_accuses_no_correct_program(search: str) -> None:
    """What is drawn is consistent: a correct program never fails."""
    for scenario in (message_passing(), store_buffering(SEQ_CST, SEQ_CST), spin_lock(3)):
        assert failure(scenario, search=Search(search, 1), bounds=Bounds(300)) is None
