"""The registrar beside its reference: the machine, what it finds, and what it saves."""

import json
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from models.registrar import RegistrarModel, Surprise
from models.registrar_answers import Answer, Expected
from models.registrar_case import RegistrarCase, Request
from models.registrar_faults import ForgottenFailure, UnshiftedPiece
from models.registrar_history import Interrupt, Refused
from registrar import GRANULARITY, MemoryLayout, MemoryRange, MemoryRegistrar
from stress.machines import rerun, sequential

G = GRANULARITY
OFFSET = 1 << 50
PIECES = [MemoryRange(0, 0x1000), MemoryRange(0x2000, G), MemoryRange(G, G + 0x1000)]
CASE = RegistrarCase(MemoryLayout.from_ranges(PIECES, []), OFFSET, frozenset(PIECES[1:2]))
"""Two pieces in chunk 0, the second refused, and one in chunk 1."""
SHIFTED = (*CASE.told(0), *CASE.told(1))


@pytest.mark.slow
def test_registrar_agrees_with_reference() -> None:
    """The registrar and its reference agree in whatever the machine does (R, E, D)."""
    run_state_machine_as_test(sequential(RegistrarModel))  # as often as the profile says


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
    machine = sequential(RegistrarModel.of(subject))
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
    assert rerun(RegistrarModel.of(subject), saved) == saved["message"]
    assert rerun(RegistrarModel, saved) is None


def test_machines_keep_failures_apart() -> None:
    """Each machine has its own subject and last failure; the general one has none."""
    machine = sequential(RegistrarModel.of(UnshiftedPiece))

    assert machine.model.subject is UnshiftedPiece
    assert machine.__name__ == "RegistrarModelOfUnshiftedPieceMachine"
    assert RegistrarModel.subject is MemoryRegistrar
    assert sequential(RegistrarModel).last_failure is None


def saved_call(f: str, *arguments: Any) -> dict[str, Any]:
    """Return a call as it is saved."""
    return {"f": f, "arguments": list(arguments)}


SAVED: dict[str, Any] = {
    "case": CASE.to_json() | {"as_object": True, "returning": True},
    "calls": [
        saved_call("register", [G, 1]),
        saved_call("interrupt", 0, [0, 1]),
        saved_call("reenter", 0, [G, 1], [0, 1]),
        saved_call("register_each", [0, 2 * G]),
        saved_call("count"),
    ],
    "message": "",
}


def test_replay_prints_call_observed_allowed_and_rule() -> None:
    """A mismatch names the call, what was observed, what is allowed, and the rule."""
    message = rerun(RegistrarModel.of(UnshiftedPiece), SAVED)

    assert message == (
        "register((0x80000000, 1))\n"
        "  observed  Ok, after 0x80000000-0x80001000\n"
        "  allowed   Ok, after 0x4000080000000-0x4000080001000\n"
        "  rule      R2, R3: Ok once every chunk is registered\n"
        "            R3, E6, E14, I2: its calls: new pieces, shifted"
    )


def test_replay_of_several_requests_cites_rule_of_first_that_differs() -> None:
    """Where chunks are asked for one by one, the rule is that of the first wrong answer."""
    twice = {"calls": [saved_call("register_each", [0, G + 1])] * 2}
    message = rerun(RegistrarModel.of(ForgottenFailure), SAVED | twice)

    assert message is not None
    assert "rule      E8, E10: a failed chunk stays failed" in message


def test_replay_compares_what_inspect_says_after_every_call() -> None:
    """A count that is wrong is found at once, though nobody asked for it."""
    message = rerun(RegistrarModel.of(RegistrarModel.mutants["failed-and-registered"]), SAVED)

    assert message is not None
    assert message.endswith("section 3: chunks_registered is 0x2 afterwards, not 0x1")


@pytest.mark.parametrize("form", [{"as_object": False}, {"returning": False}])
def test_registrar_takes_backend_of_every_form(form: dict[str, bool]) -> None:
    """The backend may be an object or a function, and refuse by raising or by returning (D8)."""
    assert rerun(RegistrarModel, SAVED | {"case": SAVED["case"] | form}) is None


