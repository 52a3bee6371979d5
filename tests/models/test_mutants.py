"""Every mutant of every model is killed by drawn programs, and nothing that is right is accused."""

import math

import pytest

from stress import registry
from stress.concurrent import ConcurrentMachine
from stress.explore.programs import ExploredPrograms
from stress.mutants import rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROWS = [row for row in rows(registry.names()) if row.model != "registrar"]
FAR = 300.0
"""Seconds after which a search is given up: many times what the longest one, 20 s, takes alone."""
PROGRAMS = 20
"""Programs that are tried on what is right."""


def _named(kind: str) -> list[str]:
    return [
        row.model if row.kind == "correct" else f"{row.model}:{row.name}"
        for row in ROWS
        if row.kind == kind
    ]


@pytest.mark.parametrize("name", _named("mutant"))
def test_explorer_kills_mutant(name: str) -> None:
    """Drawn programs show the fault of a mutant under rc11, with no program drawn by hand."""
    model = registry.model_of(name)
    machine = ConcurrentMachine(model, ExploredPrograms(model, "rc11"))
    run = machine.search(0, FAR, lambda _: None, shrink=False)
    assert run.failure is not None, f"{run.drawn} programs, none of which failed"


@pytest.mark.parametrize("name", [*_named("correct"), *_named("equivalent")])
@pytest.mark.parametrize("memory", ["sc", "rc11"])
def test_explorer_accuses_nothing_right(name: str, memory: str) -> None:
    """No execution of drawn programs fails on a subject that is right."""
    model = registry.model_of(name)
    machine = ConcurrentMachine(model, ExploredPrograms(model, memory))
    machine.round(1, PROGRAMS, math.inf, shrink=False)
    assert machine.run.failure is None, str(machine.run.program)
    assert machine.run.drawn > PROGRAMS // 2
