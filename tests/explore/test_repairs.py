"""The obvious repairs of a failure are explored again: what mends it holds, and nothing else does.

Each scenario is tried with the change made in its source, too: both must come to the same.
"""

from collections.abc import Callable, Generator

import pytest

from registrar.sync import ACQUIRE, RELAXED, RELEASE, SEQ_CST, MemoryOrder, Sync
from stress import registry, repairs
from stress.explore.record import as_json, report_of
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.repairs import Attempts
from stress.verdict import Verdict

HERE = "tests/explore/test_repairs.py"
type Threads = tuple[Callable[[], object], ...]


def message_passing(sync: Sync) -> Threads:
    """Publish plain data by a relaxed store."""
    return passing(sync, RELAXED, ACQUIRE)


def relaxed_passing(sync: Sync) -> Threads:
    """Both ends are relaxed."""
    return passing(sync, RELAXED, RELAXED)


def passing(sync: Sync, published: MemoryOrder, looked: MemoryOrder) -> Threads:
    """Publish plain data by a flag."""
    data, ready = sync.cell(0), sync.word()

    def writer() -> None:
        data.write(42)
        ready.store(1, published)

    def reader() -> None:
        if ready.load(looked):
            data.read()

    return writer, reader


def store_buffering(sync: Sync) -> Generator[Threads]:
    """Each thread stores, and misses the store of the other."""
    yield from buffering(sync, RELAXED, fence=None)


def buffering(sync: Sync, order: MemoryOrder, fence: MemoryOrder | None) -> Generator[Threads]:
    """Store, and then load what the other stores."""
    x, y, seen = sync.word(), sync.word(), [1, 1]

    def left() -> None:
        x.store(1, order)
        if fence:
            sync.fence(fence)
        seen[0] = y.load(order if order.orders_loads else RELAXED)

    def right() -> None:
        y.store(1, order)
        if fence:
            sync.fence(fence)
        seen[1] = x.load(order if order.orders_loads else RELAXED)

    yield left, right
    assert any(seen), "both came in"


def lost_update(sync: Sync) -> Generator[Threads]:
    """Two increments that are no read-modify-writes."""
    total = sync.word()

    def bump() -> None:
        total.store(total.load(RELAXED) + 1, RELAXED)

    yield bump, bump
    assert total.load(RELAXED) == 2


def unlocked(sync: Sync) -> Threads:
    """Release a lock made of a word by a relaxed exchange."""
    held, data = sync.word(), sync.cell(0)

    def enter() -> None:
        if held.compare_exchange(0, 1, ACQUIRE, RELAXED)[0]:
            data.write(data.read() + 1)
            held.exchange(0, RELAXED)

    return enter, enter


def endless(sync: Sync) -> Threads:
    """Have more executions than anybody visits, and one that fails."""
    words = [sync.word() for _ in range(4)]
    data, ready = sync.cell(0), sync.word()

    def write() -> None:
        data.write(1)
        ready.store(1, RELAXED)
        for word in words:
            word.fetch_add(1, RELAXED)

    def read() -> None:
        for word in words:
            word.fetch_add(1, RELAXED)
        if ready.load(ACQUIRE):
            data.read()

    def beside() -> None:
        for word in words:
            word.fetch_add(1, RELAXED)

    return read, write, beside


def attempts(name: str, memory: str = "rc11") -> Attempts:
    """Return what was tried of the first failure of a scenario of this file."""
    target = f"{HERE}::{name}" if "/" not in name else name
    scenario: Scenario = (
        registry.find(name.partition("/")[0]).scenarios()[name.partition("/")[2]]
        if "/" in name
        else globals()[name]
    )
    task = ScenarioTask(scenario, memory)
    found = explored(scenario, memory=memory)
    return repairs.tried(as_json(task, found, report_of(task, found, target), target))


def verdicts(found: Attempts) -> dict[str, str]:
    """Return what came of each change."""
    return {each.change: each.verdict for each in found.tried}