@pytest.mark.parametrize("missing", ["about", "as_object", "returning"])
def test_replay_needs_no_form_of_the_backend(missing: str) -> None:
    """A saved failure without the form of the backend replays with a callable that raises."""
    case = {key: value for key, value in SAVED["case"].items() if key != missing}

    assert rerun(RegistrarModel, {"case": case, "calls": SAVED["calls"]}) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"case": None},
        {"case": {}},
        {"calls": None},
        {"calls": [["register", 0]]},
        {"calls": [saved_call("register", 0, 1)]},
        {"calls": [saved_call("forget", [0, 1])]},
    ],
)
def test_replay_rejects_damaged_failure(damage: dict[str, Any]) -> None:
    """A damaged saved failure is a ValueError that says what a good one has."""
    with pytest.raises(ValueError, match=r"damaged|is no operation"):
        rerun(RegistrarModel, SAVED | damage)


# The reference, by hand


def test_reference_follows_seed_test() -> None:
    """The seed test's requests come to 2, 0, 0 and 13 backend calls (section 3)."""
    gaps = [MemoryRange(0x10000, 0x20000), MemoryRange(1 << 40, 2 << 40)]
    model = RegistrarModel(RegistrarCase(MemoryLayout(1 << 40, gaps), OFFSET, frozenset()))
    ends = [(0x1000, 0x8000), (0x20000, 0x30000), (0x100000, 0x200000), (1 << 33, (1 << 35) + 1)]
    answers = [model.answer((start, end - start)) for start, end in ends]

    assert [len(answer.calls) for answer in answers] == [2, 0, 0, 13]
    assert model.registered == {0, *range(4, 17)}
    assert dict(model.inspect())["chunk_count"] == 1025


def test_reference_fails_chunk_for_good() -> None:
    """The refused piece is the last one called; first its shifted start, then the chunk's (E8)."""
    model = RegistrarModel(CASE)
    first, second = model.answer((0, 2 * G)), model.answer((0, 2 * G))

    assert first == Answer("RegistrationError", OFFSET + 0x2000, "Refused", SHIFTED[:2])
    assert second == Answer("RegistrationError", 0)
    assert (model.registered, model.failed) == (frozenset(), frozenset({0}))


def test_reference_forgets_interrupted_chunk() -> None:
    """An interrupted chunk is neither registered nor failed, and is called again (D4)."""
    model = RegistrarModel(CASE)
    interrupted = model.answer((G, 1), Surprise(at=0))
    again = model.answer((G, 1))

    assert (interrupted.error, interrupted.calls) == ("Interrupt", SHIFTED[2:])
    assert (again.error, again.calls) == ("Ok", SHIFTED[2:])


@pytest.mark.parametrize(
    ("inner", "cause"),
    [
        ((0, 1), "RuntimeError"),
        ((2 * G, 0), None),
        ((-1, 1), "ValueError"),
        ((2 * G, 1), "IndexError"),
    ],
)
def test_reference_fails_chunk_for_error_of_inner_request(
    inner: Request, cause: str | None
) -> None:
    """A request from the backend that needs the mutex or is refused fails the outer chunk (D5)."""
    answer = RegistrarModel(CASE).answer((G, 1), Surprise(at=0, reenter=inner))

    assert answer.cause == cause
    assert answer.error == ("RegistrationError" if cause else "Ok")


def test_reference_parts_chunks_that_it_registers() -> None:
    """Between two chunks that a request registers, others may register and be seen (R3)."""
    model = RegistrarModel(RegistrarCase(MemoryLayout(4 * G, []), 0, frozenset()))
    steps = model.register((0, 4 * G))
    next(steps)
    model.registered |= {1, 2}
    with pytest.raises(StopIteration) as end:
        next(steps)

    assert end.value.value == Answer(calls=((0, G), (3 * G, 4 * G)))
    assert isinstance(end.value.value, Expected)
