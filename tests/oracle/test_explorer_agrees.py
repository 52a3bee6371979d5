"""The explorer counts what the oracle counts, on random programs."""

from typing import Final

import pytest
from hypothesis import given, settings

from registrar.sync import ACQUIRE, RELEASE
from stress.litmus.program import LitmusTest

from .brute_force import Result
from .campaign import SETTINGS, Setting, disagreement, explored, numbered, shrunk
from .notation import program, r, text, w
from .random_programs import programs
from .table import TABLE

PROGRAMS: Final = 300
"""For each setting; `tests.oracle.campaign` tries as many as you have time for."""
SEED: Final = 0
LARGE: Final = 150
"""Executions: with more the oracle takes long enough for the test to be marked slow."""
ONCE_WRONG: Final = (
    program(
        "n6",
        [w("x", 1, RELEASE), r("x", ACQUIRE), r("y", ACQUIRE)],
        [w("y", 1, RELEASE), w("x", 2, RELEASE)],
    ),
)
"""Programs that the explorer once disagreed on, as shrunk."""
TESTS: Final = [
    pytest.param(row.test, marks=[pytest.mark.slow] if row.rc11 > LARGE else [], id=row.test.name)
    for row in TABLE
] + [pytest.param(test, id=test.name) for test in ONCE_WRONG]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("setting", SETTINGS, ids=" ".join)
def test_explorer_agrees_on_known_test(test: LitmusTest, setting: Setting) -> None:
    """Executions, races and states of every test of the table are the oracle's."""
    assert not disagreement(test, setting)


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=" ".join)
def test_explorer_agrees_on_random_programs(setting: Setting) -> None:
    """Executions, races and states of many random programs are the oracle's."""
    for number in range(PROGRAMS):
        assert not disagreement(numbered(SEED, number), setting)


@pytest.mark.slow
@given(test=programs())
@settings(max_examples=50)
def test_explorer_agrees_on_drawn_program(test: LitmusTest) -> None:
    """A program that Hypothesis draws, and would shrink, has the oracle's numbers."""
    assert not [each for setting in SETTINGS if (each := disagreement(test, setting))]


def forgetful(test: LitmusTest, setting: Setting) -> Result:
    """Explore like the explorer, but without store buffers or weaker memory."""
    del setting
    return explored(test, ("sc", "c++20"))


@pytest.mark.slow
def test_campaign_finds_explorer_without_weak_memory() -> None:
    """Random programs tell sc from tso within 100 programs; what remains is store buffering."""
    tso: Setting = ("tso", "c++20")
    wrong = next(
        test
        for test in (numbered(SEED, number) for number in range(100))
        if disagreement(test, tso, forgetful)
    )

    small = shrunk(wrong, tso, forgetful)

    assert [len(block) for block in small.threads] == [2, 2], text(small)
