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

from models.registrar import RegistrarModel
from models.registrar_faults import EXPLORED_FAULTS, FAULTS, RelaxedGet, RelaxedSet, UnlockedUpdate
from models.registrar_programs import COUNT, PROGRAMS, WHOLE, ask, asking, outlined
from registrar import GRANULARITY, MemoryRegistrar
from registrar.sync import native
from stress import registry
from stress.conformance import Conformance
from stress.drawing import programs
from stress.explore.exploration import Bounds, Exploration
from stress.explore.performance import Clock, Performance
from stress.explore.record import HALTING
from stress.explore.scenario import explored
from stress.program import PREFIX as MAIN
from stress.program import Invocation, Program
from stress.recording import Recording
from stress.reference import Reference
from stress.verdict import Verdict

SUBJECTS = [MemoryRegistrar, *RegistrarModel.equivalents.values()]


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> None:
    """Keep pytest from collecting what the registrar logs in thousands of executions."""
    caplog.set_level(logging.CRITICAL, "registrar")


def performance(program: Program, subject: Any = MemoryRegistrar) -> Performance:
    """Return the scenario of `program` on a registrar of the kind `subject`."""
    model = RegistrarModel if subject is MemoryRegistrar else RegistrarModel.of(subject)
    return Performance(model, program)


def message(found: Exploration) -> str:
    """Return what is wrong with the execution that failed."""
    assert found.failure is not None
    return found.failure.message


def rules(found: Exploration) -> dict[str, str]:
    """Return what is wrong with the execution that failed, in the first line for each rule."""
    assert found.failure is not None
    lines = found.failure.message.splitlines()
    return dict(line.split(": ", 1) for line in lines if not line.startswith(" "))


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_at_one_chunk_have_counted_executions(threads: int) -> None:
    """One of n registers; of the others any k take the mutex, in any order, the rest no lock."""
    found = explored(performance(Program((), ((ask(0),),) * threads, WHOLE)))
    others = threads - 1

    assert found.verdict is Verdict.OK
    assert found.executions == threads * sum(comb(others, k) * factorial(k) for k in range(threads))


@pytest.mark.parametrize("threads", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_threads_at_one_word_have_counted_executions(threads: int) -> None:
    """They take the mutex in any order, and the i-th may have read any of i states of the word."""
    own = tuple((ask(chunk),) for chunk in range(threads))
    found = explored(performance(Program((), own, WHOLE)))

    assert found.verdict is Verdict.OK
    assert found.executions == factorial(threads) ** 2


@pytest.mark.slow
@settings(max_examples=60)
@given(programs(RegistrarModel))
def test_explorer_never_accuses_registrar(program: Program) -> None:
    """The reference and I1 to I10 permit every execution of a drawn program, of equivalents too."""
    for subject in SUBJECTS:
        found = explored(performance(program, subject), bounds=Bounds(executions=60))
        assert found.failure is None


@pytest.mark.parametrize("subject", [RelaxedGet, RelaxedSet])
def test_explorer_finds_relaxed_order(subject: type[MemoryRegistrar]) -> None:
    """Without acquire or release the touch after Ok races with the kernel's work, and says so."""
    scenario = performance(PROGRAMS["same-chunk"], subject)

    assert message(explored(scenario)) == (
        "thread 0 and thread 1 access pages 0x0 at once, and nothing orders them"
    )
    for memory in ("sc", "tso"):
        assert explored(scenario, memory=memory).verdict is Verdict.OK


def test_explorer_finds_lost_update() -> None:
    """A load and a store outside the mutex lose a bit: the reference and the invariants say so."""
    found = explored(performance(PROGRAMS["same-word"], UnlockedUpdate))

    assert rules(found) == {
        "linearizability": "main: count() = 1 cannot be placed",
        "I2": "0x0-0x80000000 went to the backend 2 times",
        "I4": "main: inspect() = 1 chunks, but 2 were registered before",
        "I10": "main: register(0x0, 0x1) took the mutex, but all its chunks were registered before",
    }


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS | EXPLORED_FAULTS)
def test_some_program_shows_fault(fault: str) -> None:
    """Every fault has a program that shows it within five executions."""
    scenarios = registry.find(f"registrar:{fault}").scenarios().values()
    few = Bounds(executions=5)

    assert any(explored(each, bounds=few).verdict is Verdict.FAILED for each in scenarios)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_reference_refuses_what_invariants_do(fault: str) -> None:
    """Without any invariant the reference finds the same, but for I5, of which no answer tells."""
    for scenario in registry.find(f"registrar:{fault}").scenarios().values():
        found = explored(scenario, bounds=Bounds(executions=50))
        if found.failure is not None and found.failure.kind not in HALTING:
            assert "linearizability" in rules(found) or rules(found).keys() == {"I5"}


