"""A trace has each step with its place, names and values, and what it read, and whether late."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, Sync
from stress.explore.performance import Performance
from stress.explore.record import report_of
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.explore.target import find
from stress.explore.trace import Trace, TraceStep, spelled
from stress.model import Model, operation
from stress.program import Invocation, Program

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def trace_of(scenario: Scenario, memory: str = "rc11", **options: Any) -> Trace:
    """Return the trace of the first failure of a scenario."""
    task = ScenarioTask(scenario, memory, **options)
    return report_of(task, explored(scenario, memory=memory, **options), "")


def named(name: str) -> Scenario:
    """Return a scenario of the file of interleavings."""
    return find(f"tests/explore/interleavings.py::{name}")


def failing(body: Any) -> Scenario:
    """Return a scenario of one thread that does as `body` says, and then fails."""

    def scenario(sync: Sync) -> Any:
        threads = body(sync)

        def failing() -> None:
            for thread in threads:
                thread()
            raise LookupError("the end")

        return failing

    return scenario


def names(trace: Trace) -> list[str]:
    """Return what the locations of the steps are called."""
    return [step.location for step in trace.steps]


class Flag:
    """A word inside an object."""

    def __init__(self, sync: Sync) -> None:
        self._word = sync.word()

    def raise_(self) -> None:
        """Raise the flag."""
        self._word.store(1, RELAXED)


class Slotted:
    """A word inside an object that has slots."""

    __slots__ = ("word",)

    def __init__(self, sync: Sync) -> None:
        self.word = sync.word()


def test_location_is_called_as_the_variable_that_holds_it() -> None:
    """A local, an item of a list, an attribute, the key of a dictionary; else by number."""

    def body(sync: Sync) -> Any:
        ready, words, slotted = sync.word(), [sync.word(), sync.word()], Slotted(sync)
        given = sync.word(name="as given")
        table = {"low": sync.word()}
        flag = Flag(sync)

        def run() -> None:
            ready.store(1, RELAXED)
            words[1].store(1, RELAXED)
            given.store(1, RELAXED)
            slotted.word.store(1, RELAXED)
            table["low"].store(1, RELAXED)
            flag.raise_()
            sync.word().store(1, RELAXED)

        return (run,)

    assert names(trace_of(failing(body))) == [
        "ready",
        "words[1]",
        "as given",
        "slotted.word",
        "table['low']",
        "self._word",
        "word 1",
        "word 1",
    ]


def test_location_with_two_names_is_called_as_the_threads_reach_it() -> None:
    """Where parameters stand for different locks, the names outside tell them apart."""

    def body(sync: Sync) -> Any:
        left, right = sync.lock(), sync.lock()
        flags = Flag(sync), Flag(sync)

        def both(first: Any, second: Any) -> None:
            with first, second:
                pass

        def run() -> None:
            both(left, right)
            both(right, left)
            for flag in flags:
                flag.raise_()

        return (run,)

    assert names(trace_of(failing(body))) == [
        *("left", "right", "right", "left"),
        *("right", "left", "left", "right"),
        *("flags[0]._word", "flags[1]._word"),
    ]


def test_threads_of_one_name_are_numbered() -> None:
    """A second thread of the same function is told from the first."""
    assert trace_of(named("lost_update")).threads == ["main", "bump", "bump 2"]


def test_main_thread_is_left_out_if_it_only_starts_the_others() -> None:
    """Starting threads and waiting for them is not worth a lane."""
    assert trace_of(named("crossed_locks")).threads == ["forth", "back"]


def test_step_has_its_source_line_relative_to_the_current_directory() -> None:
    """The place is where the user's code takes the step, not where the harness does."""
    step = trace_of(named("race")).steps[1]

    assert step.where.startswith("tests/explore/interleavings.py:")
    assert step.source == "ready.store(1, RELAXED)"
    assert str(ROOT) not in json.dumps(trace_of(named("race")).to_json())


def test_trace_is_json() -> None:
    """What is saved is what was told."""
    trace = trace_of(named("hand_over"))

    assert Trace.from_json(json.loads(json.dumps(trace.to_json()))) == trace


