"""The engine `explore` of `stress run`: a model's own programs, and then programs it draws."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from stress import registry
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.conformance import UndecidedError
from stress.explore.exploration import Bounds, Exploration
from stress.explore.performance import Performance
from stress.explore.preemptions import fewest
from stress.explore.programs import STEPS, ExploredPrograms
from stress.explore.record import as_json, report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.explore.target import NamedScenario, program_target
from stress.model import Model
from stress.program import Program

MEMORY: Final = "rc11"
"""The memory model: the only one that shows wrong orders."""


@dataclass
class ExploredRun:
    """What came of the programs of a model so far."""

    asked: int
    """How many programs of its own the model has."""
    programs: dict[str, Exploration] = field(default_factory=dict)
    drawn: ConcurrentRun = field(default_factory=ConcurrentRun)
    """What came of the programs that were drawn."""
    drawn_executions: int = 0
    drawn_wholly: int = 0
    """Drawn programs of which every execution was visited."""
    drawn_cut: int = 0
    """Executions of these in which a thread met the bound on steps."""
    seconds: float = 0.0
    undecided: str = ""
    """Why the judge could not say what an execution is, if it could not."""
    failure: dict[str, Any] | None = None
    """The first failure, as it is saved."""

    def told_by(self, engine: ExploredPrograms) -> None:
        """Take over what `engine` has counted of the programs that were drawn."""
        self.drawn_executions = engine.executions
        self.drawn_wholly = engine.explored_wholly
        self.drawn_cut = engine.cut

    @property
    def executions(self) -> int:
        """Of all programs together."""
        return self.drawn_executions + sum(found.executions for found in self.programs.values())

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.drawn.interrupted or any(each.interrupted for each in self.programs.values())

    @property
    def unfinished(self) -> list[str]:
        """The programs that were begun and not explored to the end."""
        return [
            name
            for name, found in self.programs.items()
            if found.failure is None and not (found.finished and not found.cut)
        ]


def run(name: str, seconds: float, seed: int, watch: Callable[[ExploredRun], None]) -> ExploredRun:
    """Explore the model called `name` until something fails or the time is up."""
    subject = registry.find(name)
    done = ExploredRun(len(subject.scenarios()))
    started = time.perf_counter()
    _explore_its_own(name, seconds, done, watch)
    left = seconds - done.seconds
    going = done.failure is None and not done.interrupted and left > 0
    if going and isinstance(subject, registry.ModelSubject):
        _explore_drawn(name, subject.model, left, seed, done, watch)
    done.seconds = time.perf_counter() - started
    return done


def _explore_its_own(
    name: str, seconds: float, done: ExploredRun, watch: Callable[[ExploredRun], None]
) -> None:
    started = time.perf_counter()
    for program in registry.find(name).scenarios():
        left = seconds - (time.perf_counter() - started)
        if left <= 0:
            break
        target = f"{name}/{program}"
        task = ScenarioTask(NamedScenario(target), MEMORY)
        found = done.programs[program] = explored(
            task.scenario, memory=MEMORY, bounds=Bounds(seconds=left)
        )
        done.seconds = time.perf_counter() - started
        watch(done)
        if found.failure is not None:
            done.failure = as_json(task, found, report_of(task, found, target), target)
        if found.failure is not None or found.interrupted:
            break


def _explore_drawn(  # noqa: PLR0913, PLR0917  (what is drawn, and what is told of it)
    name: str,
    model: type[Model[Any]],
    seconds: float,
    seed: int,
    done: ExploredRun,
    watch: Callable[[ExploredRun], None],
) -> None:
    engine = ExploredPrograms(model, MEMORY)
    before = done.seconds

    def told(run: ConcurrentRun) -> None:
        done.drawn = run
        done.told_by(engine)
        done.seconds = before + run.seconds
        watch(done)

    machine = ConcurrentMachine(model, engine)
    try:
        machine.search(seed, seconds, told)
    except UndecidedError as error:
        done.undecided = str(error)
    run = machine.run
    told(run)
    if run.failure is not None:
        assert run.program is not None
        done.failure = saved_failure(name, model, run.program, MEMORY, run.failure)


def saved_failure(
    name: str, model: type[Model[Any]], program: Program, memory: str, found: Exploration
) -> dict[str, Any]:
    """Return what is saved of `program`, which fails: its easiest execution, and how it fails.

    `name` is that of the model; "" where it has none, and nobody finds it again.
    """
    target = program_target(name, model, program) if name else ""
    scenario = NamedScenario(target) if target else Performance(model, program)
    task = ScenarioTask(scenario, memory, STEPS)
    found = fewest(task, found)
    trace = report_of(task, found, target)
    trace.scenario = f"{name or model.__name__}: {program}"
    return as_json(task, found, trace, target) | {"model": name or model.__name__}
