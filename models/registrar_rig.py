"""A registrar with all that a case and an engine put around it.

    Rig ──▶ MemoryRegistrar ──▶ RecordingBackend ──▶ PageTable
     ╰───────────────── touch ──────────────────────────▲

The backend notes each call, refuses what the case plans, and writes a cell for each piece.  After
every Ok the caller touches what it asked for: it reads the cells.  So, on the simulated machine, a
missing release or acquire is a data race; and on every machine, a piece that is not registered
breaks I1.

>>> from registrar import MemoryLayout
>>> from registrar.sync import native
>>> from stress.threads.observed import OF_THREADS
>>> case = RegistrarCase(MemoryLayout(3 << 30, []), 1 << 50, frozenset())
>>> rig = Rig(MemoryRegistrar, case, native, OF_THREADS)
>>> rig.register((0x7FFFFFFF, 1))
Ok, after 0x4000000000000-0x4000080000000
>>> rig.interrupt(0, (0x80000000, 1))
Interrupt, after 0x4000080000000-0x40000c0000000
>>> rig.count(), rig.asked()
(1, [((0, 1),), ((2147483648, 1),)])

Ordering
========

What is noted takes no step of the simulated machine, so it orders nothing that the registrar does
not.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Final

from models.registrar_answers import Answer
from models.registrar_case import WRONG_USAGE, RegistrarCase, Request
from models.registrar_history import (
    Interrupt,
    RecordingBackend,
    Trap,
    lock_span,
    touch_span,
)
from registrar import GRANULARITY, MemoryRange, MemoryRegistrar, RegistrationError
from registrar.sync import Sync
from stress.history import Span
from stress.threads.observed import ObservedSync, Witness

EACH_AT_MOST: Final = 10
"""Chunks that `Rig.register_each` registers."""
NO_PAUSE: Final = Random(0)
"""Nothing is drawn from it."""


class PageTable:
    """What the kernel knows: for each piece a cell, True once the piece is registered.

    A piece the layout does not have is registered without effect.
    """

    def __init__(self, case: RegistrarCase, sync: Sync) -> None:
        self._cells = {
            case.shifted(piece): sync.cell(False, name=f"pages {piece.start:#x}")  # noqa: FBT003
            for piece in case.all_pieces
        }

    def register_range(self, piece: MemoryRange) -> None:
        """Register `piece`."""
        cell = self._cells.get(piece)
        if cell is not None:
            cell.write(True)  # noqa: FBT003

    def touch(self, piece: MemoryRange) -> bool:
        """Return whether `piece` is registered."""
        return self._cells[piece].read()


class Rig:
    """A registrar of the `kind` over `sync`, in a case; `witness` tells instants and processes."""

    def __init__(
        self,
        kind: Callable[..., MemoryRegistrar],
        case: RegistrarCase,
        sync: Sync,
        witness: Witness,
    ) -> None:
        self._case = case
        self._now, self._process = witness
        locks = sync if isinstance(sync, ObservedSync) else None
        self._locks = locks or ObservedSync(sync, NO_PAUSE, 0, witness)
        self._pages = PageTable(case, sync)
        self._backend = RecordingBackend(case, self._pages.register_range, witness)
        backend = self._backend if case.as_object else self._backend.register_range
        self._registrar = kind(case.layout, case.offset, backend, sync=self._locks)
        self._asked: list[Request] = []
        self._touches: list[Span] = []

    def register(self, request: Request) -> Answer:
        """Register, and return what it came to."""
        self._asked.append(request)
        return self._answered(request)

    def register_each(self, request: Request) -> tuple[Answer, ...]:
        """Register the first chunks of `request` one by one, as many as there are at most."""
        self._asked.append(request)
        chunks = self._chunks(request)[:EACH_AT_MOST]
        return tuple([self._answered((chunk * GRANULARITY, 1)) for chunk in chunks])

    def interrupt(self, at: int, request: Request) -> Answer:
        """Register, and let call `at` of the backend raise what is no Exception (D4)."""
        return self._trapped(Trap(at, self._interrupt), request)

    def reenter(self, at: int, inner: Request, request: Request) -> Answer:
        """Register, and let call `at` of the backend make the request `inner` (D5)."""
        return self._trapped(Trap(at, partial(self._registrar.register, *inner)), request)

    def count(self) -> int:
        """Return how many chunks are marked registered."""
        return self._registrar.inspect()["chunks_registered"]

    def inspect(self) -> tuple[tuple[str, int], ...]:
        """Return what ``inspect`` says, as plain data."""
        return tuple(self._registrar.inspect().items())

    def touch(self, arguments: tuple[Request], answer: Answer) -> None:
        """Touch every piece of a request that is Ok, and note what is not registered."""
        if answer.error != "Ok":
            return
        for chunk in self._chunks(*arguments):
            for piece in self._case.pieces(chunk):
                if not self._pages.touch(self._case.shifted(piece)):
                    self._touches.append(touch_span(self._process(), piece.start, self._now()))

    def asked(self) -> list[tuple[Request]]:
        """Return a request for each chunk that was asked for, ascending."""
        chunks = {chunk for request in self._asked for chunk in self._chunks(request)}
        return [((chunk * GRANULARITY, 1),) for chunk in sorted(chunks)]

    @property
    def spans(self) -> list[Span]:
        """What happened inside the calls."""
        return [*self._backend.spans, *map(lock_span, self._locks.taken), *self._touches]

    def _answered(self, request: Request) -> Answer:
        calls = self._backend.begin()
        try:
            self._registrar.register(*request)
        except (Exception, Interrupt) as error:  # noqa: BLE001  (a result, to be judged)
            address = error.address if isinstance(error, RegistrationError) else None
            cause = type(error.__cause__).__name__ if error.__cause__ else None
            return Answer(type(error).__name__, address, cause, tuple(calls))
        return Answer(calls=tuple(calls))

    def _trapped(self, trap: Trap, request: Request) -> Answer:
        self._backend.trap = trap
        answer = self.register(request)
        self._backend.trap = None
        if answer.error == Interrupt.__name__:
            self._backend.forget_chunk()
        return answer

    def _interrupt(self) -> None:
        raise Interrupt

    def _chunks(self, request: Request) -> range:
        """Return the chunks of `request`; none of one that is refused for what it asks."""
        with suppress(*WRONG_USAGE):
            return self._case.chunks(*request)
        return range(0)
