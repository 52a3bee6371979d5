"""The registrar beside its reference: the machine, what it draws, and what it saves."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from models.registrar import (
    Interrupt,
    Refused,
    RegistrarCase,
    RegistrarMachine,
    RegistrarReference,
    Request,
    Surprise,
    cases,
    machine_of,
    replay_sequential,
    requests,
)
from models.registrar_faults import ForgottenFailure, UnshiftedPiece
from registrar import (
    GRANULARITY,
    MemoryLayout,
    MemoryRange,
    MemoryRegistrar,
    RegistrationError,
)

G = GRANULARITY
OFFSET = 1 << 50
PIECES = [MemoryRange(0, 0x1000), MemoryRange(0x2000, G), MemoryRange(G, G + 0x1000)]
CASE = RegistrarCase(MemoryLayout.from_ranges(PIECES, []), OFFSET, frozenset(PIECES[1:2]))
"""Two pieces in chunk 0, the second refused, and one in chunk 1."""
SHIFTED = tuple(CASE.shifted(piece) for piece in PIECES)


@pytest.mark.slow
def test_registrar_agrees_with_reference() -> None:
    """The registrar and its reference agree in whatever the machine does (R, E, D)."""
    run_state_machine_as_test(RegistrarMachine)  # as often as the profile says


# The machine finds faults, and saves what replays


class SwallowedInterrupt(MemoryRegistrar):
    """Takes an interrupt for a refusal."""

    def _register_piece(self, piece: MemoryRange) -> None:
        try:
            super()._register_piece(piece)
        except Interrupt as interrupt:
            raise Refused from interrupt


class OpenMutex(MemoryRegistrar):
    """Gives the mutex up where the backend calls back, instead of refusing."""

    def _check_mutex(self) -> None:
        if self._mutex.held_by_me():
            self._mutex.release()


FAULTS = {
    ForgottenFailure: "E8, E10",
    UnshiftedPiece: "E14",
    SwallowedInterrupt: "D4",
    OpenMutex: "D5",
}
"""Registrars with a fault, and the rule that a report of it cites."""


def failure_of(subject: type[MemoryRegistrar]) -> dict[str, Any]:
    """Return what the machine saves about a faulty registrar, through JSON and back."""
    machine = machine_of(subject)
    brief = settings(
        max_examples=1000,
        stateful_step_count=20,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
    )
    with pytest.raises(AssertionError, match="observed"):
        run_state_machine_as_test(machine, settings=brief)
    saved = json.loads(json.dumps(machine.last_failure))
    assert isinstance(saved, dict)
    return saved


@pytest.mark.slow
@pytest.mark.parametrize("subject", FAULTS)
def test_machine_finds_fault(subject: type[MemoryRegistrar]) -> None:
    """The machine finds each fault, cites its rule, and saves at most two calls that replay it."""
    saved = failure_of(subject)

    assert FAULTS[subject] in saved["message"]
    assert len(saved["calls"]) <= 2
    assert replay_sequential(subject, saved) == saved["message"]
    assert replay_sequential(MemoryRegistrar, saved) is None


def test_machines_keep_failures_apart() -> None:
    """Each machine has its own subject and last failure; the general one has none."""
    machine = machine_of(UnshiftedPiece)

    assert machine.subject is UnshiftedPiece
    assert machine.__name__ == "UnshiftedPieceMachine"
    assert RegistrarMachine.subject is MemoryRegistrar
    assert RegistrarMachine.last_failure is None


SAVED: dict[str, Any] = {
    "case": CASE.to_json(),
    "backend": {"as_object": True, "returning": True},
    "calls": [["register", G, 1], ["interrupt", 0, 0, 1], ["reenter", 0, G, 1, 0, 1]],
    "message": "",
}


def test_replay_prints_call_observed_allowed_and_rule() -> None:
    """A mismatch names the call, what was observed, what is allowed, and the rule."""
    message = replay_sequential(UnshiftedPiece, SAVED)

    assert message == (
        "register(0x80000000, 0x1)\n"
        "  observed  Ok, after 0x80000000-0x80001000\n"
        "  allowed   Ok, after 0x4000080000000-0x4000080001000\n"
        "  rule      R2, R3: Ok once every chunk is registered\n"
        "            R3, E6, E14, I2: its calls: new pieces, shifted"
    )


@pytest.mark.parametrize("missing", ["backend", "message"])
def test_replay_needs_case_and_calls_alone(missing: str) -> None:
    """A saved failure without a backend or message replays with a callable that raises."""
    saved = {key: value for key, value in SAVED.items() if key != missing}

    assert replay_sequential(MemoryRegistrar, saved) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"case": None},
        {"case": {}},
        {"calls": None},
        {"calls": [["register", 0]]},
        {"calls": [["forget", 0, 1]]},
        {"calls": [["interrupt", "first", 0, 1]]},
        {"backend": {"as_wave": True}},
    ],
)
def test_replay_rejects_damaged_failure(damage: dict[str, Any]) -> None:
    """A damaged saved failure is a ValueError that says what a good one has."""
    with pytest.raises(ValueError, match=r"damaged|is no step"):
        replay_sequential(MemoryRegistrar, SAVED | damage)


# Cases


@given(cases())
def test_case_survives_json(case: RegistrarCase) -> None:
    """A case written as JSON and read again is the same case."""
    assert RegistrarCase.from_json(json.loads(json.dumps(case.to_json()))) == case


@pytest.mark.parametrize(
    "damage",
    [
        {"ram": []},
        {"ram": [["0x0"]]},
        {"ram": [["0x0", "0x1001"]]},
        {"ram": [[0, 4096]]},
        {"ram": None},
        {"gaps": [["0x0", "0x1000"]]},
        {"offset": "one page"},
        {"offset": "0x1"},
        {"offset": "-0x1000"},
        {"offset": "0xfffffffffffff000"},
        {"offset": None},
        {"refused": [["0x0", "0x2000"]]},
        {"refused": [["0x2000", "0x3000"]]},
        {"refused": "0x0-0x1000"},
    ],
)
def test_from_json_rejects_damaged_case(damage: dict[str, Any]) -> None:
    """A damaged case is a ValueError that says what a good one has."""
    with pytest.raises(ValueError, match="the saved case is damaged"):
        RegistrarCase.from_json(CASE.to_json() | damage)


@pytest.mark.parametrize("missing", ["ram", "gaps", "offset", "refused"])
def test_from_json_rejects_case_without(missing: str) -> None:
    """A case without one of its four parts is a ValueError."""
    saved = copy.copy(CASE.to_json())
    del saved[missing]

    with pytest.raises(ValueError, match=missing):
        RegistrarCase.from_json(saved)


@given(cases())
def test_pieces_tile_ram(case: RegistrarCase) -> None:
    """The pieces of all chunks, end to end, are the RAM, each within its chunk (R3c)."""
    joined: list[tuple[int, int]] = []
    starts = {ram.start for ram in case.layout.ram}
    for chunk in range(case.chunk_count):
        for piece in case.pieces(chunk):
            assert chunk * G <= piece.start < piece.end <= (chunk + 1) * G
            start = piece.start if piece.start in starts else joined.pop()[0]
            joined.append((start, piece.end))

    assert joined == [(ram.start, ram.end) for ram in case.layout.ram]


def gap_within_chunk(case: RegistrarCase) -> bool:
    """Return whether two pieces of a chunk are apart."""
    return any(
        before.end < after.start and before.end // G == after.start // G
        for before, after in zip(case.layout.ram, case.layout.ram[1:], strict=False)
    )


def touching_within_chunk(case: RegistrarCase) -> bool:
    """Return whether two pieces of a chunk touch."""
    return any(
        before.end == after.start and before.end % G
        for before, after in zip(case.layout.ram, case.layout.ram[1:], strict=False)
    )


SEARCH = settings(max_examples=2000, database=None, phases=[Phase.generate])
CASES: dict[str, Callable[[RegistrarCase], bool]] = {
    "one chunk": lambda case: case.chunk_count == 1,
    "three words": lambda case: case.chunk_count > 128,
    "a chunk without RAM": lambda case: not case.pieces(0),
    "a gap within a chunk": gap_within_chunk,
    "touching ranges within a chunk": touching_within_chunk,
    "an offset inside a chunk": lambda case: case.offset % G != 0,
    "no offset": lambda case: case.offset == 0,
    "the largest offset": lambda case: (
        case.offset + case.layout.end_of_ram == MemoryRange.MAX_ADDRESS
    ),
    "two refused pieces": lambda case: len(case.refused) > 1,
    "a refused second piece": lambda case: any(
        case.pieces(piece.start // G)[0] != piece for piece in case.refused
    ),
    "a gap above the RAM": lambda case: any(
        gap.start >= case.layout.end_of_ram for gap in case.layout.mmio
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cases_include(name: str) -> None:
    """Among 2000 drawn cases there is each kind that the rules tell apart."""
    find(cases(), CASES[name], settings=SEARCH)


def outcome(drawn: tuple[RegistrarCase, Request]) -> str:
    """Return what a first request comes to."""
    case, request = drawn
    expected = RegistrarReference(case).register(*request)
    if expected.error:
        return expected.error.__name__
    chunks = len(case.chunks(*request))
    return f"Ok, {'no chunk' if not chunks else 'one chunk' if chunks == 1 else 'chunks'}"


@pytest.mark.parametrize(
    "wanted",
    [
        "TypeError",
        "ValueError",
        "OverflowError",
        "IndexError",
        "RegistrationError",
        "Ok, no chunk",
        "Ok, one chunk",
        "Ok, chunks",
    ],
)
def test_requests_include(wanted: str) -> None:
    """Among 2000 drawn requests there is one for each error of section 0, and each kind of Ok."""
    drawn = cases().flatmap(lambda case: st.tuples(st.just(case), requests(case)))
    find(drawn, lambda pair: outcome(pair) == wanted, settings=SEARCH)


# The reference, by hand


def test_reference_follows_seed_test() -> None:
    """The seed test's requests come to 2, 0, 0 and 13 backend calls (section 3)."""
    gaps = [MemoryRange(0x10000, 0x20000), MemoryRange(1 << 40, 2 << 40)]
    reference = RegistrarReference(RegistrarCase(MemoryLayout(1 << 40, gaps), OFFSET, frozenset()))
    ends = [(0x1000, 0x8000), (0x20000, 0x30000), (0x100000, 0x200000), (1 << 33, (1 << 35) + 1)]
    answers = [reference.register(start, end - start) for start, end in ends]

    assert [len(answer.calls) for answer in answers] == [2, 0, 0, 13]
    assert reference.registered == {0, *range(4, 17)}
    assert reference.inspect()["chunk_count"] == 1025


