"""The registrar on real threads: small layouts, the kernel as backend, every Ok proved by a touch.

A stage is one layout with its kernel mappings, which are cleared and used again for instance
after instance.  An instance is a registrar with a failure plan and a few requests for each
thread, most of them around the same few chunks, so that threads meet.  When all are done, the
chunks asked for are registered once more, one by one, and counted: what was lost shows there.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from models.registrar_case import RegistrarCase, Request
from models.registrar_history import RecordingBackend, call_spans, lock_span, reason
from models.registrar_invariants import violations
from registrar import GRANULARITY, PAGE_SIZE, MemoryLayout, MemoryRange, MemoryRegistrar
from registrar.backends import BACKENDS, KernelBackend
from stress.history import Span
from stress.threads.observed import OF_THREADS, ObservedSync, clock, worker
from stress.threads.subject import Judgement, Record, Step, Violation

MOST_SLOTS: Final = 96
MOST_ADDRESS_SPACE: Final = 24 << 40
"""Of a process' 128 TiB: about a fifth, so that windows are found at once."""


class RegistrarThreads:
    """The `stress.threads.subject.ThreadModel` of the registrar.

    `layout` is "small" (drawn anew for every stage), "seed" (the layout of the original's test, 2
    TiB), "host" (this machine's own memory map) or the path of a layout file; `backend` is a name
    in `registrar.backends.BACKENDS`.  Raises ValueError or OSError, saying why, for one that
    cannot be had.
    """

    choices: ClassVar[Mapping[str, Sequence[str]]] = {
        "backend": tuple(BACKENDS),
        "layout": ("small", "seed", "host"),
    }

    def __init__(
        self,
        subject: type[MemoryRegistrar] = MemoryRegistrar,
        *,
        layout: str = "small",
        backend: str = "mprotect",
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"there is no backend {backend!r}; there are {', '.join(BACKENDS)}")
        self._subject = subject
        self._backend = BACKENDS[backend]
        self._layout = _named_layout(layout)
        if self._layout:
            self._backend(self._layout, 0).close()  # is there room for it?

    @classmethod
    def of_model(cls, model: Any, **options: str) -> "RegistrarThreads":
        """Return that of the subject of `model`, a `models.registrar.RegistrarModel`."""
        return cls(model.subject, **options)

    def stage(self, random: Random, threads: int) -> "RegistrarStage":
        """Return a stage: the layout that was asked for, or a small one drawn now."""
        layout = self._layout or drawn_layout(random)
        highest = (MemoryRange.MAX_ADDRESS - layout.end_of_ram) // PAGE_SIZE
        offset = random.choice([0, 1 << 50, GRANULARITY, random.randrange(highest) * PAGE_SIZE])
        case = RegistrarCase(layout, min(offset, highest * PAGE_SIZE), frozenset())
        return RegistrarStage(self._subject, self._backend, case, threads)


def _named_layout(name: str) -> MemoryLayout | None:
    if name == "small":
        return None
    if name == "seed":
        gaps = [MemoryRange(0x10000, 0x20000), MemoryRange(1 << 40, 2 << 40)]
        return MemoryLayout(1 << 40, gaps)
    return MemoryLayout.of_this_machine() if name == "host" else MemoryLayout.from_file(Path(name))


def drawn_layout(random: Random) -> MemoryLayout:
    """Return a layout of a few chunks, sometimes of more than one bitmap word's.

    Each chunk is RAM, or has a hole at an edge or within, or is split in two (as by NUMA nodes),
    or has no RAM at all; RAM may go on from one chunk to the next.
    """
    count = random.choice([1, 2, 2, 3, 3, 4, 6, 66, 70])
    ram: list[MemoryRange] = []
    for chunk in range(count):
        start, end = chunk * GRANULARITY, (chunk + 1) * GRANULARITY
        cuts = sorted(start + random.randrange(1, 1 << 19) * PAGE_SIZE for _ in range(2))
        drawn: list[tuple[int, int]] = random.choice(
            [
                [(start, end)],
                [(start, end)],
                [(cuts[0], end)],
                [(start, cuts[0])],
                [(start, cuts[0]), (cuts[0], end)],
                [(start, cuts[0]), (cuts[1], end)],
                [] if chunk < count - 1 else [(start, cuts[1])],
            ]
        )
        for low, high in drawn:
            if ram and ram[-1].end == low and random.random() < 0.5:  # noqa: PLR2004
                low = ram.pop().start  # noqa: PLW2901
            ram.append(MemoryRange(low, high))
    return MemoryLayout.from_ranges(ram, [])


class RegistrarStage:
    """One layout and a kernel mapping for every slot."""

    def __init__(
        self,
        subject: type[MemoryRegistrar],
        kind: type[KernelBackend],
        case: RegistrarCase,
        threads: int,
    ) -> None:
        fitting = MOST_ADDRESS_SPACE // case.layout.end_of_ram
        self.slots = max(1, min(MOST_SLOTS, fitting))
        self._subject = subject
        self._case = case
        self._threads = threads
        self._kernels = [kind(case.layout, case.offset) for _ in range(self.slots)]

    def instance(self, slot: int, random: Random, sync: ObservedSync) -> "RegistrarInstance":
        """Return a registrar over the cleared mapping of `slot`, with a program."""
        kernel = self._kernels[slot]
        kernel.clear()
        hot = _hot_chunks(self._case, random)
        pieces = [piece for chunk in hot for piece in self._case.pieces(chunk)]
        refused = random.sample(pieces, min(len(pieces), random.choice([0, 0, 1, 2])))
        case = replace(self._case, refused=frozenset(refused))
        requests = [
            [_drawn_request(case, hot, random) for _ in range(random.randint(1, 4))]
            for _ in range(self._threads)
        ]
        return RegistrarInstance(self._subject, case, kernel, requests, random, sync)

    def close(self) -> None:
        """Give the mappings back."""
        for kernel in self._kernels:
            kernel.close()


