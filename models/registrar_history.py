"""How a registrar's history is written down: requests, backend calls, ownerships of the mutex.

Real threads and simulated ones leave the same record, so that one judge
(`models.registrar_invariants`) reads both; only what "before" means differs.

>>> from registrar import MemoryLayout
>>> case = RegistrarCase(MemoryLayout(1 << 31, []), 0, frozenset())
>>> backend = RecordingBackend(case, print, Witness(now=iter(range(9)).__next__, process=lambda: 2))
>>> backend.register_range(case.pieces(0)[0])
0x0-0x80000000
>>> [(span.process, span.start, span.end, span.outcome) for span in backend.spans]
[('backend of 2', 0, 1, 'ok')]
"""

import errno
import operator
from collections.abc import Callable
from typing import Final, NamedTuple

from models.registrar import Refused, RegistrarCase
from registrar import MemoryRange, RegistrationError
from stress.history import Outcome, Span
from stress.threads.observed import Taken, Witness
from stress.threads.subject import Record

type Request = tuple[int, int]
"""An address and a length that are no wrong usage (D1, D2, D6)."""

SHORT_OF: Final = {errno.ENOMEM, errno.EAGAIN, errno.EPERM}
"""What the kernel answers when the machine, not the registrar, is at its end (K3)."""


class Precedence(NamedTuple):
    """What "before" means between two instants of a history.

    Instants are numbers that sort the history, but a smaller one need not be before a greater.
    """

    before: Callable[[int, int], bool]
    """Whether what was done by the first instant is surely done at the second: what a later call
    must then respect."""
    in_time: Callable[[int, int], bool]
    """Whether what had to be done by the second instant was, if it was done by the first."""


BY_CLOCK: Final = Precedence(operator.lt, operator.le)
"""Instants of one clock: where two are equal nobody knows, and nobody is accused."""


class RecordingBackend:
    """`register`, with planned refusals, pauses, and a note of every call."""

    def __init__(
        self,
        case: RegistrarCase,
        register: Callable[[MemoryRange], None],
        witness: Witness,
        pause: int = 0,
    ) -> None:
        self._refused = {case.shifted(piece) for piece in case.refused}
        self._register = register
        self._now, self._process = witness
        self._pause = pause
        self.spans: list[Span] = []
        self.short_of: list[str] = []

    def register_range(self, piece: MemoryRange) -> None:
        """Refuse as planned, or register `piece`."""
        start = self._now()
        outcome: Outcome = "ok"
        result: str | None = None
        try:
            if piece in self._refused:
                raise Refused(str(piece))  # noqa: TRY301  (noted below, like any refusal)
            self._register(piece)
            for _ in range(self._pause):
                """Let others come while the mutex is held."""
        except Exception as refusal:
            outcome, result = "fail", reason(refusal)
            if isinstance(refusal, MemoryError) or getattr(refusal, "errno", None) in SHORT_OF:
                self.short_of.append(result)
            raise
        finally:
            process = f"backend of {self._process()}"
            arguments = (piece.start, piece.end)
            span = Span(process, "register_range", arguments, start, self._now(), outcome, result)
            self.spans.append(span)


def reason(refusal: Exception) -> str:
    """Return why the backend, or the touch, refused: in one word."""
    if isinstance(refusal, Refused):
        return "planned"
    if isinstance(refusal, OSError) and refusal.errno:
        return errno.errorcode.get(refusal.errno, str(refusal.errno))
    return type(refusal).__name__


def call_span(process: int | str, record: Record) -> Span:
    """Return a call as the history keeps it: an Ok with what touching proved, an error by name."""
    step, start, end, result, proof = record
    if isinstance(result, Exception):
        address = result.address if isinstance(result, RegistrationError) else None
        said = [type(result).__name__, address]
        return Span(process, step.f, step.arguments, start, end, "fail", said)
    return Span(
        process, step.f, step.arguments, start, end, "ok", result if proof is None else proof
    )


def lock_span(taken: Taken) -> Span:
    """Return an ownership of the mutex as the history keeps it, from when it was asked for."""
    process = f"lock of {taken.process}"
    return Span(process, taken.name, (), taken.asked, taken.released, "ok", taken.owned)
