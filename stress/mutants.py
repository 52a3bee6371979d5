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
from stress.concurrent import ConcurrentMachine
from stress.explore.exploration import Bounds
from stress.explore.programs import EXHAUSTIVE, ExploredPrograms
from stress.explore.scenario import explored
from stress.host import Host
from stress.model import first_line
from stress.report.summary import RunSummary
from stress.threads import engine as concurrent
from stress.threads import supervisor
from stress.threads.child import Order
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
    """Yield the rows of `models`, with no cells yet; UnknownModelError for what is no model."""
    for name in models:
        model = registry.model_of(name)
        if model.original is not None:
            whole = registry.name_of(model.original)
            raise registry.UnknownModelError(
                f"{name!r} is a row of the matrix of {whole}.\n  Name the model: {whole}"
            )
        yield Row(name, name.rpartition("::")[2], "correct", model.summary())
        for kind, subjects in (("mutant", model.mutants), ("equivalent", model.equivalents)):
            for other, made in subjects.items():
                yield Row(name, other, kind, first_line(made))


def fill(row: Row, column: str, seconds: float, seed: int) -> None:
    """Try the engine `column` on the subject of `row`, for at most `seconds`.

    KeyboardInterrupt where Ctrl-C ended it: what survived until then has not survived.
    """
    name = row.model if row.kind == "correct" else f"{row.model}:{row.name}"
    try:
        row.cells[column] = _ENGINES[column](name, seconds, seed)
    except NoVerdictError as error:
        row.cells[column] = Cell(False, 0.0, 0, str(error))  # noqa: FBT003


def _sequential(name: str, seconds: float, seed: int) -> Cell:
    machine = registry.find(name).machine()
    run = sequential.run(machine, seconds, seed, lambda _: None, shrink=False)
    return _cell(RunSummary.of_sequential(name, run))


def _threads(name: str, seconds: float, seed: int) -> Cell:
    order = Order(name, {}, seed, seconds, None, PATIENCE)
    run = supervisor.run(order, lambda _: None)
    return _cell(RunSummary.of_threads(name, 0, run, Host.of_this_process()))


def _concurrent(name: str, seconds: float, seed: int) -> Cell:
    run = concurrent.run(name, None, seconds, seed, PATIENCE, lambda _: None, shrink=False)
    return _cell(RunSummary.of_concurrent(name, run, Host.of_this_process()))


def _cell(done: RunSummary) -> Cell:
    """Return what `stress run` would say in one word."""
    if done.interrupted:
        raise KeyboardInterrupt
    return Cell(
        done.verdict is Verdict.FAILED,
        done.seconds,
        done.executions or done.examples,
        "  ".join(done.doubts),
    )


def _explored(memory: str) -> Callable[[str, float, int], Cell]:
    def explore(name: str, seconds: float, seed: int) -> Cell:
        started = time.monotonic()
        engine = ExploredPrograms(registry.model_of(name), memory)
        killed = _hand_drawn_fails(name, seconds, engine)
        left = seconds - (time.monotonic() - started)
        if not killed and left > 0:
            machine = ConcurrentMachine(engine.model, engine)
            run = machine.search(seed, left, lambda _: None, shrink=False)
            killed = run.failure is not None
            if run.interrupted and not killed:
                raise KeyboardInterrupt
        doubt = f"{engine.cut:,} executions were cut off at the bound on steps." * bool(engine.cut)
        return Cell(killed, time.monotonic() - started, engine.executions, doubt)

    return explore


def _hand_drawn_fails(name: str, seconds: float, engine: ExploredPrograms) -> bool:
    """Explore the programs drawn by hand for at most `seconds`; return whether one fails."""
    started = time.monotonic()
    for scenario in registry.find(name).scenarios().values():
        left = seconds - (time.monotonic() - started)
        if left <= 0:
            break
        bounds = Bounds(EXHAUSTIVE, seconds=left)  # a large one leaves time for the others
        found = explored(scenario, memory=engine.memory, bounds=bounds)
        engine.executions += found.executions
        engine.cut += found.cut
        if found.failure is not None:
            return True
        if found.interrupted:
            raise KeyboardInterrupt
    return False


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
