"""A failure of an exploration: carried out once more, told, saved, and replayed from its file.

    trace = report_of(task, found, target)
    path = failures.save(completed(as_json(task, found, trace, target)), Path(".stress/failures"))

Nothing is reported that does not replay: the trace is that of a second machine, which carried out
the schedule alone.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from stress.explore.exploration import Exploration, Failure
from stress.explore.graph import Graph
from stress.explore.growth import Growth
from stress.explore.guard import ForbiddenCallError, NoStepError
from stress.explore.machine import Machine, NondeterminismError, TooManyThreadsError
from stress.explore.memory.model import MemoryModel
from stress.explore.scenario import MOST_THREADS, ScenarioTask
from stress.explore.schedule import ScheduleMismatchError
from stress.explore.search.replay import ForbiddenChoiceError, Replay
from stress.explore.steps import Kind
from stress.explore.target import find, model_in
from stress.explore.trace import Trace, trace_of
from stress.host import Host
from stress.verdict import NoVerdictError

KIND = "execution"
"""What saved failures of this kind are called."""


HALTING: Final = frozenset({"race", "exception", "assertion"})
"""What ends an execution that could go on.  All else is judged when no thread can."""


class NotReplayedError(NoVerdictError):
    """A failure did not happen again when its schedule was carried out."""


class ScheduleEndsError(ScheduleMismatchError):
    """Threads can go on where the schedule ends: the scenario takes more steps, or it was cut."""


def report_of(task: ScenarioTask, found: Exploration, target: str) -> Trace:
    """Carry out what failed in `found` on a machine of its own, and tell of it.

    NotReplayedError if it does not fail there in the same way.
    """
    assert found.failure is not None
    try:
        trace = _carried_out(task, found.failure.schedule)
    except ScheduleEndsError:
        trace = None
    if trace is None or trace.kind != found.failure.kind:
        now = "without a failure" if trace is None else f"in another failure: {trace.title}"
        raise NotReplayedError(
            f"{found.failure.kind} ({found.failure.message}) did not happen again: its schedule "
            f"ended {now}.\n"
            f"  The scenario does not do the same every time.  Make all it uses anew inside it."
        )
    trace.scenario = target or getattr(task.scenario, "__name__", "")
    trace.found = f"execution {found.executions:,}"
    return trace


def as_json(task: ScenarioTask, found: Exploration, trace: Trace, target: str) -> dict[str, Any]:
    """Return what is saved of the failure in `found`."""
    assert found.failure is not None
    return {
        "kind": KIND,
        "model": model_in(target) or trace.scenario,
        "engine": "explore",
        "violations": [{"rule": trace.kind, "message": trace.title}],
        "interpreter": Host.of_this_process().interpreter,
        "target": target,
        "memory": task.memory,
        "release_sequence": task.release_sequence,
        "steps": task.steps,
        "spurious": task.spurious,
        "schedule": list(found.failure.schedule),
        "trace": trace.to_json(),
    }


def nondeterminism(task: ScenarioTask, error: Exception, target: str) -> dict[str, Any]:
    """Return what is saved of a scenario that does not do the same every time: no verdict."""
    happened, _, advice = str(error).partition("\n")
    source = getattr(error, "source", "")
    line = f"  The line there: {source}.\n" if source else ""
    return {
        "kind": "nondeterminism",
        "model": model_in(target) or getattr(task.scenario, "__name__", ""),
        "engine": "explore",
        "violations": [{"rule": "nondeterminism", "message": f"{happened}\n{line}{advice}"}],
        "interpreter": Host.of_this_process().interpreter,
        "target": target,
        "memory": task.memory,
        "release_sequence": task.release_sequence,
        "steps": task.steps,
        "spurious": task.spurious,
    }


def again(failure: Mapping[str, Any], path: Path) -> Trace | None:
    """Carry out the saved `failure` in the file `path` again; None if it does not fail any more.

    TargetError if its scenario is gone, ScheduleMismatchError if it takes other steps now, or more.
    """
    task = task_of(failure)
    try:
        trace = _carried_out(task, failure["schedule"])
    except ForbiddenChoiceError:
        return None
    except ScheduleEndsError:
        if failure["violations"][0]["rule"] in HALTING:
            return None  # no thread fails, or races, where one did
        raise
    if trace is not None:
        before = Trace.from_json(failure["trace"])
        trace.scenario, trace.found = before.scenario, before.found
        trace.saved = path.as_posix()
    return trace


def task_of(failure: Mapping[str, Any]) -> ScenarioTask:
    """Return what a saved failure is of; TargetError if its scenario is gone."""
    return ScenarioTask(
        find(failure["target"]),
        failure["memory"],
        failure["steps"],
        failure["spurious"],
        release_sequence=failure["release_sequence"],
    )


def _carried_out(task: ScenarioTask, schedule: Sequence[str]) -> Trace | None:
    def tell(machine: Machine, model: MemoryModel, graph: Graph) -> Trace | None:
        return _told(machine, model, graph, task, len(schedule))

    return repeated(task, schedule, tell)


def repeated[T](
    task: ScenarioTask,
    schedule: Sequence[str],
    tell: Callable[[Machine, MemoryModel, Graph], T],
    *,
    guarded: bool = True,
) -> T:
    """Carry out `schedule` on a new machine, and return what `tell` has to say of it there.

    Unless it is `guarded`, whoever tells may read the clock, and take his time.
    """
    while True:
        machine = task.program()
        model = task.model()
        try:
            with task.guard(machine) if guarded else task.kept(machine):
                [graph] = Replay(machine, model, schedule).complete()
                return tell(machine, model, graph)
        except TooManyThreadsError as error:
            if task.stride >= MOST_THREADS:
                raise ScheduleMismatchError(
                    f"the scenario starts more than {MOST_THREADS} threads.\n"
                    f"  So it is none that was explored: it has changed, or the file."
                ) from error
            task = dataclasses.replace(task, stride=task.stride * 2)
        except (NondeterminismError, ForbiddenCallError, NoStepError) as error:
            raise ScheduleMismatchError(str(error)) from error


def _told(
    machine: Machine, model: MemoryModel, graph: Graph, task: ScenarioTask, length: int
) -> Trace | None:
    failed = any(step is not None and step.kind is Kind.FAIL for step in graph.pending)
    if not failed and (thread := Growth(machine, model).runnable(graph)) >= 0:
        step = graph.pending[thread]
        assert step is not None
        raise ScheduleEndsError(
            f"the schedule ends after {length} steps, where thread "
            f"{machine.names[thread]!r} can go on: {machine.described(step)}.\n"
            f"  The scenario has changed since the schedule was saved, or the file was cut.\n"
            f"  Explore it again; if it still fails, that saves a schedule that fits."
        )
    judged = Exploration()
    task.judge(machine, graph, judged)
    failure: Failure | None = judged.failure
    if failure is None:
        return None
    trace = trace_of(machine, graph, failure.kind, model)
    threads = len(graph.threads) - 1
    bounds = [f"{threads} thread{'s' * (threads != 1)}", f"{task.steps:,} steps each"]
    if task.spurious:
        bounds.append(f"{task.spurious} spurious wake-up{'s' * (task.spurious != 1)} each")
    if task.release_sequence != "c++20":
        bounds.append(f"{task.release_sequence} release sequences")
    trace.bounds = ", ".join(bounds)
    return trace
