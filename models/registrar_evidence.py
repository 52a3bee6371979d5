"""A registrar's history sorted out for the invariants: who asked for what, and what was done.

The history holds the calls of numbered processes, and as spans of named processes what they did
inside: "backend of 2" a call of the backend (arguments: start and end of the piece as the backend
saw it; result: None, or why it refused), "lock of 2" an ownership of the mutex, "touch of 2" an
address that thread 2 could not reach after an Ok.  A call that was interrupted has no outcome.

>>> from registrar import MemoryLayout
>>> case = RegistrarCase(MemoryLayout(1 << 31, []), 0, frozenset())
>>> call = Span(0, "register", (0, 1), 10, 90, "ok", None)
>>> backend = Span("backend of 0", "register_range", (0, 1 << 31), 20, 80, "ok", None)
>>> evidence = Evidence(case, [call, backend])
>>> evidence.done, evidence.inside(call, "backend") == [backend]
({(0, 2147483648): [80]}, True)
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from models.registrar_case import RegistrarCase
from registrar import GRANULARITY, MemoryRange
from stress.history import BY_CLOCK, Precedence, Span

type Ends = tuple[int, int]
"""Where a piece starts and ends, as the backend is told it."""


class Attempt(NamedTuple):
    """One call of the backend, for a piece of `chunk`."""

    span: Span
    chunk: int

    @property
    def refused(self) -> bool:
        """Whether the backend refused it."""
        return self.span.outcome != "ok"


class Evidence:
    """A history, sorted out for the checks."""

    def __init__(
        self, case: RegistrarCase, history: Sequence[Span], precedence: Precedence = BY_CLOCK
    ) -> None:
        self.case = case
        self.history = history
        self.before, self.in_time = precedence
        self._by_kind: dict[str, list[Span]] = {}
        self._by_process: dict[int | str, list[Span]] = {}
        for span in history:
            self._by_kind.setdefault(span.f, []).append(span)
            self._by_process.setdefault(span.process, []).append(span)

    def of_kind(self, f: str) -> list[Span]:
        """Return the calls of `f`."""
        return self._by_kind.get(f, [])

    def inside(self, call: Span, kind: str) -> list[Span]:
        """Return what the process of `call` did within it: spans of "backend" or "lock"."""
        return [
            span
            for span in self._by_process.get(f"{kind} of {call.process}", ())
            if call.start <= span.start and span.end <= call.end
        ]

    @cached_property
    def requests(self) -> list[tuple[Span, range]]:
        """Every call of ``register`` with its chunks."""
        return [(span, self.case.chunks(*span.arguments)) for span in self.of_kind("register")]

    @cached_property
    def made(self) -> list[tuple[Span, range, list[Span]]]:
        """Every call of ``register`` that called the backend, with its chunks and those calls."""
        return [
            (call, chunks, inside)
            for call, chunks in self.requests
            if (inside := self.inside(call, "backend"))
        ]

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Every call of the backend that was not interrupted (D4), by its start."""
        offset = self.case.offset
        return [
            Attempt(span, (span.arguments[0] - offset) // GRANULARITY)
            for span in sorted(self.of_kind("register_range"), key=lambda span: span.start)
            if span.outcome != "info" and span.arguments[0] >= offset
        ]

    @cached_property
    def done(self) -> dict[Ends, list[int]]:
        """When each piece that was registered was."""
        found: dict[Ends, list[int]] = {}
        for span, _ in self.attempts:
            if span.outcome == "ok":
                found.setdefault(span.arguments, []).append(span.end)
        return found

    @cached_property
    def failures(self) -> dict[int, Attempt]:
        """The first refusal in each chunk."""
        found: dict[int, Attempt] = {}
        for attempt in self.attempts:
            if attempt.refused:
                found.setdefault(attempt.chunk, attempt)
        return found

    @cached_property
    def known(self) -> dict[int, list[int]]:
        """When each chunk was known to be registered: the ends of requests that were Ok."""
        found: dict[int, list[int]] = {}
        for call, chunks in self.requests:
            if call.outcome == "ok":
                for chunk in chunks:
                    found.setdefault(chunk, []).append(call.end)
        return found

    def known_before(self, chunk: int, call: Span) -> bool:
        """Return whether a request for `chunk` was Ok before `call`."""
        return any(self.before(end, call.start) for end in self.known.get(chunk, ()))

    @property
    def registered_at_the_end(self) -> int:
        """How many chunks of those asked for have not failed."""
        asked = {chunk for _, chunks in self.requests for chunk in chunks}
        return len(asked - self.failures.keys())

    def proved_by(self, touch: Span) -> Span:
        """Return the call after which a process touched what it had asked for."""
        mine = [
            call
            for call, _ in self.requests
            if touch.process == f"touch of {call.process}" and call.end <= touch.start
        ]
        return max(mine, key=lambda call: call.end, default=touch)

    def piece(self, ends: Sequence[int]) -> MemoryRange:
        """Return a piece without the offset."""
        return MemoryRange(ends[0] - self.case.offset, ends[1] - self.case.offset)


def shown(call: Span) -> str:
    """Return a call as it was made, addresses in hexadecimal."""
    arguments = ", ".join(f"{argument:#x}" for argument in call.arguments)
    caller = f"thread {call.process}" if isinstance(call.process, int) else call.process
    return f"{caller}: {call.f}({arguments})"
