"""The registrar as one thread alone sees it: two sets of chunks, and a plan of refusals.

>>> from registrar import MemoryLayout, MemoryRange
>>> ram = [MemoryRange(0x3000, 0x9000), MemoryRange(0x80000000, 0x80001000)]
>>> layout = MemoryLayout.from_ranges(ram, [])
>>> model = RegistrarModel(RegistrarCase(layout, offset=1 << 50, refused=frozenset(ram[:1])))
>>> model.answer((0x4000, 1))
RegistrationError at 0x4000000003000 from Refused, after 0x4000000003000-0x4000000009000
>>> model.answer((0x4000, 1))
RegistrationError at 0x0, after no backend call
>>> model.answer((0x80000000, 1))
Ok, after 0x4000080000000-0x4000080001000
>>> model.registered, model.failed
(frozenset({1}), frozenset({0}))

Written from the rules (registrar-rules.md), which are cited by number, and not from the code it
judges.

Atomic steps
============

A request of many chunks is not atomic: between two chunks that it registers, others may register
and see what they will.  What it finds registered stays so (I4), so finding it is no step of its
own: it is found as well at the next step, or at the last.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import strategies as st

from models.registrar_answers import Expected, ExpectedEach, told
from models.registrar_case import WRONG_USAGE, RegistrarCase, Request
from models.registrar_drawing import cases, requests, small_cases
from models.registrar_equivalents import EQUIVALENTS
from models.registrar_faults import EXPLORED_FAULTS, FAULTS
from models.registrar_history import Interrupt, Refused
from models.registrar_invariants import violations
from models.registrar_programs import PROGRAMS
from models.registrar_rig import EACH_AT_MOST, Rig
from models.registrar_threads import RegistrarThreads, rejudged
from registrar import GRANULARITY, MemoryRegistrar, RegistrationError
from registrar.sync import Sync
from stress.history import Precedence, Span
from stress.model import Model, invariant, operation
from stress.threads.subject import Violation

type Steps = Generator[None, None, Expected]
"""Yields between the atomic steps of a request, and returns what it comes to."""


@dataclass(frozen=True)
class Surprise:
    """What the backend does at call `at` of a request: re-enters, or raises `Interrupt`."""

    at: int
    reenter: Request | None = None


def _drawn(model: Model[Any]) -> st.SearchStrategy[Request]:
    return requests(model.case)


def _drawn_again(model: Model[Any]) -> st.SearchStrategy[Request]:
    """Draw one of the last requests; for a byte where none is known."""

    def request(back: int) -> Request:
        made = [call.arguments[-1] for call in model.earlier if call.arguments]
        return made[-1 - back % len(made)] if made else (0, 1)

    return st.integers(0, 7).map(request)


class RegistrarModel(Model[Rig]):
    """Guest memory registered with the kernel, once, chunk by chunk."""

    subject: ClassVar[Callable[..., Any]] = MemoryRegistrar
    mutants: ClassVar[Mapping[str, Callable[..., Any]]] = FAULTS | EXPLORED_FAULTS
    equivalents: ClassVar[Mapping[str, Callable[..., Any]]] = EQUIVALENTS
    programs: ClassVar[Mapping[str, Any]] = PROGRAMS
    threads = RegistrarThreads.of_model
    rejudge = rejudged
    cases = cases()
    small_cases = small_cases()
    most_calls = 3

    registered: frozenset[int] = frozenset()
    failed: frozenset[int] = frozenset()

    # When all threads have ended, the main thread counts, asks again for each chunk, and inspects.

    @operation(at_end=True)
    def count(self) -> int:
        """Count the chunks that are registered.

        It is counted word by word, and comes to a number that there was all the same: bits are set
        one after another and never cleared, and who reads a later one sees the earlier.
        """
        return len(self.registered)

    @operation(request=_drawn, often=3, at_end=Rig.asked, then=Rig.touch)
    def register(self, request: Request) -> Steps:
        """Register; at the end, once more each chunk that was asked for."""
        return (yield from self._steps(request))

    @operation(at=st.integers(0, 2), request=_drawn, alone=True)
    def interrupt(self, at: int, request: Request) -> Expected:
        """Register, and let the backend raise what is no Exception (D4)."""
        return self.answer(request, Surprise(at))

    @operation(at=st.integers(0, 2), inner=_drawn_again, request=_drawn, alone=True)
    def reenter(self, at: int, inner: Request, request: Request) -> Expected:
        """Register, and let the backend make another request meanwhile (D5)."""
        return self.answer(request, Surprise(at, inner))

    @operation(request=_drawn_again, alone=True)
    def register_each(self, request: Request) -> ExpectedEach:
        """Register the chunks of a request one by one."""
        try:
            chunks = self.case.chunks(*request)[:EACH_AT_MOST]
        except WRONG_USAGE:
            chunks = range(0)
        return ExpectedEach([self.answer((chunk * GRANULARITY, 1)) for chunk in chunks])

    @operation(alone=True, at_end=True)
    def inspect(self) -> tuple[tuple[str, int], ...]:
        """Say how much there is, and how much of it is registered (section 3)."""
        return (
            ("chunk_count", self.case.chunk_count),
            ("chunks_registered", len(self.registered)),
            ("registration_offset", self.case.offset),
        )

    @invariant
    def counted(self, rig: Rig) -> None:
        """Let ``inspect`` say, whenever nobody is inside a call, what it must (section 3)."""
        observed, allowed = rig.inspect(), self.inspect()
        for (what, seen), (_, number) in zip(observed, allowed, strict=True):
            assert seen == number, f"section 3: {what} is {seen:#x} afterwards, not {number:#x}"

    # What a request comes to

    def answer(self, request: Request, surprise: Surprise | None = None) -> Expected:
        """Return what a request must come to while nobody else makes any."""
        steps = self._steps(request, surprise)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                answer: Expected = end.value
                return answer

    def _steps(self, request: Request, surprise: Surprise | None = None) -> Steps:
        """Take the steps of a request, and return what it comes to (R2, R3)."""
        try:
            chunks = self.case.chunks(*request)
        except WRONG_USAGE as error:
            return Expected.because(str(error), type(error).__name__)
        calls: list[tuple[int, int]] = []
        begun = False
        for chunk in chunks:
            if begun and chunk not in self.registered:
                yield
                begun = False
            if chunk in self.registered:
                continue
            failure = self._register_chunk(chunk, calls, surprise)
            if failure:
                return failure
            begun = True
        rule = "R2, R3: Ok once every chunk is registered"
        return Expected.because(rule, "Ok", None, None, tuple(calls))

    def _register_chunk(
        self, chunk: int, calls: list[tuple[int, int]], surprise: Surprise | None
    ) -> Expected | None:
        """Add the backend calls for `chunk` to `calls`, up to a failure, which is returned."""
        error = RegistrationError.__name__
        if chunk in self.failed:
            rule = "E8, E10: a failed chunk stays failed; the error has its bare start"
            return Expected.because(rule, error, chunk * GRANULARITY, None, tuple(calls))
        for piece in self.case.pieces(chunk):
            shifted = self.case.shifted(piece)
            cause = self._refusal if piece in self.case.refused else None
            if surprise and surprise.at == len(calls):
                cause = self._cause(surprise) or cause
            calls.append((shifted.start, shifted.end))
            if cause == Interrupt.__name__:
                rule = "D4: what is no Exception passes through, and changes nothing"
                return Expected.because(rule, cause, None, None, tuple(calls))
            if cause:
                self.failed |= {chunk}
                rule = "E8, D4, D5: what a backend raises fails the chunk, at the piece's start"
                return Expected.because(rule, error, shifted.start, cause, tuple(calls))
        self.registered |= {chunk}
        return None

    @property
    def _refusal(self) -> str:
        """What the error of a refused piece is chained from (D4, D8)."""
        return (TypeError if self.case.returning else Refused).__name__

    def _cause(self, surprise: Surprise) -> str | None:
        """Return what the backend raises where it interrupts or re-enters (D4, D5)."""
        if surprise.reenter is None:
            return Interrupt.__name__
        try:
            chunks = self.case.chunks(*surprise.reenter)
        except WRONG_USAGE as error:
            return type(error).__name__
        return None if self.registered.issuperset(chunks) else RuntimeError.__name__

    # What engines ask

    def make(self, sync: Sync) -> Rig:
        """Return a registrar of the kind that is tested, with a backend and a page table."""
        return Rig(type(self).subject, self.case, sync, self.witness)

    def spans(self, subject: Rig) -> list[Span]:
        """Return what happened inside the calls: in the backend, under the mutex, by touching."""
        return subject.spans

    def violations(self, history: Sequence[Span], precedence: Precedence) -> list[Violation]:
        """Return which of I1 to I10 are broken."""
        return violations(self.case, list(told(self.case, history)), precedence)

    @classmethod
    def case_to_json(cls, case: RegistrarCase) -> Any:
        """Return a case as JSON."""
        return case.to_json()

    @classmethod
    def case_from_json(cls, saved: Any) -> RegistrarCase:
        """Return the case that `case_to_json` gave; ValueError where `saved` is damaged."""
        return RegistrarCase.from_json(saved)
