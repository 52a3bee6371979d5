"""What one thread does on the real registrar: the judge of real threads accuses nobody.

The kernel is a set of ranges here, so nothing depends on the machine; the shift is a real one.
"""

import errno
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.registrar import RegistrarModel
from models.registrar_case import WRONG_USAGE, RegistrarCase, Request
from models.registrar_drawing import cases, requests
from models.registrar_faults import FAULTS
from models.registrar_threads import RegistrarInstance
from registrar import GRANULARITY, MemoryLayout, MemoryRegistrar
from registrar.backends import KernelBackend
from stress import registry
from stress.threads.observed import ObservedSync
from stress.threads.shift import Shift, ShiftPlan
from stress.threads.subject import Judgement, Record

ALONE = ShiftPlan(seed="alone", threads=1, strides=1, pinned=False, pauses=0)


class SetKernel(KernelBackend):
    """A kernel that is a list of ranges, and may be at its end."""

    name = "set"

    def __init__(
        self,
        case: RegistrarCase,
        *,
        registering: BaseException | None = None,
        touching: BaseException | None = None,
    ) -> None:
        self._registered: list[range] = []
        self._errors = registering, touching
        super().__init__(case.layout, case.offset)

    def clear(self) -> None:
        """Forget every registration."""
        self._registered.clear()

    def _reserve(self) -> int:
        return 0

    def _register(self, start: int, length: int) -> None:
        if self._errors[0]:
            raise self._errors[0]
        self._registered.append(range(start, start + length))

    def _touch(self, address: int) -> bool:
        if self._errors[1]:
            raise self._errors[1]
        return any(address in piece for piece in self._registered)


class Alone(RegistrarInstance):
    """An instance for one thread that keeps its judgement; of one slot, its own stage."""

    slots = 1

    def __init__(
        self,
        kernel: SetKernel,
        case: RegistrarCase,
        program: Sequence[Request],
        subject: type[MemoryRegistrar] = MemoryRegistrar,
    ) -> None:
        self._parts = subject, case, kernel, [program]
        self.judgement = Judgement([])

    def instance(self, slot: int, random: Random, sync: ObservedSync) -> "Alone":
        """Return itself, made anew."""
        assert slot == 0
        super().__init__(*self._parts, random, sync)
        return self

    def close(self) -> None:
        """Hold nothing."""

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Judge, and keep the judgement."""
        self.judgement = super().judge(records)
        return self.judgement

    def run(self) -> Judgement:
        """Return what the judge says of one shift."""
        shift = Shift(ALONE, self)
        shift.start()
        assert shift.join(100)
        assert shift.errors == []
        return self.judgement


@st.composite
def programs(draw: st.DrawFn) -> tuple[RegistrarCase, list[Request]]:
    """Draw a case and requests of it that have chunks or none, but are no wrong usage."""
    case = draw(cases())
    drawn = draw(st.lists(requests(case), min_size=1, max_size=6))
    return case, [request for request in drawn if is_served(case, request)]


def is_served(case: RegistrarCase, request: Request) -> bool:
    """Return whether `request` is one the rules say anything about but its error (D1, D2, D6)."""
    try:
        case.chunks(*request)
    except WRONG_USAGE:
        return False
    return True


@pytest.mark.slow
@settings(max_examples=100)
@given(programs())
def test_judge_never_accuses_sequential_program(
    program: tuple[RegistrarCase, list[Request]],
) -> None:
    """What one thread does breaks no invariant, and each request is answered as the reference."""
    case, own = program
    judgement = Alone(SetKernel(case), case, own).run()

    assert judgement.violations == []
    assert judgement.unknown == []
    model = RegistrarModel(case)
    for call in judgement.history:
        if call.f == "inspect":
            assert call.result == len(model.registered)
        elif call.f == "register":
            expected = model.answer(call.arguments)
            said = ("fail", expected[:2]) if expected.address is not None else ("ok", None)
            assert (call.outcome, call.result) == said


WHOLE = RegistrarCase(MemoryLayout(2 * GRANULARITY, []), 0, frozenset())
BOTH: Request = (0, 2 * GRANULARITY)


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN, errno.EPERM])
def test_kernel_at_its_end_is_unknown(number: int) -> None:
    """A refusal that nobody planned proves nothing, and accuses nobody."""
    kernel = SetKernel(WHOLE, registering=OSError(number, "no more"))
    judgement = Alone(kernel, WHOLE, [BOTH, BOTH]).run()

    assert judgement.violations == []
    assert f"the kernel ran out: {errno.errorcode[number]}" in judgement.unknown
    assert judgement.counts["failures_injected"] == 0


def test_oracle_at_its_end_is_unknown() -> None:
    """Where the touch itself fails (its file is on a full disk), nobody is accused."""
    kernel = SetKernel(WHOLE, touching=OSError(errno.ENOSPC, "disk full"))
    judgement = Alone(kernel, WHOLE, [BOTH]).run()

    assert judgement.violations == []
    assert "the kernel ran out: ENOSPC from touch" in judgement.unknown


class NoMemory(MemoryRegistrar):
    """Finds no memory half-way, between the backend and the bit."""

    def _register_pieces(self, chunk: int) -> None:
        super()._register_pieces(chunk)
        raise MemoryError


@pytest.mark.parametrize(
    ("subject", "kernel"),
    [(NoMemory, SetKernel(WHOLE)), (MemoryRegistrar, SetKernel(WHOLE, registering=MemoryError()))],
    ids=["registrar", "backend"],
)
def test_process_without_memory_is_unknown(
    subject: type[MemoryRegistrar], kernel: SetKernel
) -> None:
    """MemoryError, wherever it is met, proves nothing and accuses nobody."""
    judgement = Alone(kernel, WHOLE, [BOTH, BOTH], subject).run()

    assert judgement.violations == []
    assert judgement.unknown


@pytest.mark.parametrize(
    ("fault", "rule", "program"),
    [
        ("forgotten-failure", "I7", [BOTH, BOTH]),
        ("failed-and-registered", "I3", [BOTH, BOTH]),
        ("end-rounded-down", "I1", [(GRANULARITY - 1, 2)]),
        ("early-return", "I1", [(0, 1), BOTH]),
        ("one-chunk-further", "I9", [BOTH]),
    ],
)
def test_judge_finds_fault_in_sequential_program(
    fault: str, rule: str, program: list[Request]
) -> None:
    """A fault that one thread can show is reported under the rule it breaks."""
    refused = [*WHOLE.pieces(1)] if "fail" in fault else []
    case = RegistrarCase(WHOLE.layout, 0, frozenset(refused))
    judgement = Alone(SetKernel(case), case, program, FAULTS[fault]).run()

    assert rule in {violation.rule for violation in judgement.violations}


def test_saved_instance_is_judged_alike() -> None:
    """The parameters and the history of an instance are all that its judge needs."""
    instance = Alone(SetKernel(WHOLE), WHOLE, [(0, 1), BOTH], FAULTS["early-return"])
    judgement = instance.run()

    assert judgement.violations
    again = registry.find("registrar").rejudge(instance.to_json(), judgement.history)
    assert again == judgement.violations
