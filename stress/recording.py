"""One execution of a program on a subject: its calls made, noted and judged.

The machine, simulated or real, decides when each thread goes on; whoever runs the threads says
what time it is (a `Witness`) and what comes before what.

>>> from registrar.sync import native
>>> from stress.model import Model, operation
>>> class Count:
...     def __init__(self, sync):
...         self.word = sync.word()
...
...     def read(self):
...         return 1
>>> class CountModel(Model):
...     subject = Count
...
...     @operation
...     def read(self):
...         return 0
>>> from stress.reference import Reference
>>> conformance = Conformance(Reference(CountModel()))
>>> recording = Recording(conformance, Program((Invocation("read", ()),), ()), native)
>>> recording.run(PREFIX)
>>> for found in recording.judged(None):
...     print(found.message)
main: read() = 1 cannot be placed
  longest legal order   nothing
  allowed there         0
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from registrar.sync import Sync
from stress.conformance import Before, Conformance, made_of, result_of
from stress.explore.calls import Listener
from stress.history import BY_CLOCK, Outcome, Precedence, Span
from stress.model import made
from stress.operation import Operation
from stress.plain import is_plain
from stress.program import PREFIX, Invocation, Program, Results
from stress.reference import NotPlain, raised
from stress.threads.observed import worker
from stress.threads.subject import Violation


@contextmanager
def _as_main() -> Iterator[None]:
    """Let the calling thread be what histories call main (a simulated one is told otherwise)."""
    mine, worker.process = worker.process, "main"
    try:
        yield
    finally:
        worker.process = mine


class Recording:
    """One subject of `reference`'s model, made over `sync`, and what `program` did to it."""

    def __init__(
        self,
        conformance: Conformance,
        program: Program,
        sync: Sync,
        listener: Listener | None = None,
    ) -> None:
        self.reference = reference = conformance.reference
        self._conformance = conformance
        self.program = program
        self._calls: dict[int, tuple[Invocation, ...]] = dict(program.lists())
        self.results = Results.of(program)
        self._noted: dict[int, list[Span]] = {thread: [] for thread in self._calls}
        self._now = reference.model.witness.now
        self._listener = listener
        self.subject = made(reference.model, sync)

    def run(self, thread: int) -> None:
        """Make the calls of `thread`, or of the prefix."""
        with _as_main() if thread == PREFIX else nullcontext():
            for place, call in enumerate(self._calls[thread]):
                arguments = self.results.resolved(call.arguments)
                if arguments is not None:
                    own = self.reference.operations[call.f]
                    span = self._called(thread, own, arguments)
                    if span.outcome == "ok":
                        self.results.note(thread, place, span.result)

    def end(self) -> None:
        """Make the calls that come when all threads have ended."""
        with _as_main():
            for own in self.reference.operations.values():
                for arguments in own.endings(self.subject):
                    self._called(PREFIX, own, arguments)

    def _called(self, thread: int, own: Operation, arguments: tuple[Any, ...]) -> Span:
        """Make a call and note it; what is no result of the operation is raised."""
        now = self._now
        if self._listener is not None:
            self._listener.begins(made_of(own.name, arguments))
        start = now()
        result: Any
        outcome: Outcome = "ok"
        try:
            result = own.call(self.subject, arguments)
            end = now()
        except own.raises as error:
            end = now()
            outcome, result = "fail", raised(error)
        except Exception as error:
            self.note(thread, own, arguments, start, now(), "fail", raised(error))
            raise
        span = self.note(thread, own, arguments, start, end, outcome, result)
        if own.then is not None and outcome == "ok":
            own.then(self.subject, arguments, result)
        return span

    def note(  # noqa: PLR0913, PLR0917  (all there is to a call)
        self,
        thread: int,
        own: Operation,
        arguments: tuple[Any, ...],
        start: int,
        end: int,
        outcome: Outcome,
        result: Any,
    ) -> Span:
        """Note a call, and return what was noted."""
        process = "main" if thread == PREFIX else thread
        result = result if is_plain(result) else NotPlain(repr(result))
        span = Span(process, own.name, arguments, start, end, outcome, result)
        self._noted[thread].append(span)
        if self._listener is not None:
            self._listener.ends(result_of(span))
        return span

    @property
    def calls(self) -> list[Span]:
        """All calls, by their start."""
        return sorted((s for own in self._noted.values() for s in own), key=lambda s: s.start)

    @property
    def history(self) -> list[Span]:
        """All calls, and what the subject noted inside them, by their start."""
        inside = self.reference.model.spans(self.subject)
        return sorted([*self.calls, *inside], key=lambda span: span.start)

    def judged(self, before: Before | None) -> list[Violation]:
        """Return what is wrong with this execution; `before` None: instants of one clock."""
        calls = self.calls
        found = self._conformance.violations(calls, before, self.subject)
        precedence = BY_CLOCK if before is None else Precedence(before, before)
        return found + self.reference.model.violations(self.history, precedence)
