"""A mutant that no engine killed, told as a failure: a check that nothing can fail checks nothing.

What is at fault is the model, or the time the engines had, and not the mutant; so the report says
what the mutant does wrong, who looked for it and for how long, and how to look longer.
"""

import inspect
from pathlib import Path
from typing import Final

from stress import registry
from stress.mutants import Cell, Row
from stress.report.failure import Report

PROVES_NOTHING: Final = (
    "A fault that is known to be there was not found, so a pass of this model says less than it "
    "seems to."
)
EITHER: Final = (
    "Either the engines need longer, or no program that the model draws meets the fault, or no "
    "result and no invariant of the model shows it."
)
LONGER: Final = 10
"""Times as long as the engines had."""


def survivor(row: Row, seconds: float, seed: int) -> Report:
    """Return the report of the mutant of `row`, which each engine looked for so long."""
    name = f"{row.model}:{row.name}"
    facts = {"model": row.model, "mutant": row.name, "fault": row.summary, "seed": str(seed)}
    if where := _where(row):
        facts["where"] = where
    return Report(
        "survivor",
        f"the mutant {row.name} of {row.model} survives: no engine finds its fault",
        "kill matrix",
        name,
        "mutants",
        facts,
        replay=f"stress run {name} --engine all --for {seconds * LONGER:g} --seed {seed}",
        observed=[_survived(engine, cell) for engine, cell in row.cells.items()],
        allowed=["one engine at least that breaks a rule"],
        why=[PROVES_NOTHING, EITHER],
        notes=[f"{engine}: {cell.doubt}" for engine, cell in row.cells.items() if cell.doubt],
    )


def _survived(engine: str, cell: Cell) -> str:
    many = "s" * (cell.executions != 1)
    return f"{engine}: nothing wrong in {cell.executions:,} execution{many}, {cell.seconds:.1f} s"


def _where(row: Row) -> str:
    """Return the file and line of the mutant, where it can be found: ``registrar_faults.py:60``."""
    try:
        made = registry.model_of(row.model).mutants[row.name]
        made = getattr(made, "func", made)
        file = inspect.getsourcefile(made)
        _, line = inspect.getsourcelines(made)
    except (registry.UnknownModelError, KeyError, OSError, TypeError):
        return ""
    return f"{Path(file).name}:{line}" if file else ""
