"""Explorations cut in pieces, done by several processes, interrupted: the counts stay exact."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.scenarios import abba, fib, lockinc, lost_update
from registrar.sync import RELAXED
from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Explorer, Search
from stress.explore.litmus import LitmusProgram, LitmusTask
from stress.explore.memory import by_name
from stress.explore.prefix import Prefix, prefix_of, regrown
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.explore.schedule import ScheduleMismatchError
from stress.explore.search.estimate import estimate
from stress.explore.search.pct import PCT
from stress.explore.search.trust import TruSt
from stress.explore.search.walk import RandomWalk
from stress.explore.task import Task
from stress.litmus.library import find, names
from stress.verdict import Verdict
from tests.oracle import table

MEMORIES = ("sc", "tso", "rc11")


def nested(sync: Any) -> None:
    """Start two threads that each start two that increment."""
    word = sync.word()

    def bump() -> None:
        word.fetch_add(1, RELAXED)

    def parent() -> None:
        for handle in [sync.spawn(bump), sync.spawn(bump)]:
            handle.join()

    for handle in [sync.spawn(parent), sync.spawn(parent)]:
        handle.join()


def waiting(sync: Any) -> Any:
    """Let two threads wait on a condition for a third, with a weak compare-exchange beside."""
    lock, word = sync.lock(), sync.word()
    condition, ready = sync.condition(lock), sync.cell(0)

    def waiter() -> None:
        with lock:
            while not ready.read():
                condition.wait()

    def notifier() -> None:
        word.compare_exchange_weak(0, 1, RELAXED, RELAXED)
        with lock:
            ready.write(1)
            condition.notify_all()

    return waiter, waiter, notifier


def in_pieces(task: Task, size: int) -> int:
    """Explore `task`, at most `size` executions at a time, from prefixes that were JSON between."""
    left, executions = [Prefix.empty()], 0
    while left:
        program, model = task.program(), task.model()
        search = TruSt(program, model)
        if left != [Prefix.empty()]:
            search.stack = [regrown(program, model, prefix) for prefix in left]
        found = Exploration()
        with task.guard(program):
            for _, graph in zip(range(size), search.complete(), strict=False):
                task.judge(program, graph, found)
        assert found.failure is None
        executions += found.executions
        saved = json.dumps([prefix_of(graph).to_json() for graph in search.stack])
        left = [Prefix.from_json(each) for each in json.loads(saved)]
    return executions


@pytest.mark.parametrize(
    "scenario",
    [partial(lockinc, 4), partial(fib, 2), nested, waiting],
    ids=["lockinc", "fib", "nested", "waiting"],
)
@pytest.mark.parametrize("memory", MEMORIES)
def test_scenario_in_pieces_has_all_executions(scenario: Scenario, memory: str) -> None:
    """A scenario that is put away after every few executions has as many as one that is not."""
    task = ScenarioTask(scenario, memory)

    assert in_pieces(task, 3) == explored(scenario, memory=memory).executions


@pytest.mark.slow
@pytest.mark.parametrize("memory", MEMORIES)
def test_litmus_tests_in_pieces_have_all_executions(memory: str) -> None:
    """So do the tests of the library, read-modify-writes cut in the middle among them."""
    for name in names():
        task = LitmusTask(find(name).test(), memory)

        assert in_pieces(task, 2) == Explorer(task, Bounds()).run().executions, name


def test_damaged_prefix_is_refused() -> None:
    """A prefix that lacks a field, or fits no execution, is refused with what to do."""
    task = LitmusTask(find("MP").test())
    with pytest.raises(ScheduleMismatchError, match="damaged"):
        Prefix.from_json({"schedule": []})
    with pytest.raises(ScheduleMismatchError, match="changed"):
        regrown(task.program(), task.model(), Prefix((), None, ((0, 0),), ()))


@pytest.mark.slow
def test_two_processes_have_the_executions_of_one() -> None:
    """Work that is divided among processes is all done, and none of it twice."""
    task = ScenarioTask(partial(fib, 4))

    alone = Explorer(task, Bounds()).run()
    together = Explorer(task, Bounds()).run(jobs=2)

    assert (together.executions, together.verdict) == (alone.executions, Verdict.OK)
    assert alone.executions == 1764


@pytest.mark.slow
def test_killed_process_is_replaced_and_counts_stay_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a process is killed in the middle, its work is done again, and nothing counted twice."""
    task = LitmusTask(table.fib(4))
    for slice_ in ("FIRST", "SLICE"):
        monkeypatch.setattr(f"stress.explore.explorer.{slice_}", 0.0)  # an execution each
    killed: list[int] = []

    def kill(_: Exploration) -> None:
        children = [int(pid) for pid in _children(os.getpid()) if _is_worker(pid)]
        if children and len(killed) < 2 and children[-1] not in killed:
            os.kill(children[-1], signal.SIGKILL)
            killed.append(children[-1])

    found = Explorer(task, Bounds(), watch=kill).run(jobs=2)

    assert len(killed) == 2
    assert found.executions == 1764