def test_race_marks_the_two_accesses() -> None:
    """Both accesses are told, and no other is marked."""
    trace = trace_of(named("race"))

    assert [step.number for step in trace.steps if step.race] == [1, 4]
    assert trace.title == "writer and reader race for data"


def test_read_is_stale_if_something_newer_was_there() -> None:
    """Only the read that cannot be explained by any order of the steps is marked."""
    assert [step.stale for step in trace_of(named("stale")).steps] == [False, False, False, True]
    assert not any(step.stale for step in trace_of(named("lost_update")).steps)


def test_store_is_overtaken_if_what_overwrites_it_was_there() -> None:
    """Where stores stand in modification order as no order of the steps can have them, one is."""
    trace = trace_of(named("overtaken_store"))

    assert [step.operation for step in trace.steps if step.stale] == ["store"]
    assert "may be overwritten by step" in trace.why[0]


def read(trace: Trace, thread: str) -> TraceStep:
    """Return the first step of a thread that reads what another wrote."""
    place = trace.threads.index(thread)
    return next(step for step in trace.steps if step.thread == place and step.reads)


@pytest.mark.parametrize(
    ("name", "thread", "synchronizes"),
    [("race", "reader", False), ("fences", "reader", True), ("livelock", "waiter", True)],
)
def test_read_synchronizes_by_its_order_or_by_fences(
    name: str,
    thread: str,
    synchronizes: bool,  # noqa: FBT001
) -> None:
    """A relaxed store does not; a release store, or a fence before it, does."""
    assert read(trace_of(named(name)), thread).synchronizes is synchronizes


def test_release_sequence_synchronizes_through_a_relaxed_update() -> None:
    """What a relaxed read-modify-write hands on is what it read."""
    trace = trace_of(named("hand_over"))
    third = next(step for step in trace.steps if trace.threads[step.thread] == "third")
    last = trace.steps[-1]

    assert not third.synchronizes
    assert (last.reads, last.synchronizes) == (third.number, True)


def test_every_operation_is_told() -> None:
    """Each kind of step has its word, its values and its order."""

    def body(sync: Sync) -> Any:
        word, lock, cell = sync.word(5), sync.lock(), sync.cell("old")

        def run() -> None:
            word.load(ACQUIRE)
            word.store(6, RELEASE)
            word.fetch_add(1, ACQ_REL)
            word.compare_exchange(7, 8, SEQ_CST, RELAXED)
            word.compare_exchange(7, 9, SEQ_CST, ACQUIRE)
            sync.fence(SEQ_CST)
            with lock:
                cell.write("new")
            cell.read()
            sync.pause()

        return (run,)

    told = [
        (step.operation, step.location, step.old, step.new, step.wanted, step.order)
        for step in trace_of(failing(body)).steps
    ]
    assert told == [
        ("load", "word", "5", "", "", "acquire"),
        ("store", "word", "", "6", "", "release"),
        ("update", "word", "6", "7", "", "acq_rel"),
        ("compare-exchange", "word", "7", "8", "", "seq_cst"),
        ("failed compare-exchange", "word", "8", "", "7", "acquire"),
        ("fence", "", "", "", "", "seq_cst"),
        ("lock", "lock", "", "", "", ""),
        ("store", "cell", "", "'new'", "", ""),
        ("unlock", "lock", "", "", "", ""),
        ("load", "cell", "'new'", "", "", ""),
        ("pause", "", "", "", "", ""),
    ]


def test_waits_and_notifications_are_told() -> None:
    """A wait is an unlock, a wake-up that follows a notification, and a lock again."""
    trace = trace_of(named("one_of_two"))
    told = [step.operation for step in trace.steps if step.operation not in ("load", "store")]

    assert told == [
        *("lock", "wait", "lock", "wait", "lock", "notify", "unlock", "woken", "relock", "unlock")
    ]
    notify = next(step for step in trace.steps if step.operation == "notify")
    woken = next(step for step in trace.steps if step.operation == "woken")
    assert (notify.location, notify.new) == ("ready", "sleeper")
    assert (woken.reads, woken.synchronizes) == (notify.number, True)