def _hot_chunks(case: RegistrarCase, random: Random) -> list[int]:
    """Return the few chunks an instance is about; neighbours share a word of the bitmap."""
    edges = [edge for ram in case.layout.ram for edge in (ram.start, ram.end - 1)]
    anywhere = random.randrange(case.chunk_count)
    first = random.choice([anywhere, random.choice(edges) // GRANULARITY])
    return [
        chunk
        for chunk in range(first, first + random.choice([1, 2, 3]))
        if chunk < case.chunk_count
    ]


def _drawn_request(case: RegistrarCase, hot: Sequence[int], random: Random) -> Request:
    """Return a request around the hot chunks: a byte, a page, an edge, several chunks."""
    start = random.choice(hot) * GRANULARITY
    limit = case.chunk_count * GRANULARITY
    address = start + random.choice([0, 1, GRANULARITY - 1, random.randrange(GRANULARITY)])
    length = random.choice([0, 1, 1, PAGE_SIZE, GRANULARITY, random.randrange(3 * GRANULARITY)])
    return address, min(length, limit - address)


class RegistrarInstance:
    """A registrar, its backend and the requests of every thread."""

    def __init__(  # noqa: PLR0913, PLR0917  (what an instance is made of)
        self,
        subject: type[MemoryRegistrar],
        case: RegistrarCase,
        kernel: KernelBackend,
        requests: Sequence[Sequence[Request]],
        random: Random,
        sync: ObservedSync,
    ) -> None:
        self._case = case
        self._sync = sync
        self._touch = kernel.touch
        pause = random.choice([0, 0, 50, 500])
        self._backend = RecordingBackend(case, kernel.register_range, OF_THREADS, pause)
        self._registrar = subject(case.layout, case.offset, self._backend, sync=sync)
        self.steps = [[self._step(request, random) for request in own] for own in requests]

    def _step(self, request: Request, random: Random) -> Step:
        if random.random() < 0.05:  # noqa: PLR2004
            return Step("inspect", (), self._count, None, 0)
        addresses = [
            random.choice([piece.start, piece.end - 1, random.randrange(piece.start, piece.end)])
            for chunk in self._case.chunks(*request)
            for piece in self._case.pieces(chunk)
        ]
        pause = random.choice([0, 0, random.randrange(100)])
        prove = partial(self._unreached, addresses)
        return Step("register", request, self._registrar.register, prove, pause)

    def _count(self) -> int:
        return self._registrar.inspect()["chunks_registered"]

    def _unreached(self, addresses: Sequence[int]) -> list[int]:
        """Return those of `addresses` that the kernel says are not registered."""
        try:
            return [address for address in addresses if not self._touch(address)]
        except OSError as error:  # the oracle failed (a full disk, K3): that accuses nobody
            self._backend.short_of.append(f"{reason(error)} from touch")
            return []

    def keys(self, step: Step) -> Collection[int]:
        """Return the chunks a step is about."""
        return self._case.chunks(*step.arguments) if step.f == "register" else ()

    def to_json(self) -> dict[str, Any]:
        """Return the case: with the history, all that the judge needs."""
        return self._case.to_json()

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Ask once more for every chunk, count them, and check the invariants."""
        chunks = {chunk for own in records for record in own for chunk in self.keys(record.step)}
        again = [span for chunk in sorted(chunks) for span in self._register_again(chunk)]
        calls = [
            span
            for number, own in enumerate(records)
            for record in own
            for span in call_spans(number, record)
        ]
        locks = [lock_span(taken) for taken in self._sync.taken]
        backend = self._backend.spans
        history = sorted([*calls, *again, *locks, *backend], key=lambda span: span.start)
        now = clock()
        history.append(Span(worker.process, "inspect", (), now, now, "ok", self._count()))
        exhausted = [span for span in calls + again if _is_out_of_memory(span)]
        return Judgement(
            history=history,
            violations=[] if exhausted else violations(self._case, history),
            unknown=[f"the kernel ran out: {reason}" for reason in self._backend.short_of]
            + ["the process ran out of memory" for _ in exhausted[:1]],
            counts={
                "callbacks": len(backend),
                "failures_injected": sum(span.result == "planned" for span in backend),
            },
        )

    def _register_again(self, chunk: int) -> Iterator[Span]:
        """Ask for `chunk` now that all threads are done."""
        request = chunk * GRANULARITY, 1
        start, result, proof = clock(), None, None
        try:
            self._registrar.register(*request)
            proof = self._unreached([piece.start for piece in self._case.pieces(chunk)])
        except Exception as error:  # noqa: BLE001  (to be judged)
            result = error
        step = Step("register", request, self._registrar.register, None, 0)
        return call_spans(worker.process, Record(step, start, clock(), result, proof))


def rejudged(
    _model: object, parameters: Mapping[str, Any], history: Sequence[Span]
) -> list[Violation]:
    """Judge a history of a `RegistrarInstance` again: its parameters are the case."""
    return violations(RegistrarCase.from_json(dict(parameters)), history)


def _is_out_of_memory(call: Span) -> bool:
    """Return whether `call` ended where memory did: anywhere, so its object may be in any state."""
    return call.outcome == "fail" and call.result[0] == "MemoryError"
