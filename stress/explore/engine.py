"""The engine `explore` of `stress run`: every program of a model, each in every execution."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stress.explore.exploration import Bounds, Exploration
from stress.explore.scenario import Scenario, explored


@dataclass
class ExploredRun:
    """What came of the programs so far, by name."""

    programs: dict[str, Exploration] = field(default_factory=dict)
    asked: int = 0
    """How many programs there are."""
    seconds: float = 0.0

    @property
    def executions(self) -> int:
        """Of all programs."""
        return sum(found.executions for found in self.programs.values())

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return any(found.interrupted for found in self.programs.values())


def run(
    scenarios: Mapping[str, Scenario],
    seconds: float,
    watch: Callable[[ExploredRun], None],
    *,
    memory: str = "rc11",
    jobs: int = 1,
) -> ExploredRun:
    """Explore the scenarios one after another, until one fails or the time is up."""
    done = ExploredRun(asked=len(scenarios))
    started = time.perf_counter()
    for name, scenario in scenarios.items():
        left = seconds - (time.perf_counter() - started)
        if left <= 0:
            break
        found = explored(scenario, memory=memory, bounds=Bounds(seconds=left), jobs=jobs)
        done.programs[name] = found
        done.seconds = time.perf_counter() - started
        watch(done)
        if found.failure is not None or found.interrupted:
            break
    return done
