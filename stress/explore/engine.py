"""The engine `explore` of `stress run`: every program of a model, each in every execution."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Explorer, Search
from stress.explore.record import as_json, report_of
from stress.explore.scenario import ScenarioTask
from stress.explore.target import NamedScenario

MEMORY = "rc11"
"""The memory model: the only one that shows wrong orders."""


@dataclass
class ExploredRun:
    """What came of the programs of a model so far."""

    asked: int
    """How many programs there are."""
    programs: dict[str, Exploration] = field(default_factory=dict)
    seconds: float = 0.0
    failure: dict[str, Any] | None = None
    """The first failure, as it is saved."""

    @property
    def executions(self) -> int:
        """Of all programs together."""
        return sum(found.executions for found in self.programs.values())

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return any(found.interrupted for found in self.programs.values())

    @property
    def unfinished(self) -> list[str]:
        """The programs that were begun and not explored to the end."""
        return [
            name
            for name, found in self.programs.items()
            if found.failure is None and not (found.finished and not found.cut)
        ]


def run(
    model: str, programs: Iterable[str], seconds: float, watch: Callable[[ExploredRun], None]
) -> ExploredRun:
    """Explore the `programs` of `model` one after another, until one fails or the time is up."""
    waiting = list(programs)
    done = ExploredRun(len(waiting))
    started = time.perf_counter()
    for name in waiting:
        left = seconds - (time.perf_counter() - started)
        if left <= 0:
            break
        target = f"{model}/{name}"
        task = ScenarioTask(NamedScenario(target), MEMORY)
        found = done.programs[name] = Explorer(task, Bounds(seconds=left)).run(Search())
        done.seconds = time.perf_counter() - started
        watch(done)
        if found.failure is not None:
            done.failure = as_json(task, found, report_of(task, found, target), target)
        if found.failure is not None or found.interrupted:
            break
    return done
