"""The tables of docs/registrar-verified.md: every execution of every program, every fault caught.

``python -m benchmarks.verified`` explores all programs of `models.registrar_programs` and prints
the tables as Markdown, in about half a minute.  All figures but the seconds are the same on every
machine and in every run: `tests/explore/test_registrar_verified.py` holds the document to them.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from models.registrar import RegistrarModel
from models.registrar_programs import PROGRAMS, outlined
from registrar import GRANULARITY
from stress.explore.exploration import Bounds, Exploration
from stress.explore.performance import Performance
from stress.explore.scenario import explored
from stress.model import Model
from stress.program import Program

MEMORIES: Final = ("rc11", "tso", "sc")
FEW: Final = Bounds(executions=50)
"""In which a program shows a fault, or is not counted among those that do."""

type Table = list[list[str]]
"""Rows of cells, the names of the columns first."""


def programs() -> Table:
    """Return for every program its executions under each memory model, and the seconds of rc11."""
    rows = [["program", "calls", "threads", "refused", *MEMORIES, "seconds"]]
    for name, program in PROGRAMS.items():
        found = [
            explored(Performance(RegistrarModel, program), memory=memory) for memory in MEMORIES
        ]
        counts = [f"{each.executions:,}" if _ok(each) else _kind(each) for each in found]
        size = f"{len(program.threads)} x {max(map(len, program.threads))}"
        rows.append([name, outlined(program), size, _refused(program), *counts, _seconds(found[0])])
    return rows


def faults() -> Table:
    """Return for every fault the first program that shows it, as what, and what all come to."""
    rows = [["fault", "program", "shown as", "after", "tso", "sc", "programs", "in all, as"]]
    for name, subject in RegistrarModel.mutants.items():
        model = RegistrarModel.of(subject)
        caught = dict(_caught(model))
        first = next(iter(caught))
        kinds = [
            _kind(explored(Performance(model, PROGRAMS[first]), memory=memory))
            for memory in MEMORIES[1:]
        ]
        ways = {way for found in caught.values() for way in _kind(found).split(", ")}
        in_all = [f"{len(caught)}", ", ".join(sorted(ways, key=_by_number))]
        after = f"{caught[first].executions}"
        rows.append([name, first, _kind(caught[first]), after, *kinds, *in_all])
    return rows


def equivalents() -> Table:
    """Return for every equivalent what all programs together come to."""
    rows = [["equivalent", "programs", "executions", "verdict"]]
    for name, subject in RegistrarModel.equivalents.items():
        model = RegistrarModel.of(subject)
        found = [explored(Performance(model, program)) for program in PROGRAMS.values()]
        verdicts = sorted({_kind(each) for each in found})
        executions = f"{sum(each.executions for each in found):,}"
        rows.append([name, f"{len(found)}", executions, ", ".join(verdicts)])
    return rows


def _caught(model: type[Model[Any]]) -> Iterator[tuple[str, Exploration]]:
    for name, program in PROGRAMS.items():
        found = explored(Performance(model, program), bounds=FEW)
        if found.failure is not None:
            yield name, found


def _ok(found: Exploration) -> bool:
    return found.verdict.value == "ok"


def _kind(found: Exploration) -> str:
    """Return the verdict, or of a failure the rules it breaks or its kind."""
    if found.failure is None:
        return found.verdict.value
    rules = re.findall(r"\bI\d+(?=: )", found.failure.message)
    return ", ".join(dict.fromkeys(rules)) or found.failure.kind


def _by_number(way: str) -> tuple[int, str]:
    """Sort I2 before I10, and the rules before the rest."""
    return (int(way[1:]) if way[1:].isdigit() else 99), way


def _refused(program: Program) -> str:
    """Return the refused pieces of `program`, as chunks where they are whole ones."""
    case = program.case
    chunks = sorted({piece.start // GRANULARITY for piece in case.refused})
    return ", ".join(
        f"chunk {chunk}" if len(case.pieces(chunk)) == 1 else f"a piece of chunk {chunk}"
        for chunk in chunks
    )


def _seconds(found: Exploration) -> str:
    return f"{found.seconds:.2f}"


def markdown(table: Table) -> str:
    """Return `table` in Markdown."""
    head, *rows = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([head, "|---" * len(table[0]) + "|", *rows])


def main() -> None:
    """Print the tables."""
    for table in (programs, faults, equivalents):
        print(markdown(table()), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
