"""Which orders are load-bearing: found by weakening each access, alone and together."""

from pathlib import Path
from typing import Any

import pytest

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, MemoryOrder
from stress.explore.exploration import Bounds
from stress.orders import BrokenAsWrittenError, UnexploredError, Weakening, weakenings


def message_passing(sync: Any) -> Any:
    """Publish a cell, with orders stronger than needed, and count beside it."""
    data, ready, count = sync.cell(0), sync.word(0), sync.word(0)

    def writer() -> None:
        data.write(42)
        count.fetch_add(1, SEQ_CST)
        ready.store(1, SEQ_CST)

    def reader() -> None:
        count.fetch_add(1, ACQ_REL)
        if ready.load(SEQ_CST):
            assert data.read() == 42

    return writer, reader


def store_buffering(sync: Any) -> Any:
    """Store and look at the other's store, with seq_cst, which is what it takes."""
    x, y = sync.word(), sync.word()
    missed = sync.word()

    def one() -> None:
        x.store(1, SEQ_CST)
        if not y.load(SEQ_CST):
            missed.fetch_add(1, RELAXED)

    def other() -> None:
        y.store(1, SEQ_CST)
        if not x.load(SEQ_CST):
            missed.fetch_add(1, RELAXED)

    yield one, other
    assert missed.load(RELAXED) < 2


def either(sync: Any) -> Any:
    """Publish a cell in two ways, of which the reader needs one."""
    data, ready = sync.cell(0), sync.word(0)

    def writer() -> None:
        data.write(42)
        sync.fence(RELEASE)
        ready.store(1, RELEASE)

    def reader() -> None:
        if ready.load(ACQUIRE):
            assert data.read() == 42

    return writer, reader


def racy(sync: Any) -> Any:
    """Write a cell twice."""
    data = sync.cell(0)
    return lambda: data.write(1), lambda: data.write(2)


def by_operation(found: list[Weakening]) -> dict[str, tuple[MemoryOrder, ...]]:
    """Return the weakest orders alone, by operation: all of one operation have the same."""
    return {each.site.operation: each.weakest for each in found}


def test_over_strong_orders_are_found() -> None:
    """Of a seq_cst publication only the release and the acquire are needed; of a count nothing."""
    found = weakenings({"mp": message_passing})

    assert by_operation(found) == {
        "store": (RELEASE,),
        "load": (ACQUIRE,),
        "fetch_add": (RELAXED,),
    }
    assert [each.together for each in found] == [RELAXED, RELEASE, RELAXED, ACQUIRE]
    assert found[1].broke == {RELAXED: "race in mp"}
    assert Path(found[1].site.file).name == "test_orders.py"


def test_seq_cst_is_load_bearing() -> None:
    """Where no store may be missed by both sides, nothing weaker than seq_cst passes."""
    found = weakenings({"sb": store_buffering})
    strong = [each for each in found if each.site.operation in ("load", "store")][:4]

    assert all(each.load_bearing for each in strong)


def test_two_ways_are_weakened_one_at_a_time() -> None:
    """Of a fence and a release store either may go, and together only one does."""
    found = weakenings({"either": either})
    alone = by_operation(found)

    assert (alone["fence"], alone["store"]) == ((RELAXED,), (RELAXED,))
    assert sorted(each.together or 0 for each in found) == [RELAXED, ACQUIRE, RELEASE]


def test_subject_that_does_not_pass_is_refused() -> None:
    """Orders are judged only where everything passes with those that were written."""
    with pytest.raises(BrokenAsWrittenError, match="race in it"):
        weakenings({"it": racy})


def test_subject_that_is_not_explored_to_its_end_is_no_broken_one() -> None:
    """Nothing is known of it, whatever its orders; a fault in another scenario is still one."""
    bounds = Bounds(executions=1)
    with pytest.raises(UnexploredError, match="it is not explored"):
        weakenings({"it": store_buffering}, bounds=bounds)
    with pytest.raises(BrokenAsWrittenError, match="race in that"):
        weakenings({"it": store_buffering, "that": racy}, bounds=bounds)
