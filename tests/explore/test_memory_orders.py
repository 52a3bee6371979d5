"""Scenarios: data races, atomicity, and what memory orders permit."""

from collections.abc import Callable
from typing import Any

import pytest

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST
from stress.explore.scenario import explored
from stress.verdict import Verdict
from tests.explore.programs import (
    MEMORIES,
    failure,
    message_passing,
    store_buffering,
)

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
