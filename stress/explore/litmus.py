"""Litmus tests on the simulated machine.

>>> from stress.litmus.program import Compare, Condition, LitmusTest, Register
>>> x = c.Load("r", "x", None), c.Store("x", c.Constant(1), None)
>>> at_end = Condition("exists", Compare(Register(0, "r"), 1))
>>> found = explore_test(LitmusTest("race", {"x": 0}, ((x[0],), (x[1],)), at_end))
>>> found.executions, found.races, sorted(found.states)
(2, 2, [(0,), (1,)])

A race does not end an execution here, as it does that of a scenario: it is counted.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from stress.explore import memory as memories
from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Explorer
from stress.explore.graph import UNSET, Event, Graph
from stress.explore.memory.model import MemoryModel
from stress.explore.resumable import ResumableThread
from stress.explore.steps import Kind, Step
from stress.litmus import program as c


class LitmusProgram:
    """A litmus test as `stress.explore.growth.Program`."""

    halts_on_race = False

    def __init__(self, test: c.LitmusTest) -> None:
        names = {name: place for place, name in enumerate(test.initial)}
        self._test = test
        self._names = names
        self._threads = [ResumableThread(code, names) for code in test.threads]
        self._beginnings = [thread.beginning() for thread in self._threads]
        self.stride = max(len(self._threads), 1)
        self.turns = range(len(self._threads))
        plain = {name for code in test.threads for name in _accessed_plainly(code)}
        self.plain = [name in plain for name in names]

    def beginning(self) -> Graph:
        """Return the graph without events."""
        graph = Graph()
        for value in self._test.initial.values():
            graph.add_location(value)
        for step, _ in self._beginnings:
            graph.add_thread(None, step)
        return graph

    @property
    def names(self) -> list[str]:
        """What herd7 calls the threads."""
        return [f"P{number}" for number in range(len(self._threads))]

    def described(self, step: Step | None) -> str:
        """Return `step` in words."""
        if step is None:
            return "no step: it had ended"
        where = f" of {list(self._names)[step.location]}" if step.location >= 0 else ""
        return f"{step.kind.name.lower()}{where}"

    def restore(self, graph: Graph) -> None:
        """Let every thread that stands right after a new event go on to its next step."""
        for thread, events in enumerate(graph.threads):
            if events:
                last = events[-1]
                if last.after is UNSET:
                    last.after = self.resume(graph, last)
                graph.pending[thread] = last.after

    def resume(self, graph: Graph, event: Event) -> Step | None:
        """Return the step after `event`."""
        thread, index = event.thread, event.index
        events = graph.threads[thread]
        value = event.value
        kind = event.step.kind  # type: ignore[union-attr]  # no event here is initial
        if kind is Kind.COMPARE_EXCHANGE:
            value <<= 1
        elif kind is Kind.MODIFY:
            index -= 1
            read = events[index]
            value = read.value
            if read.kind is Kind.COMPARE_EXCHANGE:
                value = value << 1 | 1
        state = events[index - 1].state if index else self._beginnings[thread][1]
        after, event.state = self._threads[thread].after(state, value)
        return after

    def final(self, graph: Graph) -> tuple[int, ...]:
        """Return the values of what the test observes, at the end of an execution."""
        return tuple(self._value(graph, term) for term in self._test.observed)

    def _value(self, graph: Graph, term: c.Term) -> int:
        if isinstance(term, c.Location):
            value: int = graph.writes[self._names[term.name]][-1].value
            return value
        events = graph.threads[term.thread]
        _, local = events[-1].state if events else self._beginnings[term.thread][1]
        place = self._threads[term.thread].locals.get(term.name)
        return 0 if place is None else int(local[place])


def _accessed_plainly(code: tuple[c.Instruction, ...]) -> set[str]:
    found = set()
    for instruction in code:
        match instruction:
            case c.Load(_, location, None) | c.Store(location, _, None):
                found.add(location)
            case c.If(_, then, otherwise):
                found |= _accessed_plainly(then) | _accessed_plainly(otherwise)
    return found


@dataclass(frozen=True)
class LitmusTask:
    """A litmus test to explore under a memory model."""

    test: c.LitmusTest
    memory: str = "rc11"
    release_sequence: str = "c++20"

    def program(self) -> LitmusProgram:
        """Return the test as a program."""
        return LitmusProgram(self.test)

    def model(self) -> MemoryModel:
        """Return the memory model."""
        return memories.by_name(self.memory, self.release_sequence)

    @staticmethod
    def guard(program: LitmusProgram) -> AbstractContextManager[None]:  # noqa: ARG004
        """Refuse nothing: a litmus test can do no harm."""
        return nullcontext()

    @staticmethod
    def judge(program: LitmusProgram, graph: Graph, found: Exploration) -> None:
        """Count an execution and the state it came to."""
        found.executions += 1
        found.races += bool(graph.races)
        found.states[program.final(graph)] += 1


def explore_test(
    test: c.LitmusTest, memory: str = "rc11", release_sequence: str = "c++20", *, jobs: int = 1
) -> Exploration:
    """Explore every execution of `test` under the memory model of that name."""
    return Explorer(LitmusTask(test, memory, release_sequence), Bounds()).run(jobs=jobs)