def _children(pid: int) -> list[str]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has ended meanwhile
            found += (task / "children").read_text().split()
    return found


def _is_worker(pid: str) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_interrupted_exploration_goes_on(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends an exploration as UNKNOWN; from what is left of it, the rest is explored."""
    for slice_ in ("FIRST", "SLICE"):
        monkeypatch.setattr(f"stress.explore.explorer.{slice_}", 0.01)
    task = ScenarioTask(partial(fib, 4))
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(found: Exploration) -> None:
        if found.executions:
            signal.pthread_kill(main, signal.SIGINT)

    first = Explorer(task, Bounds(), watch=interrupt)
    found = first.run(jobs=jobs)
    assert (found.verdict, found.interrupted) == (Verdict.UNKNOWN, True)
    assert first.left
    rest = Explorer(task, Bounds(), left=first.left, found=found).run(jobs=jobs)

    assert (rest.verdict, rest.executions, rest.interrupted) == (Verdict.OK, 1764, False)


def test_bound_on_executions_is_unknown() -> None:
    """An exploration that stops at a number of executions says it does not know the rest."""
    found = explored(partial(fib, 3), bounds=Bounds(executions=10))

    assert (found.verdict, found.executions) == (Verdict.UNKNOWN, 10)


def test_bound_on_time_is_unknown() -> None:
    """An exploration that stops at a time says it does not know the rest."""
    started = time.monotonic()
    found = explored(partial(fib, 9), bounds=Bounds(seconds=0.2))

    assert found.verdict is Verdict.UNKNOWN
    assert time.monotonic() - started < 20


def test_unknown_search_is_refused() -> None:
    """A search that there is not is refused, and those there are are named."""
    with pytest.raises(ValueError, match="exhaustive, random, pct"):
        Search("depth-first")


# Searches that draw


@pytest.mark.parametrize("name", ["fib2", "CoRR1", "cas-weak", "IRIW+rlx", "Z6.U", "2+2W"])
@pytest.mark.parametrize("kind", [RandomWalk, PCT])
def test_drawn_executions_are_some_of_all(name: str, kind: Any) -> None:
    """What is drawn ends in states that the exhaustive search also finds."""
    test = find(name).test()
    task = LitmusTask(test)
    every = Explorer(task, Bounds()).run().states
    program = LitmusProgram(test)

    drawn = kind(program, by_name("rc11"), Random(1), 300).complete()

    assert {program.final(graph) for graph in drawn} <= every.keys()


@pytest.mark.parametrize("name", ["fib2", "CoRR", "cas-weak", "2+2W", "SB"])
def test_random_walk_reaches_every_state(name: str) -> None:
    """Every final state of a small test is drawn before long."""
    task = LitmusTask(find(name).test())

    drawn = Explorer(task, Bounds(executions=2_000)).run(Search("random", 1)).states

    assert drawn.keys() == Explorer(task, Bounds()).run().states.keys()


@pytest.mark.parametrize("scenario", [lost_update, abba], ids=["lost update", "ABBA"])
@pytest.mark.parametrize("name", ["random", "pct"])
def test_drawing_repeats_itself(scenario: Callable[[Any], Any], name: str) -> None:
    """The same seed draws the same executions, so it fails after as many."""
    found = [explored(scenario, search=Search(name, 7)) for _ in range(2)]

    assert found[0].executions == found[1].executions
    assert found[0].failure is not None


# The estimate


@pytest.mark.parametrize(("name", "executions"), [("ainc3", 6), ("fib2", 20), ("CoRR1", 36)])
def test_estimate_is_near(name: str, executions: int) -> None:
    """The mean of many descents is near the number of executions."""
    program = LitmusProgram(find(name).test())

    guess = estimate(program, by_name("rc11"), Random(1), seconds=60, descents=2_000)

    assert guess.descents == 2_000
    assert abs(guess.executions - executions) <= max(4 * guess.error, 0.01)
    assert guess.error < executions / 4
