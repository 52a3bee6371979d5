"""Of all executions that fail, the one that is told has the fewest preemptions."""

from collections.abc import Callable
from typing import Any

import pytest

from registrar.sync import RELAXED
from stress.explore.exploration import Bounds, Exploration, Failure
from stress.explore.explorer import Search
from stress.explore.frontier import Frontier
from stress.explore.performance import Performance
from stress.explore.preemptions import fewest, preemptions
from stress.explore.prefix import Prefix
from stress.explore.record import report_of
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.explore.search.replay import Replay
from stress.model import Model
from stress.program import Earlier, Invocation, Program
from tests.explore.programs import message_passing, waiting
from tests.machines.prey import CounterModel, LostUpdate, PileModel, TaglessPile

INCREMENT = Invocation("increment", ())
TAKE = Invocation("take", ())
PUT = Invocation("put", (Earlier(1, 0),))
LONG = Performance(CounterModel.of(LostUpdate), Program((), ((INCREMENT,) * 3, (INCREMENT,) * 3)))
"""A lost update, which many executions have."""


def needed(scenario: Scenario, memory: str = "sc", **options: Any) -> list[tuple[bool, int]]:
    """Return of every execution whether it fails, and how many preemptions it needs."""
    task = ScenarioTask(scenario, memory, **options)
    machine = task.program()
    found = []
    with task.guard(machine):
        for graph in Frontier(machine, task.model(), [Prefix.empty()]).complete():
            judged = Exploration()
            task.judge(machine, graph, judged)
            found.append((judged.failure is not None, preemptions(graph)))
    return found


def cost(task: ScenarioTask, failure: Failure | None) -> int:
    """Return how many preemptions a failure needs when it is carried out again."""
    assert failure is not None
    machine = task.program()
    with task.guard(machine):
        [graph] = Replay(machine, task.model(), failure.schedule).complete()
        return preemptions(graph)


def steps(*numbers: int) -> Scenario:
    """Return the scenario in which each thread adds so many times to one word."""

    def scenario(sync: Any) -> Any:
        word = sync.word()

        def thread(number: int) -> Callable[[], None]:
            def run() -> None:
                for _ in range(number):
                    word.fetch_add(1, RELAXED)

            return run

        return tuple(map(thread, numbers))

    return scenario


def test_preemptions_are_counted() -> None:
    """Two threads of one step need none; one in the middle of another's two needs one."""
    assert sorted(needed(steps(1, 1))) == [(False, 0), (False, 0)]
    assert sorted(needed(steps(2, 1))) == [(False, 0), (False, 0), (False, 1)]
    assert sorted(count for _, count in needed(steps(2, 2))) == [0, 0, 1, 1, 2, 2]
    assert max(count for _, count in needed(steps(3, 3))) == 4


def test_thread_that_has_to_wait_is_not_preempted() -> None:
    """Whoever cannot go on makes way for others, and at a lock, a wait or the end must."""
    assert {count for _, count in needed(waiting(recheck=True))} == {0}

    def locked(sync: Any) -> Any:
        lock, cell = sync.lock(), sync.cell(0)

        def thread() -> None:
            with lock:
                cell.write(cell.read() + 1)

        return thread, thread

    assert {count for _, count in needed(locked)} == {0}


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["sc", "tso", "rc11"])
@pytest.mark.parametrize("seed", [2, 3])
def test_failure_with_fewest_preemptions_is_taken(memory: str, seed: int) -> None:
    """What random walks found first has five; one is enough, and none has fewer."""
    task = ScenarioTask(LONG, memory)
    found = explored(LONG, memory=memory, search=Search("random", seed), bounds=Bounds(100))
    easiest = fewest(task, found)
    least = min(count for fails, count in needed(LONG, memory) if fails)

    assert cost(task, found.failure) > least
    assert cost(task, easiest.failure) == least == 1
    assert easiest.executions == found.executions


@pytest.mark.parametrize(
    ("model", "program"),
    [
        (CounterModel.of(LostUpdate), Program((INCREMENT,), ((INCREMENT,), (INCREMENT,)))),
        (PileModel.of(TaglessPile), Program((), ((TAKE,), (TAKE, TAKE, PUT)))),
    ],
)
@pytest.mark.parametrize("memory", ["sc", "rc11"])
def test_easiest_failure_replays(model: type[Model[Any]], program: Program, memory: str) -> None:
    """It is told as it was found, by a machine of its own."""
    task = ScenarioTask(Performance(model, program), memory)
    found = fewest(task, explored(task.scenario, memory=memory))

    assert report_of(task, found, "").kind == "linearizability"
    assert cost(task, found.failure) == 1


def test_failure_out_of_reach_is_kept() -> None:
    """What the search for an easier one does not come to stays as it was found."""
    scenario = message_passing(RELAXED)
    task = ScenarioTask(scenario)
    found = explored(scenario)
    sound = ScenarioTask(message_passing())

    assert fewest(sound, found).failure is found.failure
    assert fewest(task, found).failure is not None


@pytest.mark.slow
def test_many_threads_are_no_obstacle() -> None:
    """A failure of more threads than the machine is first made for is told as well."""
    program = Program((), ((INCREMENT,),) * 9)
    task = ScenarioTask(Performance(CounterModel.of(LostUpdate), program), "sc")
    found = explored(task.scenario, memory="sc")

    assert found.failure is not None
    assert fewest(task, found).failure is not None
