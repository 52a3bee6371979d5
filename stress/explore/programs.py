"""Programs of a model in the explorer: every execution of a small one, some of a larger one.

What is drawn of a larger one follows from the program alone, so a program comes to the same
whenever it is tried.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from stress import failures, registry
from stress.explore.coverage import Coverage
from stress.explore.exploration import Bounds, Exploration, Failure
from stress.explore.explorer import Search
from stress.explore.performance import Performance
from stress.explore.record import again
from stress.explore.scenario import explored
from stress.explore.target import program_target
from stress.model import Model
from stress.program import Program

EXHAUSTIVE: Final = 400
"""Executions of a program that are visited one after another."""
SAMPLED: Final = 100
"""Executions that are drawn where there are more, in each of two ways."""
STEPS: Final = 500
"""Steps of one thread: the calls of a drawn program are few and short."""
HASTE: Final = 4
"""While shrinking, where most programs pass, so many times fewer of both."""


@dataclass
class ExploredPrograms:
    """Tries programs of `model` under the memory model `memory`."""

    model: type[Model[Any]]
    memory: str = "rc11"
    exhaustive: int = EXHAUSTIVE
    failures: Path | None = None
    """Where failures are saved, whose schedules are tried first."""
    executions: int = 0
    explored_wholly: int = 0
    """Programs of which every execution was visited."""
    cut: int = 0
    """Executions in which a thread took `STEPS` steps and was going on."""
    coverage: Coverage | None = None
    """Notes what is seen, where somebody wants to know."""

    def failure(self, program: Program, *, shrinking: bool) -> Exploration | None:
        """Return the exploration that failed, or None."""
        if self.coverage is not None:
            self.coverage.begin()
        scenario = Performance(self.model, program, self.coverage)
        haste = HASTE if shrinking else 1
        known = self._known(program)
        if known is not None:
            return known
        found = self._explored(scenario, self.exhaustive // haste, Search())
        if found.failure is None and found.finished:
            self.explored_wholly += not found.cut
        elif found.failure is None:
            for name in ("random", "pct"):
                search = Search(name, self._seed(program))
                found = self._explored(scenario, SAMPLED // haste, search)
                if found.failure is not None:
                    break
        return found if found.failure is not None else None

    def _known(self, program: Program) -> Exploration | None:
        """Return the failure that was saved of `program`, if it happens again."""
        if not (self._saved and self._name):
            return None
        for path, saved in self._saved.get(program_target(self._name, self.model, program), []):
            with suppress(KeyError, TypeError, ValueError):
                trace = again(saved, path)
                if trace is not None:
                    self.executions += 1
                    failure = Failure(trace.kind, trace.title, tuple(saved["schedule"]))
                    return Exploration(executions=1, failure=failure)
        return None

    @cached_property
    def _name(self) -> str:
        return registry.saved_name(self.model)

    @cached_property
    def _saved(self) -> dict[str, list[tuple[Path, dict[str, Any]]]]:
        """The failures that were saved under this memory model, by what they are of."""
        found: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
        for path in sorted(self.failures.glob("*.json")) if self.failures else ():
            with suppress(failures.FailureFileError):
                saved = failures.load(path)
                if saved.get("memory") == self.memory:
                    found.setdefault(str(saved.get("target")), []).append((path, saved))
        return found

    def _explored(self, scenario: Performance, executions: int, search: Search) -> Exploration:
        bounds = Bounds(executions=executions, steps=STEPS)
        found = explored(scenario, memory=self.memory, bounds=bounds, search=search)
        self.executions += found.executions
        self.cut += found.cut
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    def _seed(self, program: Program) -> int:
        text = str(program.to_json(self.model))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