def test_release_mends_message_passing() -> None:
    """The store made a release holds, or a release fence before it; a stronger load does not."""
    found = verdicts(attempts("message_passing"))

    assert list(found)[:2] == ["step 2   relaxed → release", "step 2   release fence before it"]
    assert found["step 2   relaxed → release"] == "holds"
    assert found["step 2   release fence before it"] == "holds"
    assert found["step 3   acquire → seq_cst"] == "fails"
    assert explored(lambda sync: passing(sync, RELEASE, ACQUIRE)).verdict is Verdict.OK


def test_one_end_does_not_mend_two() -> None:
    """Where release and acquire are missing, neither alone holds: that is said, and both are."""
    found = attempts("relaxed_passing")
    holding = [each.change for each in found.tried if each.verdict == "holds"]

    assert found.note == "No single change mends it; two together do."
    assert holding == ["step 2   relaxed → release, and step 3   relaxed → acquire"]
    assert verdicts(found)["step 2   relaxed → release"] == "fails"
    assert explored(lambda sync: passing(sync, RELEASE, RELAXED)).verdict is Verdict.FAILED


def test_store_buffering_needs_fences() -> None:
    """No acquire or release keeps a store before a load: two seq_cst fences do."""
    found = attempts("store_buffering")
    [holding] = [each for each in found.tried if each.verdict == "holds"]

    assert holding.change.count("seq_cst fence") == 2
    fenced = explored(lambda sync: buffering(sync, RELAXED, SEQ_CST))
    released = explored(lambda sync: buffering(sync, RELAXED, RELEASE))
    assert (fenced.verdict, released.verdict) == (Verdict.OK, Verdict.FAILED)


def test_buffers_of_stores_are_drained_by_seq_cst() -> None:
    """Under tso release and acquire change nothing, so they are not tried."""
    found = attempts("store_buffering", "tso")

    assert any(each.verdict == "holds" for each in found.tried)
    assert not any("acquire" in each.change or "→ release" in each.change for each in found.tried)


@pytest.mark.parametrize("name", ["lost_update", "registrar:no-recheck/same-chunk"])
def test_what_no_order_mends_is_not_tried(name: str) -> None:
    """It fails with every access seq_cst as well."""
    found = attempts(name)

    assert found.tried == []
    assert found.note == "It fails with every access seq_cst as well, so no memory order mends it."


def test_failure_of_interleavings_is_not_mended_by_orders() -> None:
    """Under sequential consistency orders have no say."""
    assert "no memory order mends it" in attempts("lost_update", "sc").note


def test_update_is_mended_by_release() -> None:
    """Of a read-modify-write each half is tried; the one that is missing holds, as written."""
    found = verdicts(attempts("unlocked"))

    assert any(text.endswith("relaxed → release") for text in found if found[text] == "holds")
    assert not any(text.endswith("relaxed → acquire") for text in found if found[text] == "holds")


def test_mutant_of_a_model_is_mended_by_what_was_taken_away() -> None:
    """The smallest repair of a weakened store is the order it had."""
    found = attempts("once:relaxed-store/three").tried

    assert (found[0].change, found[0].verdict) == ("step 8   relaxed → release", "holds")
    assert found[0].where == "once.py:135"
    assert found[0].executions > 1


def test_unexplored_repair_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has more executions than are visited never holds."""
    monkeypatch.setattr(repairs, "EXECUTIONS", 50)
    found = attempts("endless")

    assert "unknown" in found.note
    assert not any(each.verdict == "holds" for each in found.tried)


def test_repairs_are_sorted_by_size() -> None:
    """What holds comes first, the smallest change at the top."""
    found = attempts("message_passing").tried
    holding = [each.size for each in found if each.verdict == "holds"]

    assert holding == sorted(holding)
    assert [each.verdict for each in found] == sorted(
        (each.verdict for each in found), key=lambda each: each != "holds"
    )


def test_nobody_mends_what_has_no_name() -> None:
    """A scenario inside a function cannot be carried out with another order later."""
    task = ScenarioTask(message_passing)
    found = explored(message_passing)
    failure = as_json(task, found, report_of(task, found, ""), "")

    assert repairs.tried(failure).note.startswith("No repair was tried")
