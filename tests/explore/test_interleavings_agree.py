"""Under sc the search visits what plain interleaving visits: locks, conditions, threads of threads.

The oracle takes every step that can be taken, in every order, each read reading the last write, and
collects the executions that come of it.  It shares the simulated machine with the search and none
of its cleverness: nothing is revisited, nothing deleted, and executions are told apart by what they
are.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from registrar.sync import SEQ_CST
from stress.explore.graph import WRITES, Event, Graph
from stress.explore.growth import Growth
from stress.explore.machine import Machine
from stress.explore.memory import by_name
from stress.explore.scenario import Scenario, ScenarioTask
from stress.explore.search.trust import TruSt
from stress.explore.steps import Kind

PROGRAMS = 150
MOST = 1_500
"""Beginnings of executions of a program; larger programs are passed over."""

type Line = tuple[Any, ...]


def random_program(random: Random) -> tuple[tuple[Line, ...], ...]:
    """Return what each thread does, in a few words."""
    threads = range(random.randint(2, 3))
    return tuple(tuple(_lines(random, random.randint(1, 3), ())) for _ in threads)


def _lines(random: Random, length: int, held: tuple[int, ...]) -> Iterator[Line]:
    for _ in range(length):
        kind = random.choice(("access", "access", "lock", "lock", "wait", "notify", "child"))
        free = [lock for lock in range(2) if lock not in held]
        if kind == "lock" and free:
            lock = random.choice(free)
            yield "lock", lock, tuple(_lines(random, random.randint(0, 2), (*held, lock)))
        elif kind in ("wait", "notify") and held:
            yield kind, held[-1]
        elif kind == "child" and not held:
            yield "child", (_access(random),), random.random() < 0.5
        else:
            yield _access(random)


def _access(random: Random) -> Line:
    return random.choice(("load", "store", "add", "cas")), random.randrange(2)


def scenario_of(program: tuple[tuple[Line, ...], ...]) -> Scenario:  # noqa: C901  (a case a line)
    """Return the scenario that carries out `program`; numbers stored are told apart."""

    def scenario(sync: Any) -> Any:  # noqa: C901
        words = [sync.word(0) for _ in range(2)]
        locks = [sync.lock() for _ in range(2)]
        conditions = [sync.condition(lock) for lock in locks]

        def carry_out(lines: tuple[Line, ...], value: int) -> None:  # noqa: C901
            for line in lines:
                value += 1
                match line:
                    case "load", word:
                        words[word].load(SEQ_CST)
                    case "store", word:
                        words[word].store(value, SEQ_CST)
                    case "add", word:
                        words[word].fetch_add(100, SEQ_CST)
                    case "cas", word:
                        words[word].compare_exchange_weak(0, value, SEQ_CST, SEQ_CST)
                    case "lock", lock, inner:
                        with locks[lock]:
                            carry_out(inner, value * 10)
                    case "wait", lock:
                        conditions[lock].wait()
                    case "notify", lock:
                        conditions[lock].notify()
                    case "child", inner, joined:
                        handle = sync.spawn(_thread(inner, value * 10))
                        if joined:
                            handle.join()

        def _thread(lines: tuple[Line, ...], value: int) -> Callable[[], None]:
            return lambda: carry_out(lines, value)

        return tuple(_thread(lines, number + 1) for number, lines in enumerate(program))

    return scenario


def signature(machine: Machine, graph: Graph) -> Any:
    """Return what tells an execution from others: steps, what they read, the orders of writes.

    Threads are named by who started them: their numbers depend on which was met first.
    """
    paths = (*machine._paths, ())

    def name(event: Event | None) -> Any:
        return None if event is None else (paths[event.thread], event.index)

    def place(event: Event) -> Any:
        other_thread = event.kind in (Kind.SPAWN, Kind.JOIN)
        return paths[event.location] if other_thread else event.location

    threads = {
        paths[number]: tuple(
            (event.kind, place(event), event.value, name(event.rf)) for event in events
        )
        for number, events in enumerate(graph.threads)
        if events
    }
    return tuple(sorted(threads.items())), tuple(
        tuple(map(name, writes)) for writes in graph.writes
    )


def interleavings(task: ScenarioTask) -> set[Any] | None:
    """Return the signatures of all executions, by every interleaving; None if too many.

    Beginnings that are the same, step by step, go on the same: each is gone on from once.
    """
    machine = task.program()
    growth = Growth(machine, task.model())
    ends, seen = set(), set()
    with task.guard(machine):
        waiting = [machine.beginning()]
        while waiting:
            graph = waiting.pop()
            machine.restore(graph)
            ways = list(_ways(growth, graph))
            if not ways:
                ends.add(signature(machine, graph))
            for way in ways:
                other = graph.copy()
                machine.restore(other)
                _carry_out(growth, machine, other, *way)
                if (begun := signature(machine, other)) not in seen:
                    seen.add(begun)
                    waiting.append(other)
            if len(seen) > MOST:
                return None
    return ends


def _ways(growth: Growth, graph: Graph) -> Iterator[tuple[int, int]]:
    """Yield the threads that can go on, each with every alternative it has."""
    for thread, step in enumerate(graph.pending):
        if step is not None and growth.enabled(graph, thread):
            alternatives = 1
            if step.kind is Kind.CHOOSE:
                alternatives = step.location
            elif step.weak and graph.writes[step.location][-1].value == step.expected:
                alternatives = 2
            for alternative in range(alternatives):
                yield thread, alternative


def _carry_out(
    growth: Growth, machine: Machine, graph: Graph, thread: int, alternative: int
) -> None:
    step = graph.pending[thread]
    assert step is not None
    if step.kind in (Kind.LOAD, Kind.UPDATE, Kind.COMPARE_EXCHANGE):
        latest = graph.writes[step.location][-1]
        event = growth.read(graph, thread, step, latest, fail=alternative == 1)
        growth.add_read(graph, event)
        if event.kind is not Kind.LOAD:
            assert event.after is not None
            event = growth.write(graph, thread, event.after)
            growth.add_write(graph, event, len(graph.writes[event.location]))
    elif step.kind in WRITES:
        event = growth.write(graph, thread, step)
        growth.add_write(graph, event, len(graph.writes[event.location]))
    elif step.kind in (Kind.LOCK, Kind.UNLOCK):
        event = (growth.lock if step.kind is Kind.LOCK else growth.unlock)(graph, thread, step)
        growth.add_to_lock(graph, event)
    else:
        event = growth.other(graph, thread, step)
        event.value = alternative if step.kind is Kind.CHOOSE else None
        growth.append(graph, event)
    event.after = machine.resume(graph, event)
    graph.pending[thread] = event.after


def visited(task: ScenarioTask) -> list[Any]:
    """Return the signatures of the executions that the search visits, in its order."""
    machine = task.program()
    with task.guard(machine):
        return [signature(machine, graph) for graph in TruSt(machine, by_name("sc")).complete()]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_search_visits_what_interleaving_visits(seed: int) -> None:
    """Every execution of interleaving is visited, none twice, and no other."""
    random = Random(seed)
    compared = 0
    while compared < PROGRAMS // 6:
        program = random_program(random)
        task = ScenarioTask(scenario_of(program), "sc", stride=16)
        expected = interleavings(task)
        if expected is None:
            continue
        found = visited(task)

        assert len(found) == len(set(found)), program
        assert set(found) == expected, program
        compared += 1