def test_reference_fails_chunk_for_good() -> None:
    """The refused piece is the last one called; first its shifted start, then the chunk's (E8)."""
    reference = RegistrarReference(CASE)
    first, second = reference.register(0, 2 * G), reference.register(0, 2 * G)

    assert (first.error, first.address, first.cause) == (
        RegistrationError,
        OFFSET + 0x2000,
        Refused,
    )
    assert first.calls == SHIFTED[:2]
    assert (second.error, second.address, second.calls) == (RegistrationError, 0, ())
    assert (reference.registered, reference.failed) == (set(), {0})


def test_reference_forgets_interrupted_chunk() -> None:
    """An interrupted chunk is neither registered nor failed, and is called again (D4)."""
    reference = RegistrarReference(CASE)
    interrupted = reference.register(G, 1, Surprise(at=0))
    again = reference.register(G, 1)

    assert (interrupted.error, interrupted.calls) == (Interrupt, SHIFTED[2:])
    assert (again.error, again.calls) == (None, SHIFTED[2:])


@pytest.mark.parametrize(
    ("inner", "cause"),
    [((0, 1), RuntimeError), ((2 * G, 0), None), ((-1, 1), ValueError), ((2 * G, 1), IndexError)],
)
def test_reference_fails_chunk_for_error_of_inner_request(
    inner: Request, cause: type[Exception] | None
) -> None:
    """A request from the backend that needs the mutex or is refused fails the outer chunk (D5)."""
    answer = RegistrarReference(CASE).register(G, 1, Surprise(at=0, reenter=inner))

    assert answer.cause is cause
    assert answer.error is (RegistrationError if cause else None)
