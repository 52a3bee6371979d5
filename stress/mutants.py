"""The kill matrix: which engine kills which mutant, within a budget, and that none kills the rest.

A check that nothing can fail checks nothing.  So each engine is tried on every mutant of a model,
and on what it must not accuse: the correct subject, and its equivalents, which differ from it and
are right all the same.

The columns are engines: the sequential machine; real threads on drawn programs, many instances at
once; the concurrent machine on real threads; and the explorer under each memory model, which
visits the programs drawn by hand first, and then programs that are drawn.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stress import registry, sequential
from stress.concurrent import ConcurrentMachine, Engine
from stress.explore.exploration import Bounds
from stress.explore.programs import EXHAUSTIVE, ExploredPrograms
from stress.explore.scenario import explored
from stress.model import first_line
from stress.threads import supervisor
from stress.threads.child import Order
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError, Verdict

MEMORIES: Final = ("sc", "tso", "rc11")
COLUMNS: Final = ("sequential", "threads", "concurrent", *(f"explore-{each}" for each in MEMORIES))
PATIENCE: Final = 5.0
"""Seconds after which real threads that do not get on count as hanging."""


@dataclass(frozen=True)
class Cell:
    """What one engine came to with one subject."""

    killed: bool
    seconds: float
    """Until the subject was killed; else, for how long it survived."""
    executions: int
    """How many there were until then."""
    doubt: str = ""
    """Why it says nothing that the subject survived."""


@dataclass
class Row:
    """One subject in every engine."""

    model: str
    name: str
    """Of the mutant or equivalent; of the correct subject, that of the model."""
    kind: str
    """correct, mutant or equivalent."""
    summary: str
    """What is wrong with a mutant, and why an equivalent is right."""
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def killed(self) -> bool:
        """Whether any engine killed it."""
        return any(cell.killed for cell in self.cells.values())

    @property
    def verdict(self) -> Verdict:
        """FAILED for a mutant that survived, and for what was killed though it is right."""
        if self.killed != (self.kind == "mutant"):
            return Verdict.FAILED
        doubts = any(cell.doubt for cell in self.cells.values())
        return Verdict.UNKNOWN if doubts and not self.killed else Verdict.OK


def rows(models: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of `models`, with no cells yet; UnknownModelError for one there is not."""
    for name in models:
        model = registry.model_of(name)
        yield Row(name, name.rpartition("::")[2], "correct", model.summary())
        for kind, subjects in (("mutant", model.mutants), ("equivalent", model.equivalents)):
            for other, made in subjects.items():
                yield Row(name, other, kind, first_line(made))


def fill(row: Row, column: str, seconds: float, seed: int) -> None:
    """Try the engine `column` on the subject of `row`, for at most `seconds`."""
    name = row.model if row.kind == "correct" else f"{row.model}:{row.name}"
    try:
        row.cells[column] = _ENGINES[column](name, seconds, seed)
    except NoVerdictError as error:
        row.cells[column] = Cell(False, 0.0, 0, str(error))  # noqa: FBT003


def _sequential(name: str, seconds: float, seed: int) -> Cell:
    machine = registry.find(name).machine()
    run = sequential.run(machine, seconds, seed, lambda _: None, shrink=False)
    return Cell(run.failure is not None, run.seconds, run.examples)


def _threads(name: str, seconds: float, seed: int) -> Cell:
    order = Order(name, {}, seed, seconds, None, PATIENCE)
    run = supervisor.run(order, lambda _: None)
    doubt = run.errors[0] if run.errors else "" if run.census.overlapped else "no call overlapped"
    return Cell(bool(run.findings), run.seconds, run.census.instances, doubt)


def _concurrent(name: str, seconds: float, seed: int) -> Cell:
    with ThreadedPrograms(name, registry.model_of(name), PATIENCE) as engine:
        return _drawn(name, engine, seconds, seed)


def _explored(memory: str) -> Callable[[str, float, int], Cell]:
    def explore(name: str, seconds: float, seed: int) -> Cell:
        started = time.monotonic()
        engine = ExploredPrograms(registry.model_of(name), memory)
        for scenario in registry.find(name).scenarios().values():
            left = seconds - (time.monotonic() - started)
            if left <= 0:
                break
            bounds = Bounds(EXHAUSTIVE, seconds=left)  # a large one leaves time for the others
            found = explored(scenario, memory=memory, bounds=bounds)
            engine.executions += found.executions
            if found.failure is not None:
                return Cell(True, time.monotonic() - started, engine.executions)  # noqa: FBT003
        before = time.monotonic() - started
        cell = _drawn(name, engine, max(seconds - before, 0), seed)
        return Cell(cell.killed, before + cell.seconds, cell.executions)

    return explore


def _drawn(name: str, engine: Engine, seconds: float, seed: int) -> Cell:
    machine = ConcurrentMachine(registry.model_of(name), engine)
    run = machine.search(seed, seconds, lambda _: None, shrink=False)
    return Cell(run.failure is not None, run.seconds, engine.executions)


_ENGINES: Final[dict[str, Callable[[str, float, int], Cell]]] = {
    "sequential": _sequential,
    "threads": _threads,
    "concurrent": _concurrent,
    **{f"explore-{memory}": _explored(memory) for memory in MEMORIES},
}


def as_json(found: Sequence[Row]) -> dict[str, Any]:
    """Return the matrix as JSON."""
    return {
        "subjects": [
            {
                "model": row.model,
                "name": row.name,
                "kind": row.kind,
                "summary": row.summary,
                "cells": {
                    column: {
                        "killed": cell.killed,
                        "seconds": round(cell.seconds, 3),
                        "executions": cell.executions,
                    }
                    | ({"doubt": cell.doubt} if cell.doubt else {})
                    for column, cell in row.cells.items()
                },
            }
            for row in found
        ]
    }
