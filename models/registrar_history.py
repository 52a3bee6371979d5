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
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from models.registrar_case import RegistrarCase
from registrar import GRANULARITY, MemoryRange, RegistrationError
from stress.history import Outcome, Span
from stress.threads.observed import Taken, Witness
from stress.threads.subject import Record

SHORT_OF: Final = {errno.ENOMEM, errno.EAGAIN, errno.EPERM}
"""What the kernel answers when the machine, not the registrar, is at its end (K3)."""


class Refused(Exception):  # noqa: N818  (what happened, not whose fault)
    """The backend refuses a piece, as planned."""


class Interrupt(BaseException):
    """An exception that is no Exception, as KeyboardInterrupt is none."""


class Trap(NamedTuple):
    """What the backend does besides, at call `at` of a request: re-enters, or raises."""

    at: int
    spring: Callable[[], object]


class RecordingBackend:
    """`register`, with planned refusals, traps, pauses, and a note of every call."""

    def __init__(
        self,
        case: RegistrarCase,
        register: Callable[[MemoryRange], None],
        witness: Witness,
        pause: int = 0,
    ) -> None:
        self._refused = {case.shifted(piece) for piece in case.refused}
        self._returning = case.returning
        self._offset = case.offset
        self._register = register
        self._now, self._process = witness
        self._pause = pause
        self._calls: dict[int | str, list[tuple[int, int]]] = {}
        self.trap: Trap | None = None
        """For requests that are made while nobody else makes any."""
        self.spans: list[Span] = []
        self.short_of: list[str] = []

    def begin(self) -> list[tuple[int, int]]:
        """Begin a request of the calling process; return where its backend calls are noted."""
        calls = self._calls[self._process()] = []
        return calls

    def register_range(self, piece: MemoryRange) -> Any:
        """Note the call, do what is planned at this one, and refuse or register `piece`."""
        start, process = self._now(), self._process()
        ends = (piece.start, piece.end)
        calls = self._calls.setdefault(process, [])
        number = len(calls)
        calls.append(ends)
        outcome: Outcome = "info"
        result: str | None = None
        try:
            if self.trap is not None and self.trap.at == number:
                self.trap.spring()
            if piece in self._refused:
                raise Refused(str(piece))  # noqa: TRY301  (noted below, like any refusal)
            self._register(piece)
            for _ in range(self._pause):
                """Let others come while the mutex is held."""
            outcome = "ok"
        except Exception as refusal:
            outcome, result = "fail", reason(refusal)
            if isinstance(refusal, MemoryError) or getattr(refusal, "errno", None) in SHORT_OF:
                self.short_of.append(result)
            if self._returning and isinstance(refusal, Refused):
                return 1
            raise
        finally:
            name = f"backend of {process}"
            span = Span(name, "register_range", ends, start, self._now(), outcome, result)
            self.spans.append(span)
        return None

    def forget_chunk(self) -> None:
        """Note that the last call was interrupted, so its chunk is as it was: all is open (D4)."""
        last = self._chunk(self.spans[-1])
        for place in range(len(self.spans))[-len(self._calls[self._process()]) :]:
            if self._chunk(self.spans[place]) == last:
                self.spans[place] = self.spans[place]._replace(outcome="info", result=None)

    def _chunk(self, span: Span) -> int:
        return int(span.arguments[0] - self._offset) // GRANULARITY


def reason(refusal: Exception) -> str:
    """Return why the backend, or the touch, refused: in one word."""
    if isinstance(refusal, Refused):
        return "planned"
    if isinstance(refusal, OSError) and refusal.errno:
        return errno.errorcode.get(refusal.errno, str(refusal.errno))
    return type(refusal).__name__


def call_spans(process: int | str, record: Record) -> Iterator[Span]:
    """Yield a call as the history keeps it, an error by its name, and what touching disproved."""
    step, start, end, result, proof = record
    if isinstance(result, Exception):
        address = result.address if isinstance(result, RegistrationError) else None
        said = (type(result).__name__, address)
        yield Span(process, step.f, step.arguments, start, end, "fail", said)
        return
    yield Span(process, step.f, step.arguments, start, end, "ok", result)
    for address in proof or ():
        yield touch_span(process, address, end)


def touch_span(process: int | str, address: int, instant: int) -> Span:
    """Return that `process` could not reach what it was told is registered."""
    name = f"touch of {process}"
    return Span(name, "touch", (address,), instant, instant, "fail", "unreached")


def lock_span(taken: Taken) -> Span:
    """Return an ownership of the mutex as the history keeps it, from when it was asked for."""
    process = f"lock of {taken.process}"
    return Span(process, taken.name, (), taken.asked, taken.released, "ok", taken.owned)