def test_spurious_wake_up_is_told() -> None:
    """A thread that wakes by itself has not been notified."""

    def scenario(sync: Sync) -> Any:
        lock, ready = sync.lock(), sync.cell(0)
        condition = sync.condition(lock)

        def sleeper() -> None:
            with lock:
                if not ready.read():
                    condition.wait()
                assert ready.read()

        def waker() -> None:
            with lock:
                ready.write(1)
                condition.notify()

        return sleeper, waker

    trace = trace_of(scenario, spurious=1)

    assert "spurious wake-up" in [step.operation for step in trace.steps]


@pytest.mark.parametrize(
    ("name", "title", "ends"),
    [
        (
            "crossed_locks",
            "forth and back wait for each other for ever",
            ["waits for right", "waits for left"],
        ),
        ("forgotten_lock", "taker 2 waits for ever", ["waits for the lock"]),
        (
            "lost_wake_up",
            "sleeper waits for a notification that never comes",
            ["waits to be notified"],
        ),
        ("livelock", "waiter waits in a loop for ever", ["loops for ever"]),
        ("fences", "reader raises LookupError: seven", ["raises LookupError: seven"]),
        (
            "lost_update",
            "assertion fails in the end: total.load(SEQ_CST) == 2",
            ["assert total.load(SEQ_CST) == 2"],
        ),
    ],
)
def test_trace_says_where_threads_stand_in_the_end(name: str, title: str, ends: list[str]) -> None:
    """The title can be read aloud; each thread that stands has a line of its own."""
    trace = trace_of(named(name))

    assert trace.title == title
    assert [end.text for end in trace.ends] == ends
    assert all(end.where for end in trace.ends)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("race", "Step 3 did read what step 2 wrote, but a relaxed store publishes nothing."),
        ("early_publication", "does synchronize with step 1, but step 2 comes after that"),
        ("unguarded", "At step 5 careless holds no lock"),
        ("stale", "Step 2 would have to release, and step 3 to acquire."),
        ("store_buffering", "only seq_cst, or a seq_cst fence in between"),
        ("lost_update", "Step 4 overwrites what step 3 wrote without having seen it"),
        ("crossed_locks", "Thread forth waits for right: back took it at step 2 and still holds"),
        ("forgotten_lock", "taker took it at step 1 and has ended without giving it back"),
        ("lost_wake_up", "Thread sleeper sleeps from step 5 on"),
        ("livelock", "having read state = 1 (from step 1)"),
        ("four_threads", "Every read sees the newest value"),
    ],
)
def test_reasons_name_the_steps(name: str, reason: str) -> None:
    """Each kind of failure is explained by facts of its execution."""
    assert reason in "  ".join(trace_of(named(name)).why)


def test_store_buffer_explains_a_stale_read_under_tso() -> None:
    """What happens-before has no say in is not explained by it."""
    trace = trace_of(named("store_buffering"), "tso")

    assert "waits in the store buffer of" in trace.why[0]


def test_title_is_the_message_of_the_assertion() -> None:
    """Whoever wrote the scenario said best what is wrong."""
    assert trace_of(named("store_buffering")).title == "both threads came in"


def test_order_of_the_steps_explains_what_it_can() -> None:
    """Under sequential consistency every read sees the write told last before it."""

    def scenario(sync: Sync) -> Iterator[Any]:
        x, y = sync.word(1), sync.word(1)

        def left() -> None:
            for _ in range(3):
                x.store(x.load(RELAXED) + y.load(RELAXED), RELAXED)

        def right() -> None:
            for _ in range(3):
                y.store(x.load(RELAXED) + y.load(RELAXED), RELAXED)

        yield left, right
        assert max(x.load(RELAXED), y.load(RELAXED)) < 21

    trace = trace_of(scenario, "sc")
    newest = {"x": "1", "y": "1"}
    for step in trace.steps:
        if step.operation == "load":
            assert step.old == newest[step.location]
        else:
            newest[step.location] = step.new


def test_values_are_spelled_without_addresses_of_objects() -> None:
    """Reports of two runs are the same."""
    assert spelled(object()) == "<object object>"
    assert spelled(0x10000) == "0x10000"
    assert spelled(True) == "True"  # noqa: FBT003


def test_step_has_the_function_its_line_is_in() -> None:
    """A line is found again by its function when lines have moved."""
    functions = {step.function for step in trace_of(named("race")).steps}

    assert functions == {"race.<locals>.writer", "race.<locals>.reader"}


