"""A schedule, carried out on another machine, is the execution it was made from; or it says why."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registrar.sync import ACQUIRE, RELAXED, RELEASE, Sync
from stress.explore.exploration import Exploration, judge
from stress.explore.graph import Event, Graph
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.explore.schedule import Choice, ScheduleMismatchError, schedule_of
from stress.explore.search.replay import ForbiddenChoiceError, Replay
from stress.explore.search.trust import TruSt
from stress.explore.target import find

ROOT = Path(__file__).parents[2]
MEMORIES = ("sc", "tso", "rc11")
KINDS = {
    "race": "race",
    "unguarded": "race",
    "stale": "assertion",
    "store_buffering": "assertion",
    "lost_update": "assertion",
    "crossed_locks": "deadlock",
    "forgotten_lock": "deadlock",
    "lost_wake_up": "lost wake-up",
    "one_of_two": "lost wake-up",
    "livelock": "livelock",
    "four_threads": "assertion",
    "hand_over": "assertion",
    "fences": "exception",
    "weak_exchange": "assertion",
    "overtaken_store": "assertion",
    "family": "assertion",
    "early_publication": "race",
}


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def named(name: str) -> Scenario:
    """Return a scenario of the file of interleavings."""
    return find(f"tests/explore/interleavings.py::{name}")


def shape(graph: Graph) -> tuple[object, ...]:
    """Return all that makes an execution what it is, with the numbers its threads have in it."""

    def name(event: Event | None) -> object:
        return event and (event.thread, event.index)

    return (
        [[(event.kind, name(event.rf), event.hb) for event in each] for each in graph.threads],
        [list(map(name, writes)) for writes in graph.writes],
        sorted(graph.races),
    )


def carried_out(task: ScenarioTask, schedule: list[str]) -> tuple[Graph, Exploration]:
    """Carry out a schedule on a machine of its own; return the execution, and what is wrong."""
    machine = task.program()
    found = Exploration()
    with task.guard(machine):
        [graph] = Replay(machine, task.model(), schedule).complete()
        judge(machine, graph, found)
    return graph, found


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", [name for name in KINDS if name != "family"])
def test_replay_grows_every_execution_it_is_given_the_schedule_of(name: str, memory: str) -> None:
    """Whatever the search visits, failing or not, its schedule brings back, and nothing else."""
    task = ScenarioTask(named(name), memory, spurious=1)
    machine = task.program()
    executions = 0
    with task.guard(machine):
        for graph in TruSt(machine, task.model()).complete():
            found = Exploration()
            judge(machine, graph, found)
            schedule = schedule_of(graph)
            again, found_again = carried_out(task, schedule)
            executions += 1

            assert shape(again) == shape(graph)
            assert schedule_of(again) == schedule
            assert (found_again.failure is None) == (found.failure is None)
            if found.failure and found_again.failure:
                assert found_again.failure.message == found.failure.message

    assert executions


@pytest.mark.parametrize("name", KINDS)
def test_replay_reproduces_the_failure(name: str) -> None:
    """A failure of each kind is the same failure when its schedule is carried out."""
    found = explored(named(name))
    assert found.failure is not None

    _, again = carried_out(ScenarioTask(named(name)), list(found.failure.schedule))

    assert again.failure is not None
    assert again.failure.kind == found.failure.kind == KINDS[name]
    assert again.failure.message == found.failure.message


def test_schedule_numbers_threads_as_it_starts_them() -> None:
    """Threads that threads start have other numbers in an exploration than on a new machine."""

    def scenario(sync: Any) -> Iterator[Any]:
        word = sync.word()

        def child() -> None:
            word.fetch_add(1, RELAXED)

        def parent() -> None:
            if word.load(RELAXED) == 0:
                sync.spawn(child)
            sync.spawn(child)

        yield parent, parent

    task = ScenarioTask(scenario)
    machine = task.program()
    with task.guard(machine):
        schedules = [schedule_of(graph) for graph in TruSt(machine, task.model()).complete()]
    for schedule in schedules:
        graph, _ = carried_out(task, schedule)

        assert schedule_of(graph) == schedule
    assert len(schedules) == len(set(map(tuple, schedules))) > 10


@pytest.mark.parametrize(
    "line",
    [
        "0 spawn",
        "1 store",
        "2 store after 1.0",
        "2 store after initial",
        "2 load from initial",
        "2 update from 1.1",
        "2 compare_exchange fails 1.1",
        "1 choose 1",
    ],
)
def test_choice_is_spelled_as_it_is_read(line: str) -> None:
    """A line of a schedule says all there is to the step."""
    assert str(Choice.read(line)) == line


@pytest.mark.parametrize(
    "line", ["", "1", "load", "1 jump", "1 load from", "1 load from 2", 7, None]
)
def test_choice_refuses_what_is_no_step(line: object) -> None:
    """A damaged file is an error that names the line, not a step of some kind."""
    with pytest.raises(ScheduleMismatchError, match=re.escape(repr(line))):
        Choice.read(line)


def message_passing(store: Any, *, reads: int = 1) -> Scenario:
    """Return the scenario that publishes data by a store of some order."""

    def scenario(sync: Sync) -> Any:
        data, ready = sync.word(), sync.word()

        def writer() -> None:
            data.store(42, RELAXED)
            ready.store(1, store)

        def reader() -> None:
            for _ in range(reads):
                if ready.load(ACQUIRE):
                    assert data.load(RELAXED) == 42

        return writer, reader

    return scenario


def failing_schedule() -> list[str]:
    """Return the schedule by which relaxed message passing fails."""
    found = explored(message_passing(RELAXED))
    assert found.failure is not None
    return list(found.failure.schedule)


def test_replay_says_what_the_memory_model_forbids_by_now() -> None:
    """With the order mended the threads ask for the same, but may no longer read the old value."""
    task = ScenarioTask(message_passing(RELEASE))

    with pytest.raises(ForbiddenChoiceError, match=r"'2 load from initial'.*'reader'"):
        carried_out(task, failing_schedule())


def test_replay_says_which_thread_asks_for_something_else() -> None:
    """The error names the step, the thread, what the schedule wants and what there is now."""
    schedule = failing_schedule()
    schedule[2] = "1 load from initial"

    with pytest.raises(ScheduleMismatchError) as raised:
        carried_out(ScenarioTask(message_passing(RELAXED)), schedule)

    assert str(raised.value).startswith(
        "step 3 of the schedule, '1 load from initial', wants thread 'writer', which now asks for "
        "store of"
    )
    assert "Explore it again" in str(raised.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("9 store", "wants thread 9, which has not been started"),
        ("1 store after 2.7", "another location"),
        ("1 end", "now asks for store"),
    ],
)
def test_replay_refuses_what_does_not_fit(line: str, why: str) -> None:
    """A thread that is not there, a write that is not there, a step that is another."""
    schedule = failing_schedule()
    schedule[2] = line

    with pytest.raises(ScheduleMismatchError, match=why):
        carried_out(ScenarioTask(message_passing(RELAXED)), schedule)


def test_replay_refuses_a_step_of_a_thread_that_has_ended() -> None:
    """A schedule that is too long does not run past the end."""
    schedule = failing_schedule()
    place = schedule.index("1 end")

    with pytest.raises(ScheduleMismatchError, match="'writer', which has ended"):
        carried_out(ScenarioTask(message_passing(RELAXED)), [*schedule[: place + 1], "1 store"])


def test_replay_refuses_a_lock_that_is_taken() -> None:
    """Nobody takes a lock before it is given back, whatever the schedule wants."""
    found = explored(named("crossed_locks"))
    assert found.failure is not None

    with pytest.raises(ScheduleMismatchError, match=r"lock of .*, which cannot be carried out"):
        carried_out(ScenarioTask(named("crossed_locks")), [*found.failure.schedule, "1 lock"])
