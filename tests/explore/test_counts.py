"""The numbers of executions that GenMC has on record, and those of the families, exactly."""

from functools import partial
from typing import Any

import pytest

from benchmarks.scenarios import fib as fib_scenario
from benchmarks.scenarios import lockinc
from stress.explore.litmus import explore_test
from stress.explore.scenario import explored
from tests.oracle.table import FAMILIES, FIB, FIB_5_SC, TABLE, Row, fib

QUICK = 1_000
"""Executions that take less than a quarter of a second."""


def marked(rows: Any) -> list[Any]:
    """Return the rows as parameters, the large ones marked slow."""
    return [
        pytest.param(row, marks=[pytest.mark.slow] if row.rc11 > QUICK else [], id=row.test.name)
        for row in rows
    ]


@pytest.mark.parametrize("row", marked([*TABLE, *FAMILIES]))
def test_number_of_executions_is_exact(row: Row) -> None:
    """Under sc and under rc11 each test has as many executions as it is known to have."""
    assert (explore_test(row.test, "sc").executions, explore_test(row.test, "rc11").executions) == (
        row.sc,
        row.rc11,
    )


@pytest.mark.slow
def test_number_of_executions_of_fib_is_exact() -> None:
    """Two threads that add up two words have the known numbers of executions."""
    assert {rounds: explore_test(fib(rounds)).executions for rounds in FIB} == FIB
    assert explore_test(fib(5), "sc").executions == FIB_5_SC


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["sc", "tso", "rc11"])
def test_scenario_has_as_many_executions_as_litmus_test(memory: str) -> None:
    """The same program has the same executions as Python and as a litmus test."""
    as_python = explored(partial(fib_scenario, 4), memory=memory).executions

    assert as_python == explore_test(fib(4), memory).executions


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "executions"), [(5, 120), (6, 720)])
def test_lockinc_has_factorial_executions(threads: int, executions: int) -> None:
    """Threads under one lock come in every order, and no execution is blocked."""
    found = explored(partial(lockinc, threads))

    assert (found.executions, found.blocked) == (executions, 0)
