"""Programs of a model in the explorer: every execution of a small one, some of a larger one.

What is drawn of a larger one follows from the program alone, so a program comes to the same
whenever it is tried.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Search
from stress.explore.performance import Performance
from stress.explore.scenario import explored
from stress.model import Model
from stress.program import Program

EXHAUSTIVE: Final = 400
"""Executions of a program that are visited one after another."""
SAMPLED: Final = 100
"""Executions that are drawn where there are more, in each of two ways."""


@dataclass
class ExploredPrograms:
    """Tries programs of `model` under the memory model `memory`."""

    model: type[Model[Any]]
    memory: str = "rc11"
    executions: int = 0
    explored_wholly: int = 0
    """Programs of which every execution was visited."""
    interrupted: bool = False

    def failure(self, program: Program, *, shrinking: bool) -> Exploration | None:  # noqa: ARG002
        """Return the exploration that failed, or None."""
        scenario = Performance(self.model, program)
        found = explored(scenario, memory=self.memory, bounds=Bounds(executions=EXHAUSTIVE))
        self._count(found)
        if found.failure is None and found.finished:
            self.explored_wholly += 1
        elif found.failure is None:
            for name in ("random", "pct"):
                search = Search(name, self._seed(program))
                found = explored(
                    scenario, memory=self.memory, bounds=Bounds(executions=SAMPLED), search=search
                )
                self._count(found)
                if found.failure is not None:
                    break
        return found if found.failure is not None else None

    def _count(self, found: Exploration) -> None:
        self.executions += found.executions
        if found.interrupted:
            raise KeyboardInterrupt

    def _seed(self, program: Program) -> int:
        text = str(program.to_json(self.model))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
