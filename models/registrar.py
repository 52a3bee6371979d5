"""The registrar as one thread alone sees it: two sets of chunks, and a plan of refusals.

>>> ram = [MemoryRange(0x3000, 0x9000), MemoryRange(0x80000000, 0x80001000)]
>>> layout = MemoryLayout.from_ranges(ram, [])
>>> case = RegistrarCase(layout, offset=1 << 50, refused=frozenset(ram[:1]))
>>> reference = RegistrarReference(case)
>>> print(reference.register(0x4000, 1))
RegistrationError at 0x4000000003000 from Refused, after 0x4000000003000-0x4000000009000
>>> print(reference.register(0x4000, 1))
RegistrationError at 0x0, after no backend call
>>> print(reference.register(0x80000000, 1))
Ok, after 0x4000080000000-0x4000080001000
>>> reference.registered, reference.failed
({1}, {0})

Written from the rules (registrar-rules.md), which are cited by number, and not from the code it
judges.  `RegistrarMachine` runs both side by side; `replay_sequential` repeats what it found.
Long, because what is drawn and what is expected of it are best read together.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise, takewhile
from operator import attrgetter
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from registrar import GRANULARITY, MemoryLayout, MemoryRange, MemoryRegistrar, RegistrationError

PAGE: Final = 0x1000
WORD: Final = 64
"""How many chunks share a word of the bitmap: a place where faults gather, not a rule."""

type Request = tuple[Any, Any]
"""An address and a length; Any, because what is no integer is drawn too (D6)."""
type Step = tuple[Any, ...]
"""("register", address, length), or with a `Surprise`: ("interrupt", at, address, length), or
("reenter", at, inner address, inner length, address, length)."""


class Refused(Exception):  # noqa: N818  (what happened, not whose fault)
    """The backend refuses a piece, as planned."""


class Interrupt(BaseException):
    """An exception that is no Exception, as KeyboardInterrupt is none."""


@dataclass(frozen=True)
class Surprise:
    """What the backend does at call `at` of a request: re-enters, or raises `Interrupt`."""

    at: int
    reenter: Request | None = None


@dataclass(frozen=True)
class RegistrarCase:
    """What one case fixes: the layout, the registration offset in bytes, the failure plan.

    ``refused`` holds pieces as `pieces` gives them, without the offset.  Raises ValueError for
    an offset no registrar takes (D3) and for a refused range that is no piece.
    """

    layout: MemoryLayout
    offset: int
    refused: frozenset[MemoryRange]

    def __post_init__(self) -> None:
        highest = MemoryRange.MAX_ADDRESS - self.layout.end_of_ram
        if self.offset % PAGE or not 0 <= self.offset <= highest:
            raise ValueError(f"offset {self.offset:#x} is no page from 0 to {highest:#x} (D3)")
        for piece in self.refused:
            if piece not in self.pieces(piece.start // GRANULARITY):
                raise ValueError(f"{piece} is no piece: it is never refused as a whole")

    @property
    def chunk_count(self) -> int:
        """How many chunks reach from 0 to the end of the last RAM (section 3)."""
        return -(-self.layout.end_of_ram // GRANULARITY)

    def pieces(self, chunk: int) -> tuple[MemoryRange, ...]:
        """Return the RAM of `chunk`, one piece for each RAM range it meets (E6), ascending."""
        start, end = chunk * GRANULARITY, (chunk + 1) * GRANULARITY
        first = bisect_right(self.layout.ram, start, key=attrgetter("end"))
        met = takewhile(lambda ram: ram.start < end, islice(self.layout.ram, first, None))
        return tuple(MemoryRange(max(ram.start, start), min(ram.end, end)) for ram in met)

    def shifted(self, piece: MemoryRange) -> MemoryRange:
        """Return `piece` as the backend is told it (E14)."""
        return MemoryRange(piece.start + self.offset, piece.end + self.offset)

    def chunks(self, address: Any, length: Any) -> range:
        """Return the chunks a request touches (R1, E1, E2).

        Raises TypeError or ValueError (D6), OverflowError (D1), IndexError (D2), in this order.
        """
        for number in (address, length):
            if not isinstance(number, int):
                raise TypeError("D6: an address and a length are integers")
            if number < 0:
                raise ValueError("D6: an address and a length are 0 or more")
        if address + length + 0xFFF >= 1 << 64:
            raise OverflowError("D1: the request ends past 2**64")
        first_page, end_page = address // PAGE, (address + length + 0xFFF) // PAGE
        chunks = range(first_page * PAGE // GRANULARITY, -(-end_page * PAGE // GRANULARITY))
        if chunks and chunks[-1] >= self.chunk_count:
            raise IndexError("D2: the request reaches past the last chunk")
        return chunks

    def to_json(self) -> dict[str, Any]:
        """Return the case as JSON, addresses in hexadecimal; a VTL2 range is not kept."""
        return {
            "ram": _spelled(self.layout.ram),
            "gaps": _spelled(self.layout.mmio),
            "offset": hex(self.offset),
            "refused": _spelled(sorted(self.refused)),
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "RegistrarCase":
        """Return the case that `to_json` gave; ValueError where `saved` is damaged."""
        try:
            ram, gaps, refused = (_read(saved[key]) for key in ("ram", "gaps", "refused"))
            layout = MemoryLayout.from_ranges(ram, gaps)
            return cls(layout, int(saved["offset"], 16), frozenset(refused))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the saved case is damaged: {error!r}\n"
                f"  It has lists of [start, end] named ram, gaps and refused, and an offset;\n"
                f'  every address is a string such as "0x1000".  Save it again.'
            ) from error


def _spelled(ranges: Iterable[MemoryRange]) -> list[list[str]]:
    return [[hex(item.start), hex(item.end)] for item in ranges]


def _read(ranges: list[list[str]]) -> list[MemoryRange]:
    return [MemoryRange(int(start, 16), int(end, 16)) for start, end in ranges]


@dataclass(frozen=True)
class Answer:
    """What one request came to: Ok (no error), or an error; and the backend calls it made.

    ``address`` is that of a RegistrationError, ``cause`` the type of what it is chained from.
    """

    error: type[BaseException] | None = None
    address: int | None = None
    cause: type[BaseException] | None = None
    calls: tuple[MemoryRange, ...] = ()

    def __str__(self) -> str:
        result = self.error.__name__ if self.error else "Ok"
        place = "" if self.address is None else f" at {self.address:#x}"
        chain = f" from {self.cause.__name__}" if self.cause else ""
        calls = ", ".join(str(piece) for piece in self.calls)
        return f"{result}{place}{chain}, after {calls or 'no backend call'}"


@dataclass(frozen=True)
class Expected(Answer):
    """The only answer the rules allow, and the rule that says so."""

    rule: str = ""

    def broken_by(self, observed: Answer) -> str | None:
        """Return the rule that `observed` breaks, if any."""
        if (observed.error, observed.address) != (self.error, self.address):
            return self.rule
        if observed.calls != self.calls:
            return f"{self.rule}\n            R3, E6, E14, I2: its calls: new pieces, shifted"
        if observed.cause is not self.cause:
            return "D4, D8: the first failure is chained from the backend's own"
        return None


class RegistrarReference:
    """The sets of chunks registered and failed, and what each request does to them.

    `refusal` is what the RegistrationError of a refused piece is chained from: TypeError where
    the backend refuses by returning something (D8).
    """

    def __init__(self, case: RegistrarCase, refusal: type[BaseException] = Refused) -> None:
        self.case = case
        self.registered: set[int] = set()
        self.failed: set[int] = set()
        self._refusal = refusal

    def register(self, address: Any, length: Any, surprise: Surprise | None = None) -> Expected:
        """Return what a request must come to, and remember what it did (R2, R3)."""
        try:
            chunks = self.case.chunks(address, length)
        except (TypeError, ValueError, OverflowError, IndexError) as error:
            return Expected(type(error), rule=str(error))
        calls: list[MemoryRange] = []
        for chunk in chunks:
            if chunk in self.registered:
                continue
            if chunk in self.failed:
                rule = "E8, E10: a failed chunk stays failed; the error has its bare start"
                return Expected(RegistrationError, chunk * GRANULARITY, None, tuple(calls), rule)
            failure = self._register_chunk(chunk, calls, surprise)
            if failure:
                return failure
            self.registered.add(chunk)
        return Expected(calls=tuple(calls), rule="R2, R3: Ok once every chunk is registered")

    def inspect(self) -> dict[str, int]:
        """Return what ``inspect`` must (section 3)."""
        return {
            "chunk_count": self.case.chunk_count,
            "chunks_registered": len(self.registered),
            "registration_offset": self.case.offset,
        }

    def _register_chunk(
        self, chunk: int, calls: list[MemoryRange], surprise: Surprise | None
    ) -> Expected | None:
        """Add the backend calls for `chunk` to `calls`, up to a failure, which is returned."""
        for piece in self.case.pieces(chunk):
            shifted = self.case.shifted(piece)
            cause = self._refusal if piece in self.case.refused else None
            if surprise and surprise.at == len(calls):
                cause = self._surprised(surprise) or cause
            calls.append(shifted)
            if cause is Interrupt:
                rule = "D4: what is no Exception passes through, and changes nothing"
                return Expected(Interrupt, None, None, tuple(calls), rule)
            if cause:
                self.failed.add(chunk)
                rule = "E8, D4, D5: what a backend raises fails the chunk, at the piece's start"
                return Expected(RegistrationError, shifted.start, cause, tuple(calls), rule)
        return None

    def _surprised(self, surprise: Surprise) -> type[BaseException] | None:
        """Return what the backend raises where it interrupts or re-enters (D4, D5)."""
        if surprise.reenter is None:
            return Interrupt
        try:
            chunks = self.case.chunks(*surprise.reenter)
        except (TypeError, ValueError, OverflowError, IndexError) as error:
            return type(error)
        return None if self.registered.issuperset(chunks) else RuntimeError


class PlannedBackend:
    """Notes its calls, and refuses what `case` plans: by raising, or by `returning` a value."""

    def __init__(self, case: RegistrarCase, *, returning: bool) -> None:
        self._refused = {case.shifted(piece) for piece in case.refused}
        self._returning = returning
        self.calls: list[MemoryRange] = []
        self.surprises: dict[int, Callable[[], object]] = {}  # by number of the call

    def register_range(self, piece: MemoryRange) -> Any:
        """Note the call, do what is planned at this one, and register or refuse."""
        number = len(self.calls)
        self.calls.append(piece)
        if number in self.surprises:
            self.surprises[number]()
        if piece not in self._refused:
            return None
        if self._returning:
            return 1
        raise Refused(str(piece))


class SideBySide:
    """A registrar of the kind `subject` and the reference, which take the same steps."""

    def __init__(
        self,
        subject: type[MemoryRegistrar],
        case: RegistrarCase,
        *,
        as_object: bool = False,
        returning: bool = False,
    ) -> None:
        self.reference = RegistrarReference(case, TypeError if returning else Refused)
        self._backend = PlannedBackend(case, returning=returning)
        backend = self._backend if as_object else self._backend.register_range
        self._subject = subject(case.layout, case.offset, backend)

    def step(self, step: Step) -> str | None:
        """Let both take `step`, and return how they differ, if they do."""
        address, length, surprise = _request(step)
        expected = self.reference.register(address, length, surprise)
        observed = self._observed(address, length, surprise)
        broken = expected.broken_by(observed)
        if broken:
            return _mismatch(step, observed, expected, broken)
        counts, allowed = self._subject.inspect(), self.reference.inspect()
        if counts != allowed:
            return _mismatch(step, counts, allowed, "section 3: what inspect() says afterwards")
        return None

    def _observed(self, address: Any, length: Any, surprise: Surprise | None) -> Answer:
        self._backend.calls = []
        self._backend.surprises = {surprise.at: partial(self._spring, surprise)} if surprise else {}
        error: BaseException | None = None
        try:
            self._subject.register(address, length)
        except (Exception, Interrupt) as raised:  # noqa: BLE001  (to be judged)
            error = raised
        calls = tuple(self._backend.calls)
        if error is None:
            return Answer(calls=calls)
        cause = type(error.__cause__) if error.__cause__ else None
        return Answer(type(error), getattr(error, "address", None), cause, calls)

    def _spring(self, surprise: Surprise) -> None:
        if surprise.reenter is None:
            raise Interrupt
        self._subject.register(*surprise.reenter)


def _request(step: Step) -> tuple[Any, Any, Surprise | None]:
    """Return a step's address, length and surprise; ValueError for what is no step."""
    match step:
        case ("register", address, length):
            return address, length, None
        case ("interrupt", int(at), address, length):
            return address, length, Surprise(at)
        case ("reenter", int(at), inner, inner_length, address, length):
            return address, length, Surprise(at, (inner, inner_length))
    raise ValueError(f'{step!r} is no step: write ["register", address, length], for example')


