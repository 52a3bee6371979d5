"""The registrar on the simulated machine: programs, a page table of cells, every execution judged.

A `Program` is data: a case, and for each thread the requests it makes (None is a call of
``inspect``).  Its scenario runs them on a registrar whose backend writes a cell for each piece.
After every Ok the caller touches what it asked for: it reads the cells, so that a missing release
or acquire is a data race, and a piece that is not registered breaks I1.  When all threads have
ended, each chunk is asked for once more, and the invariants judge what was recorded.

>>> from registrar import MemoryLayout
>>> from stress.explore.scenario import explored
>>> case = RegistrarCase(MemoryLayout(1 << 31, []), 0, frozenset())
>>> both = Program(case, (((0, 1),), ((4096, 1),)))
>>> found = explored(both.scenario(), memory="rc11")
>>> found.verdict.value, found.executions
('ok', 4)
>>> Program.from_json(both.to_json()) == both
True

Ordering
========

The recorder takes no step of the machine: it orders nothing that the registrar does not.  "Before"
is happens-before in the execution at hand; the instants of the history are one order among those
it permits.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from random import Random
from typing import Any, Final

from models.registrar import RegistrarCase
from models.registrar_history import (
    Precedence,
    RecordingBackend,
    Request,
    call_span,
    lock_span,
)
from models.registrar_invariants import violations
from registrar import GRANULARITY, MemoryRange, MemoryRegistrar
from stress.explore.machine import Moment
from stress.explore.sync import SimulatedSync
from stress.history import Span
from stress.threads.observed import ObservedSync, Witness
from stress.threads.subject import Record, Step, Violation

type Call = Request | None
"""A request, or None: ``inspect``."""
type Threads = tuple[Callable[[], None], ...]

NEVER: Final = Random(0)
"""No pauses are drawn."""


@dataclass(frozen=True)
class Program:
    """A case, and the calls of each thread in order.

    Raises ValueError for a request that the registrar refuses to serve (D1, D2, D6).
    """

    case: RegistrarCase
    threads: tuple[tuple[Call, ...], ...]

    def __post_init__(self) -> None:
        for request in self.requests:
            try:
                self.case.chunks(*request)
            except (TypeError, ValueError, OverflowError, IndexError) as error:
                raise ValueError(
                    f"request {request} is no part of a program: {error}.\n"
                    f"  What it comes to depends on no other thread.\n"
                    f"  Ask for addresses inside the layout."
                ) from error

    @property
    def requests(self) -> list[Request]:
        """Every request of every thread."""
        return [call for own in self.threads for call in own if call is not None]

    @cached_property
    def chunks(self) -> list[int]:
        """The chunks that are asked for, ascending."""
        return sorted({chunk for own in self.requests for chunk in self.case.chunks(*own)})

    def __str__(self) -> str:
        """Return the chunks each call of each thread asks for; "?" is a call of ``inspect``."""
        return " ‖ ".join("; ".join(map(self._outlined, own)) for own in self.threads)

    def _outlined(self, call: Call) -> str:
        if call is None:
            return "?"
        chunks = self.case.chunks(*call)
        return "-".join(str(chunk) for chunk in (*chunks[:1], *chunks[1:][-1:])) or "none"

    def scenario(self, subject: type[MemoryRegistrar] = MemoryRegistrar) -> "ProgramScenario":
        """Return what the explorer explores: the program on a registrar of the kind `subject`."""
        return ProgramScenario(self, subject)

    def to_json(self) -> dict[str, Any]:
        """Return the program as JSON, addresses in hexadecimal."""
        threads = [
            [[hex(n) for n in call] if call else None for call in own] for own in self.threads
        ]
        return {"case": self.case.to_json(), "threads": threads}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Program":
        """Return the program that `to_json` gave; ValueError where `saved` is damaged."""
        try:
            threads = tuple(tuple(map(_read, own)) for own in saved["threads"])
            return cls(RegistrarCase.from_json(saved["case"]), threads)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the saved program is damaged: {error!r}\n"
                f"  It has a case, and in threads a list of requests for each thread: null, or\n"
                f'  [address, length] as strings such as "0x1000".  Save it again.'
            ) from error


def _read(saved: list[str] | None) -> Call:
    if saved is None:
        return None
    address, length = saved
    return int(address, 16), int(length, 16)


@dataclass(frozen=True)
class ProgramScenario:
    """A program on a registrar of the kind `subject`: a `stress.explore.scenario.Scenario`."""

    program: Program
    subject: type[MemoryRegistrar]

    def __call__(self, sync: SimulatedSync) -> Generator[Threads]:
        """Give the threads, and when they have ended judge what they did."""
        run = ProgramRun(self._known, self.subject, sync)
        yield run.threads()
        broken = run.judged()
        if broken:
            raise AssertionError("\n".join(f"{found.rule}  {found.message}" for found in broken))

    @cached_property
    def _known(self) -> Program:
        case = self.program.case
        by_heart = CaseByHeart(case.layout, case.offset, case.refused)
        return replace(self.program, case=by_heart)


class PageTable:
    """What the kernel knows: for each piece a cell, True once the piece is registered.

    A piece the layout does not have is registered without effect.
    """

    def __init__(self, case: RegistrarCase, chunks: Sequence[int], sync: SimulatedSync) -> None:
        self._cells = {
            case.shifted(piece): sync.cell(False, name=f"pages {piece.start:#x}")  # noqa: FBT003
            for chunk in chunks
            for piece in case.pieces(chunk)
        }

    def register_range(self, piece: MemoryRange) -> None:
        """Register `piece`."""
        cell = self._cells.get(piece)
        if cell is not None:
            cell.write(True)  # noqa: FBT003

    def touch(self, piece: MemoryRange) -> bool:
        """Return whether `piece` is registered."""
        return self._cells[piece].read()


class ProgramRun:
    """One execution of a program, and the record of it."""

    def __init__(
        self, program: Program, subject: type[MemoryRegistrar], sync: SimulatedSync
    ) -> None:
        self._program, self._sync = program, sync
        self._moments: dict[int, Moment] = {}
        self._calls = list[Span]()
        witness = Witness(self._now, self._process)
        self._locks = ObservedSync(sync, NEVER, 0, witness)
        case = program.case
        self._pages = PageTable(case, program.chunks, sync)
        self._backend = RecordingBackend(case, self._pages.register_range, witness)
        self._registrar = subject(case.layout, case.offset, self._backend, sync=self._locks)

    def threads(self) -> Threads:
        """Return the functions that the threads run."""
        return tuple(self._thread(*numbered) for numbered in enumerate(self._program.threads))

    def judged(self) -> list[Violation]:
        """Count the chunks, ask for each once more, count again, and check the invariants."""
        self._call(None)
        for chunk in self._program.chunks:
            self._call((chunk * GRANULARITY, 1))
        self._call(None)
        locks = [lock_span(taken) for taken in self._locks.taken]
        history = sorted([*self._calls, *self._backend.spans, *locks], key=lambda span: span.start)
        precedence = Precedence(self._before, self._before)
        return violations(self._program.case, history, precedence)

    def _thread(self, number: int, calls: Sequence[Call]) -> Callable[[], None]:
        def run() -> None:
            for call in calls:
                self._call(call)

        run.__name__ = f"thread {number}"
        return run

    def _call(self, call: Call) -> None:
        """Make `call`, note it, and touch what it says is registered."""
        if call is None:
            step = Step("inspect", (), self._count, None, 0)
        else:
            prove = partial(self._unreached, call)
            step = Step("register", call, self._registrar.register, prove, 0)
        result: Any
        start, proof = self._now(), None
        try:
            result = step.function(*step.arguments)
            end = self._now()
        except Exception as error:  # noqa: BLE001  (to be judged)
            result, end = error, self._now()
        else:
            proof = step.prove() if step.prove else None
        self._calls.append(call_span(self._process(), Record(step, start, end, result, proof)))

    def _count(self) -> int:
        return self._registrar.inspect()["chunks_registered"]

    def _unreached(self, request: Request) -> list[int]:
        """Touch every piece of the chunks of `request`; return those that are not registered."""
        case = self._program.case
        return [
            piece.start
            for chunk in case.chunks(*request)
            for piece in case.pieces(chunk)
            if not self._pages.touch(case.shifted(piece))
        ]

    def _now(self) -> int:
        """Return the instant of this moment of the calling thread."""
        moment = self._sync.moment()
        self._moments[moment.tick] = moment
        return moment.tick

    def _process(self) -> int | str:
        """Return what the history calls the calling thread: its number, or main."""
        thread = self._sync.moment().thread
        return thread - 1 if thread else "main"

    def _before(self, one: int, other: int) -> bool:
        """Return whether all that a thread did by `one` happens before `other`."""
        first, second = self._moments[one], self._moments[other]
        if first.thread == second.thread:
            return one < other
        if first.position == 0:
            return False
        last = Moment(one, first.thread, first.position - 1)
        return self._sync.happens_before(last, second)


class CaseByHeart(RegistrarCase):
    """A case that works nothing out twice: the judge asks the same of it in every execution."""

    def pieces(self, chunk: int) -> tuple[MemoryRange, ...]:
        """Return the RAM of `chunk`."""
        return self._known(super().pieces, chunk)

    def shifted(self, piece: MemoryRange) -> MemoryRange:
        """Return `piece` as the backend is told it."""
        return self._known(super().shifted, piece)

    def chunks(self, address: Any, length: Any) -> range:
        """Return the chunks a request touches."""
        return self._known(super().chunks, address, length)

    @cached_property
    def _answers(self) -> dict[tuple[Any, ...], Any]:
        return {}

    def _known[*Arguments, Answer](
        self, function: Callable[[*Arguments], Answer], *arguments: *Arguments
    ) -> Answer:
        key = function.__name__, *arguments
        if key not in self._answers:
            self._answers[key] = function(*arguments)
        answer: Answer = self._answers[key]
        return answer
