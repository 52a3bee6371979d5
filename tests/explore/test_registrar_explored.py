"""The registrar on the simulated machine: every execution of small programs, judged.

The tables of all programs and faults are held to the document in test_registrar_verified.py.
"""

import json
import logging
import pickle
from math import comb, factorial
from typing import Any

import pytest
from hypothesis import given, settings

from models.registrar_equivalents import EQUIVALENTS
from models.registrar_explored import Program, ProgramRun
from models.registrar_faults import EXPLORED_FAULTS, FAULTS, RelaxedGet, RelaxedSet, UnlockedUpdate
from models.registrar_programs import PROGRAMS, WHOLE, ask, programs
from registrar import GRANULARITY, MemoryRegistrar
from stress import registry
from stress.explore.exploration import Bounds, Exploration
from stress.explore.scenario import explored
from stress.verdict import Verdict

SUBJECTS = {"registrar": MemoryRegistrar} | EQUIVALENTS


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> None:
    """Keep pytest from collecting what the registrar logs in thousands of executions."""
    caplog.set_level(logging.CRITICAL, "registrar")


def message(found: Exploration) -> str:
    """Return what is wrong with the execution that failed."""
    assert found.failure is not None
    return found.failure.message


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_at_one_chunk_have_counted_executions(threads: int) -> None:
    """One of n registers; of the others any k take the mutex, in any order, the rest no lock."""
    found = explored(Program(WHOLE, ((ask(0),),) * threads).scenario())
    others = threads - 1

    assert found.verdict is Verdict.OK
    assert found.executions == threads * sum(comb(others, k) * factorial(k) for k in range(threads))


@pytest.mark.parametrize("threads", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_threads_at_one_word_have_counted_executions(threads: int) -> None:
    """They take the mutex in any order, and the i-th may have read any of i states of the word."""
    own = tuple((ask(chunk),) for chunk in range(threads))
    found = explored(Program(WHOLE, own).scenario())

    assert found.verdict is Verdict.OK
    assert found.executions == factorial(threads) ** 2


@pytest.mark.slow
@settings(max_examples=60)
@given(programs())
def test_explorer_never_accuses_registrar(program: Program) -> None:
    """All of I1 to I10 hold in every execution of a drawn program, of equivalents too."""
    for subject in SUBJECTS.values():
        found = explored(program.scenario(subject), bounds=Bounds(executions=60))
        assert found.failure is None


@pytest.mark.parametrize("subject", [RelaxedGet, RelaxedSet])
def test_explorer_finds_relaxed_order(subject: type[MemoryRegistrar]) -> None:
    """Without acquire or release the touch after Ok races with the kernel's work, and says so."""
    scenario = PROGRAMS["same-chunk"].scenario(subject)

    assert message(explored(scenario)) == (
        "thread 0 and thread 1 access pages 0x0 at once, and nothing orders them"
    )
    for memory in ("sc", "tso"):
        assert explored(scenario, memory=memory).verdict is Verdict.OK


def test_explorer_finds_lost_update() -> None:
    """A load and a store outside the mutex lose a bit: I4, and I2 when it is asked for again."""
    found = explored(PROGRAMS["same-word"].scenario(UnlockedUpdate))

    assert message(found).splitlines() == [
        "main: AssertionError: I2  0x0-0x80000000 went to the backend 2 times",
        "I4  main: inspect() = 1 chunks, but 2 were registered before",
        "I10  main: register(0x0, 0x1) took the mutex, but all its chunks were registered before",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS | EXPLORED_FAULTS)
def test_some_program_shows_fault(fault: str) -> None:
    """Every fault has a program that shows it within five executions."""
    scenarios = registry.find(f"registrar:{fault}").scenarios().values()
    few = Bounds(executions=5)

    assert any(explored(each, bounds=few).verdict is Verdict.FAILED for each in scenarios)


def test_subject_offers_programs_as_scenarios() -> None:
    """The scenarios of the subject are the programs on the registrar itself."""
    scenarios = registry.find("registrar").scenarios()

    assert scenarios == {name: program.scenario() for name, program in PROGRAMS.items()}


# What "before" means


def test_happens_before_finds_relaxed_get_without_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody touches the pages nothing races, and I1 finds that the Ok came too early."""
    monkeypatch.setattr(ProgramRun, "_unreached", lambda *_: [])
    found = explored(PROGRAMS["same-chunk"].scenario(RelaxedGet))

    assert message(found) == (
        "main: AssertionError: I1  thread 1: register(0x40000000, 0x1) = Ok before "
        "0x0-0x80000000 was registered"
    )


def test_clock_accuses_registrar_of_stale_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the order in which the simulation ran, I10 accuses a rightful read of an old value."""
    monkeypatch.setattr(ProgramRun, "_before", lambda _, one, other: one < other)
    found = explored(PROGRAMS["counted-first"].scenario())

    assert "I10  thread 1" in message(found)


# Programs as data


@settings(max_examples=30)
@given(programs())
def test_program_returns_from_json(program: Program) -> None:
    """A program that was saved and read back is the same program."""
    assert Program.from_json(json.loads(json.dumps(program.to_json()))) == program


def test_saved_program_replays_failure() -> None:
    """A program read back fails as it did, after as many executions."""
    program = PROGRAMS["refused-between"]
    again = Program.from_json(json.loads(json.dumps(program.to_json())))
    one, other = (explored(each.scenario(UnlockedUpdate)) for each in (program, again))

    assert (message(one), one.executions) == (message(other), other.executions)


@pytest.mark.parametrize("name", PROGRAMS)
def test_scenario_survives_pickling(name: str) -> None:
    """A scenario can be sent to another process."""
    scenario = PROGRAMS[name].scenario(RelaxedGet)

    assert pickle.loads(pickle.dumps(scenario)) == scenario  # noqa: S301


@pytest.mark.parametrize(
    "damage",
    [
        {"threads": None},
        {"threads": [[["0x0"]]]},
        {"threads": [[[0, 1]]]},
        {"threads": [[["0x0", "one"]]]},
        {"case": {}},
    ],
)
def test_from_json_rejects_damaged_program(damage: dict[str, Any]) -> None:
    """What is no saved program is refused, with how one looks."""
    with pytest.raises(ValueError, match=r"(?s)the saved program is damaged: .*Save it again"):
        Program.from_json(PROGRAMS["crossing"].to_json() | damage)


@pytest.mark.parametrize("request_", [(-1, 1), (0, 1 << 64), (5 * GRANULARITY, 1)])
def test_program_rejects_wrong_usage(request_: tuple[int, int]) -> None:
    """A request that the registrar refuses to serve is no part of a program (D1, D2, D6)."""
    with pytest.raises(ValueError, match="is no part of a program: D"):
        Program(WHOLE, ((request_,),))