def _mismatch(step: Step, observed: object, allowed: object, broken: str) -> str:
    call, *numbers = step
    shown = ", ".join(hex(item) if isinstance(item, int) else repr(item) for item in numbers)
    return f"{call}({shown})\n  observed  {observed}\n  allowed   {allowed}\n  rule      {broken}"


_ANCHORS: Final = (0, 1, 2, 3, 62, 63, 64, 65, 66, 126, 127, 128, 129, 140)
_FROM_ANCHOR: Final = (0, PAGE, GRANULARITY // 2, GRANULARITY - PAGE)
_PLACES: Final = [k * GRANULARITY + more for k in _ANCHORS for more in _FROM_ANCHOR]
_EDGES: Final = st.one_of(
    [
        st.lists(st.sampled_from(places), min_size=2, max_size=7, unique=True)
        for places in (_PLACES[:16], _PLACES[:36], _PLACES)
    ]
)
_LARGEST: Final = -1
_OFFSETS: Final = st.sampled_from((0, PAGE, GRANULARITY, 1 << 50, GRANULARITY + 3 * PAGE, _LARGEST))
_LENGTHS: Final = (1, 0, PAGE, PAGE + 1, GRANULARITY, 3 * GRANULARITY + 1)
_NO_LENGTHS: Final = (1 << 64, -1, 0.5)
_OUTSIDE: Final = (-1, 0.5, (1 << 63) + 1, (1 << 64) - PAGE, (1 << 64) - 1, 1 << 64)


@st.composite
def cases(draw: st.DrawFn) -> RegistrarCase:
    """Layouts of up to 141 chunks, with edges of RAM, gaps, pages, chunks and words together.

    RAM ranges may touch without being one, as those of NUMA nodes do.
    """
    spans = [MemoryRange(*ends) for ends in pairwise(sorted(draw(_EDGES)))]
    kinds = draw(st.integers(0, 63))  # one bit for each span: a gap
    ram = [span for bit, span in enumerate(spans) if not kinds >> bit & 1] or spans
    layout = MemoryLayout.from_ranges(ram, [span for span in spans if span not in ram])
    offset = draw(_OFFSETS)
    if offset == _LARGEST:
        offset = MemoryRange.MAX_ADDRESS - layout.end_of_ram
    plain = RegistrarCase(layout, offset, frozenset())
    pieces = [piece for chunk in _landmarks(plain) for piece in plain.pieces(chunk)]
    refused = draw(st.lists(st.sampled_from(pieces), max_size=3))
    return RegistrarCase(layout, offset, frozenset(refused))


def requests(case: RegistrarCase) -> st.SearchStrategy[Request]:
    """Addresses and lengths at and beside the edges of pages, chunks, words, RAM and gaps.

    Some reach past the end, some overflow, and a few are no addresses at all.
    """
    edges = {edge for ram in case.layout.ram for edge in (ram.start, ram.end)}
    edges.update((chunk + more) * GRANULARITY for chunk in _landmarks(case) for more in (0, 1))
    edges.add(-(-case.chunk_count // WORD) * WORD * GRANULARITY)
    inside = [
        edge + more for edge in sorted(edges) for more in (0, 1, -1, -PAGE) if edge + more >= 0
    ]
    extents = [(length, None) for length in (*_LENGTHS * (len(inside) // 8 + 1), *_NO_LENGTHS)]
    drawn = st.tuples(
        st.sampled_from([*inside, *_OUTSIDE]),
        st.sampled_from([*extents, *((0, end) for end in inside)]),
    )
    return drawn.map(_request_of)


def _request_of(drawn: tuple[Any, tuple[Any, Any]]) -> Request:
    """Return the request for an address and a length, or for the two ends of one."""
    address, (length, end) = drawn
    return (address, length) if end is None else (min(address, end), abs(end - address))


def _landmarks(case: RegistrarCase) -> list[int]:
    """Return the chunks at the edges of RAM and words, ascending."""
    chunks = {edge // GRANULARITY for ram in case.layout.ram for edge in (ram.start, ram.end - 1)}
    chunks.update(chunk for chunk in (0, 63, 64, 127, 128) if chunk < case.chunk_count)
    return sorted(chunks)


class RegistrarMachine(RuleBasedStateMachine):
    """Runs a registrar and the reference side by side, and compares them after every step."""

    subject: ClassVar[type[MemoryRegistrar]] = MemoryRegistrar
    last_failure: ClassVar[dict[str, Any] | None] = None
    """The run that failed last, for `replay_sequential`: Hypothesis ends with the smallest."""

    requests: st.SearchStrategy[Request]

    @initialize(case=cases(), as_object=st.booleans(), returning=st.booleans())
    def start(self, case: RegistrarCase, *, as_object: bool, returning: bool) -> None:
        """Fix the case and the form of the backend."""
        self.requests = requests(case)
        self._case = case
        self._backend = {"as_object": as_object, "returning": returning}
        self._pair = SideBySide(self.subject, case, **self._backend)
        self._steps: list[Step] = []

    _drawn = st.runner().flatmap(lambda machine: machine.requests)
    _back = st.integers(0, 7)
    _at = st.integers(0, 2)

    @rule(request=_drawn)
    def register(self, request: Request) -> None:
        """Register at an edge."""
        self._take("register", *request)

    @rule(back=_back)
    def register_again(self, back: int) -> None:
        """Make one of the last requests again."""
        self._take("register", *self._earlier(back))

    @rule(back=_back)
    def register_each_chunk(self, back: int) -> None:
        """Register the chunks of one of the last requests one by one, at most ten of them."""
        try:
            chunks = self._case.chunks(*self._earlier(back))
        except (TypeError, ValueError, OverflowError, IndexError):
            return
        for chunk in chunks[:10]:
            self._take("register", chunk * GRANULARITY, 1)

    @rule(request=_drawn, at=_at)
    def register_interrupted(self, request: Request, at: int) -> None:
        """Register, and let the backend raise what is no Exception (D4)."""
        self._take("interrupt", at, *request)

    @rule(request=_drawn, at=_at, back=_back)
    def register_reentering(self, request: Request, at: int, back: int) -> None:
        """Register, and let the backend make one of the last requests meanwhile (D5)."""
        self._take("reenter", at, *self._earlier(back), *request)

    def _earlier(self, back: int) -> Request:
        if not self._steps:
            return 0, 1
        *_, address, length = self._steps[-1 - back % len(self._steps)]
        return address, length

    def _take(self, *step: Any) -> None:
        self._steps.append(step)
        message = self._pair.step(step)
        if message:
            type(self).last_failure = {
                "case": self._case.to_json(),
                "backend": self._backend,
                "calls": [list(taken) for taken in self._steps],
                "message": message,
            }
            raise AssertionError(message)


def machine_of(subject: type[MemoryRegistrar]) -> type[RegistrarMachine]:
    """Return the machine that puts `subject` beside the reference."""
    return type(f"{subject.__name__}Machine", (RegistrarMachine,), {"subject": subject})


def replay_sequential(subject: type[MemoryRegistrar], saved: dict[str, Any]) -> str | None:
    """Take the steps of a saved failure again; return the mismatch met, or None.

    Raises ValueError where `saved` is damaged.
    """
    try:
        case, steps = (
            RegistrarCase.from_json(saved["case"]),
            [tuple(step) for step in saved["calls"]],
        )
        pair = SideBySide(subject, case, **saved.get("backend", {}))
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the saved failure is damaged: {error!r}\n  It has a case and calls."
        ) from error
    return next((message for step in steps if (message := pair.step(step))), None)
