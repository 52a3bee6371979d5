"""Of the executions that fail, the one with the fewest preemptions: the easiest to follow.

A preemption is where a thread stops although it could go on, and another takes a step (Musuvathi
and Qadeer, "Iterative Context Bounding for Systematic Testing of Multithreaded Programs", PLDI
2007, section 2).  Under a weak memory model an execution is no sequence; counted are those of the
sequence in which it is told (`stress.explore.linear`).
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from stress.explore.exploration import Bounds, Exploration, Failure
from stress.explore.explorer import Explorer, Search
from stress.explore.graph import Graph
from stress.explore.linear import linear
from stress.explore.machine import Machine, TooManyThreadsError
from stress.explore.scenario import MOST_THREADS, ScenarioTask
from stress.explore.steps import Kind

EXECUTIONS: Final = 2_000
"""Executions among which the easiest is looked for."""
SECONDS: Final = 20.0
"""How long it is looked for: executions may be long."""
WAITING: Final = (Kind.LOCK, Kind.JOIN, Kind.WAIT, Kind.PAUSE)
"""A thread before such a step may not have been able to go on."""


def preemptions(graph: Graph) -> int:
    """Return how many preemptions the events of `graph` need."""
    events = [event for event in linear(graph) if event.thread]
    last = {event.thread: event for event in events}
    ahead = {one.bit: other for thread in graph.threads for one, other in pairwise(thread)}
    return sum(
        one.thread != other.thread
        and one is not last[one.thread]
        and ahead[one.bit].kind not in WAITING
        for one, other in pairwise(events)
    )


@dataclass(frozen=True)
class _Collecting(ScenarioTask):
    """Goes on after a failure, and keeps the one with the fewest preemptions."""

    best: list[tuple[int, int, Failure]] = field(default_factory=list, compare=False)

    def judge(self, machine: Machine, graph: Graph, found: Exploration) -> None:
        """Count an execution, and put its failure, if it has one, in place of a worse one."""
        super().judge(machine, graph, found)
        failure, found.failure = found.failure, None
        if failure is not None:
            cost = preemptions(graph), len(graph.order), failure
            if not self.best or cost[:2] < self.best[0][:2]:
                self.best[:] = [cost]


def fewest(task: ScenarioTask, found: Exploration) -> Exploration:
    """Return `found` with the failure, of those within reach, that has the fewest preemptions."""
    collecting = _Collecting(
        task.scenario,
        task.memory,
        task.steps,
        task.spurious,
        task.stride,
        task.release_sequence,
    )
    bounds = Bounds(executions=EXECUTIONS, seconds=SECONDS)
    while True:
        try:
            Explorer(collecting, bounds).run(Search())
        except TooManyThreadsError:
            if collecting.stride >= MOST_THREADS:
                raise
            collecting = replace(collecting, stride=collecting.stride * 2)
        else:
            break
    best = [each for _, _, each in collecting.best]
    return replace(found, failure=best[0] if best else found.failure)