@pytest.mark.parametrize(
    ("name", "conflict"),
    [
        ("race", [1, 4]),
        ("stale", [1, 4]),
        ("store_buffering", [1, 4]),
        ("lost_update", [3, 4]),
        ("crossed_locks", [1, 2]),
        ("lost_wake_up", [2, 5]),
        ("livelock", [1, 4]),
        ("forgotten_lock", []),
    ],
)
def test_two_steps_conflict(name: str, conflict: list[int]) -> None:
    """The pair that a reader has to look at; none where one step is all there is."""
    assert trace_of(named(name)).conflict == conflict


def test_view_says_what_a_step_must_see() -> None:
    """A stale read may read anything from the oldest write of its view on, and nothing older."""
    steps = trace_of(named("stale")).steps

    assert steps[3].view == {"data": "0 (initial)", "ready": "1 (step 2)"}
    assert steps[1].view == {"data": "42 (step 1)", "ready": "0 (initial)"}


@pytest.mark.parametrize("memory", ["sc", "tso", "rc11"])
def test_no_read_is_older_than_its_view(memory: str) -> None:
    """What a step reads is never from before what its view names."""
    for name in ("hand_over", "lost_update", "overtaken_store", "livelock"):
        scenario = named(name)
        found = explored(scenario, memory=memory)
        if found.failure is None:
            continue
        trace = report_of(ScenarioTask(scenario, memory), found, "")
        for step in trace.steps:
            if step.reads is not None and step.operation == "load":
                floor = step.view[step.location]
                assert floor.endswith("(initial)") or int(floor.split("step ")[1][:-1]) <= (
                    step.reads
                )


def test_calls_stand_around_their_steps() -> None:
    """Each call has its thread, what it came to as the judge says it, and its own steps."""
    trace = trace_of(find("once:relaxed-store/three"))
    calls = [(trace.threads[call.thread], call.text, call.result) for call in trace.calls]

    assert len(calls) >= 2
    assert all("(" in text for _, text, _ in calls)
    for number, call in enumerate(trace.calls):
        inside = [step.number for step in trace.steps if step.call == number]
        assert not inside or (min(inside) >= call.first and max(inside) == call.last)
        assert {trace.steps[at - 1].thread for at in inside} <= {call.thread}


def test_unfinished_call_has_no_result() -> None:
    """The call that races has not returned."""
    trace = trace_of(find("registrar:no-recheck/same-chunk"))

    assert [bool(call.result) for call in trace.calls] == [True, False]
    assert trace.steps[trace.conflict[0] - 1].call is None  # the caller touches what it was given
    assert trace.steps[trace.conflict[1] - 1].call == 1


class Tally:
    """Counts by a load and a store."""

    def __init__(self, sync: Sync) -> None:
        self._value = sync.word()

    def bump(self) -> int:
        """Count one, and return how many there were."""
        old = self._value.load(RELAXED)
        self._value.store(old + 1, RELAXED)
        return old


class TallyModel(Model[Tally]):
    """Counts."""

    subject = Tally
    value: int = 0

    @operation
    def bump(self) -> int:
        """Count one, and return how many there were."""
        self.value += 1
        return self.value - 1


BUMP = Invocation("bump", ())


def test_call_without_a_place_is_told_in_the_words_of_the_model() -> None:
    """No name of the harness is in it; the call, what it could be, and what comes before are."""
    trace = trace_of(Performance(TallyModel, Program((), ((BUMP,), (BUMP,)))), "sc")
    text = json.dumps(trace.to_json())

    assert trace.kind == "linearizability"
    assert "NotPermitted" not in text
    assert trace.title == "linearizability: thread 1: bump() = 0 cannot be placed"
    assert trace.allowed == [
        "longest legal order   thread 0: bump() = 0",
        "allowed there         1",
    ]
    assert trace.why[0] == (
        "Thread 1: bump() = 0 cannot be placed.  After thread 0: bump() = 0, the longest legal "
        "order, bump() = 1 in the model."
    )
    assert "main" not in trace.threads
    assert trace.conflict == [3, 4]
    assert [call.text for call in trace.calls] == ["bump()", "bump()"]