def test_subject_offers_programs_as_scenarios() -> None:
    """The scenarios of the subject are the programs on the registrar itself."""
    scenarios = registry.find("registrar").scenarios()

    assert scenarios == {name: performance(program) for name, program in PROGRAMS.items()}


# What "before" means


def test_happens_before_finds_relaxed_get_without_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody touches the pages nothing races, and I1 finds that the Ok came too early."""
    monkeypatch.setattr("models.registrar_rig.PageTable.touch", lambda *_: True)
    found = explored(performance(PROGRAMS["same-chunk"], RelaxedGet))

    assert rules(found) == {
        "I1": "thread 1: register(0x40000000, 0x1) = Ok before 0x0-0x80000000 was registered"
    }


def test_clock_accuses_registrar_of_stale_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the order in which the simulation ran, I10 accuses a rightful read of an old value."""
    monkeypatch.setattr(Clock, "before", lambda _, one, other: one < other)
    found = explored(performance(PROGRAMS["counted-first"]))

    assert rules(found).keys() >= {"I10"}
    assert rules(found)["I10"].startswith("thread 1")


# What the main thread does


PREFIX = Program(
    (
        Invocation("interrupt", (1, (0, GRANULARITY + 1))),
        asking(0, 2 * GRANULARITY),
        Invocation("reenter", (0, (0, 1), (2 * GRANULARITY, 1))),
        Invocation("register_each", ((0, 3 * GRANULARITY),)),
        asking(-1, 1),
        Invocation("inspect", ()),
    ),
    ((ask(0), ask(3)), (asking(3 * GRANULARITY, 0), COUNT)),
    WHOLE,
)
"""All that the main thread alone may do before the threads start, wrong usage (D6) included."""


def test_invariants_read_calls_of_every_kind() -> None:
    """An interrupted request, one that re-enters, and wrong usage break no invariant (D4 to D6)."""
    assert explored(performance(PREFIX)).verdict is Verdict.OK


def test_main_thread_asks_for_each_chunk_at_the_end() -> None:
    """It counts, asks once more for each chunk asked for, and says what there is."""
    calls = (ask(1), asking(0, 0), asking(-1, 1), asking(GRANULARITY - 1, 2))
    reference = Reference(RegistrarModel(WHOLE))
    recording = Recording(Conformance(reference), Program(calls, (), WHOLE), native)
    recording.run(MAIN)
    recording.end()

    assert [(call.f, *call.arguments) for call in recording.calls[len(calls) :]] == [
        ("count",),
        ("register", (0, 1)),
        ("register", (GRANULARITY, 1)),
        ("inspect",),
    ]
    assert recording.judged(None) == []


# Programs as data


@settings(max_examples=30)
@given(programs(RegistrarModel))
def test_program_returns_from_json(program: Program) -> None:
    """A program that was saved and read back is the same program."""
    saved = json.loads(json.dumps(program.to_json(RegistrarModel)))

    assert Program.from_json(RegistrarModel, saved) == program


def test_saved_program_replays_failure() -> None:
    """A program read back fails as it did, after as many executions."""
    program = PROGRAMS["refused-between"]
    saved = json.loads(json.dumps(program.to_json(RegistrarModel)))
    again = Program.from_json(RegistrarModel, saved)
    one, other = (explored(performance(each, UnlockedUpdate)) for each in (program, again))

    assert (message(one), one.executions) == (message(other), other.executions)


@pytest.mark.parametrize("name", PROGRAMS)
def test_scenario_survives_pickling(name: str) -> None:
    """A scenario can be sent to another process."""
    scenario = performance(PROGRAMS[name])

    assert pickle.loads(pickle.dumps(scenario)) == scenario  # noqa: S301


@pytest.mark.parametrize(
    "damage",
    [
        {"threads": None},
        {"threads": [[["0x0"]]]},
        {"threads": [[{"f": "register"}]]},
        {"threads": [[{"f": "register", "arguments": [{"thread": "one"}]}]]},
        {"case": {}},
    ],
)
def test_from_json_rejects_damaged_program(damage: dict[str, Any]) -> None:
    """What is no saved program is refused, with how one looks."""
    saved = PROGRAMS["crossing"].to_json(RegistrarModel) | damage
    with pytest.raises(ValueError, match=r"(?s)the saved program is damaged: .*Save it again"):
        Program.from_json(RegistrarModel, saved)


def test_programs_are_outlined_by_chunks() -> None:
    """An outline names the first and last chunk of each request, and marks counts."""
    own = (ask(0), ask(0, 2), asking(0, 0), COUNT)

    assert outlined(Program((), (own, (ask(1),)), WHOLE)) == "0; 0-2; none; ? ‖ 1"
