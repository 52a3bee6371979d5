"""The invariants I1 to I10 of the registrar, on histories made by hand.

All are of one case: three chunks, of which the first has two pieces (as of two NUMA nodes), the
second starts late and the third is whole.  Instants are small numbers.
"""

from collections.abc import Sequence

import pytest

from models.registrar_case import RegistrarCase
from models.registrar_history import touch_span
from models.registrar_invariants import INVARIANTS, violations
from registrar import GRANULARITY, MemoryLayout, MemoryRange
from stress.history import Precedence, Span, from_json_lines, to_json_lines

G = GRANULARITY
HALF = G // 2
OFFSET = 1 << 50
LOW, HIGH = MemoryRange(0, HALF), MemoryRange(HALF, G)
"""The pieces of chunk 0."""
LATE = MemoryRange(G + 0x30000, 2 * G)
"""The piece of chunk 1."""
LAST = MemoryRange(2 * G, 3 * G)
"""The piece of chunk 2."""
CASE = RegistrarCase(
    MemoryLayout.from_ranges([LOW, HIGH, LATE, LAST], []), OFFSET, frozenset([LATE])
)

type History = Sequence[Span]


def ok(process: int, start: int, end: int, chunk: int = 0, *, chunks: int = 1) -> Span:
    """Return a request for `chunks` chunks from `chunk` on that returned."""
    request = (chunk * G + 5, (chunks - 1) * G + 1)
    return Span(process, "register", request, start, end, "ok", None)


def err(call: Span, address: int | None, *, error: str = "RegistrationError") -> Span:
    """Return the request `call` as one that raised, with an address."""
    return call._replace(outcome="fail", result=(error, address))


def interrupted(span: Span) -> Span:
    """Return `span` as one that was interrupted: what it did, nobody knows (D4)."""
    return span._replace(outcome="info", result=None)


def backend(
    process: int, start: int, end: int, piece: MemoryRange, *, refused: bool = False
) -> Span:
    """Return a call of the backend, inside a request of `process`."""
    ends = (piece.start + OFFSET, piece.end + OFFSET)
    name = f"backend of {process}"
    if refused:
        return Span(name, "register_range", ends, start, end, "fail", "planned")
    return Span(name, "register_range", ends, start, end, "ok", None)


def mutex(process: int, start: int, end: int) -> Span:
    """Return an ownership of the mutex, inside a request of `process`."""
    return Span(f"lock of {process}", "mutex", (), start, end, "ok", (start + end) // 2)


def count(start: int, chunks: int, *, process: int = 9) -> Span:
    """Return a call of ``inspect`` that lasted 5 and saw `chunks` registered."""
    return Span(process, "inspect", (), start, start + 5, "ok", chunks)


FIRST = [
    ok(0, 10, 50),
    mutex(0, 15, 45),
    backend(0, 20, 25, LOW),
    backend(0, 30, 35, HIGH),
]
"""Thread 0 registers chunk 0."""
REFUSED = [
    err(ok(0, 10, 50, 1), LATE.start + OFFSET),
    mutex(0, 15, 45),
    backend(0, 20, 25, LATE, refused=True),
]
"""Thread 0 is refused chunk 1, and gets where the piece starts for the backend (E8)."""
HALF_REFUSED = [
    err(ok(0, 10, 50, 0), HIGH.start + OFFSET),
    mutex(0, 15, 45),
    backend(0, 20, 25, LOW),
    backend(0, 30, 35, HIGH, refused=True),
]
"""Thread 0 is refused the second piece of chunk 0; the first stays registered (E7)."""

LEGAL: dict[str, History] = {
    "nothing": [],
    "one registers, then all is fast": [*FIRST, ok(1, 60, 70), ok(0, 60, 65), count(80, 1)],
    "one waits for the other": [*FIRST, ok(1, 11, 60), mutex(1, 16, 55), count(70, 1)],
    "one sees the bit before the other returns": [*FIRST, ok(1, 37, 42)],
    "a fast request while another chunk is registered": [
        *FIRST,
        ok(1, 60, 90, 2),
        mutex(1, 61, 89),
        backend(1, 65, 85, LAST),
        ok(0, 66, 80),
    ],
    "a request may take the mutex while the chunk is being registered": [
        *FIRST,
        ok(1, 49, 70),
        mutex(1, 51, 60),
    ],
    "a request of no chunk": [Span(0, "register", (1 << 60, 0), 10, 20, "ok", [])],
    "inspect may lag behind a request under way": [*FIRST, count(34, 0), count(40, 1)],
    "inspect may lag while it runs": [*FIRST, count(46, 0), count(60, 1)],
    "refused": [*REFUSED, count(60, 0)],
    "refused, and refused again with the bare start (E8, E10)": [
        *REFUSED,
        err(ok(1, 60, 80, 1), G),
        mutex(1, 65, 75),
    ],
    "refused while another waits": [*REFUSED, err(ok(1, 11, 60, 1), G), mutex(1, 16, 55)],
    "refused at the second piece (E7)": [*HALF_REFUSED, err(ok(1, 60, 80, 0), 0), count(90, 0)],
    "several chunks": [
        ok(0, 10, 90, 1, chunks=2),
        mutex(0, 15, 85),
        backend(0, 20, 30, LATE),
        backend(0, 40, 50, LAST),
        count(95, 2),
    ],
    "refused in the middle, the rest later (E9)": [
        err(ok(0, 10, 90, 0, chunks=3), LATE.start + OFFSET),
        mutex(0, 15, 85),
        backend(0, 20, 30, LOW),
        backend(0, 31, 40, HIGH),
        backend(0, 41, 50, LATE, refused=True),
        ok(1, 95, 99),
        ok(2, 100, 150, 2),
        backend(2, 110, 120, LAST),
        count(200, 2),
    ],
    "a failed chunk and a registered one in one request (E11)": [
        *HALF_REFUSED,
        ok(1, 60, 90, 2),
        backend(1, 70, 80, LAST),
        ok(3, 92, 99, 1),
        backend(3, 93, 94, LATE),
        err(ok(2, 100, 150, 0, chunks=3), 0),
        count(200, 2),
    ],
    "the lowest of two failed chunks (E11)": [
        *HALF_REFUSED,
        err(ok(1, 60, 80, 1), LATE.start + OFFSET),
        backend(1, 65, 75, LATE, refused=True),
        err(ok(2, 100, 150, 0, chunks=2), 0),
    ],
    "an interrupted request, and the chunk once more from its first piece (D4)": [
        interrupted(ok(0, 2, 9)),
        interrupted(backend(0, 3, 4, LOW)),
        interrupted(backend(0, 5, 6, HIGH)),
        *FIRST,
        count(60, 1),
    ],
    "a chunk that fails while the request comes to a higher one": [
        err(ok(0, 10, 90, 0, chunks=2), G),
        *[span._replace(start=span.start + 5, end=span.end + 5) for span in FIRST[1:]],
        err(ok(1, 2, 19, 1), LATE.start + OFFSET),
        backend(1, 5, 15, LATE, refused=True),
    ],
}
"""Histories that break nothing, by what happens in them."""

LAST_TOO = [ok(1, 60, 90, 2), mutex(1, 65, 85), backend(1, 70, 80, LAST)]
"""Thread 1 registers chunk 2 after `FIRST` and `REFUSED`."""

ILLEGAL: list[tuple[str, str, History]] = [
    ("I1", "never registered", [ok(0, 10, 50)]),
    ("I1", "one piece missing", [ok(0, 10, 50), backend(0, 20, 25, LOW)]),
    ("I1", "one chunk missing", [*FIRST, ok(1, 60, 70, 0, chunks=2)]),
    ("I1", "returned too early", [*FIRST, ok(1, 20, 32)]),
    ("I1", "the kernel says no", [*FIRST, ok(1, 60, 70), touch_span(1, 0x5000, 70)]),
    ("I2", "registered twice", [*FIRST, ok(1, 40, 80), backend(1, 60, 70, LOW)]),
    ("I3", "failed, and counted as registered", [*REFUSED, count(60, 1)]),
    ("I4", "a bit was cleared", [*FIRST, count(60, 1), count(70, 0), count(80, 1)]),
    ("I4", "a bit was lost", [*FIRST, *LAST_TOO, count(95, 1)]),
    (
        "I4",
        "the count went down",
        [ok(0, 10, 99), *FIRST[1:], count(45, 1), count(60, 0), count(100, 1)],
    ),
    ("I5", "two at once", [*FIRST, ok(1, 11, 60, 2), backend(1, 24, 28, LAST)]),
    ("I5", "descending", [ok(0, 10, 50), backend(0, 20, 25, HIGH), backend(0, 30, 35, LOW)]),
    ("I6", "no offset in a first failure", [err(ok(0, 10, 50, 1), LATE.start), *REFUSED[1:]]),
    ("I6", "offset in a later failure", [*REFUSED, err(ok(1, 60, 80, 1), G + OFFSET)]),
    ("I6", "clamped in a later failure", [*REFUSED, err(ok(1, 60, 80, 1), LATE.start)]),
    ("I6", "a chunk nobody asked for", [*REFUSED, err(ok(1, 60, 80, 1), 0)]),
    ("I6", "a chunk that has not failed", [*REFUSED, err(ok(1, 60, 80, 1, chunks=2), 2 * G)]),
    ("I6", "failed before it failed", [*REFUSED, err(ok(1, 5, 19, 1), G)]),
    ("I6", "another error", [*REFUSED, err(ok(1, 60, 80, 1), None, error="IndexError")]),
    (
        "I6",
        "not the lowest (E11)",
        [
            *HALF_REFUSED,
            err(ok(1, 60, 80, 1), LATE.start + OFFSET),
            backend(1, 65, 75, LATE, refused=True),
            err(ok(2, 100, 150, 0, chunks=2), G),
        ],
    ),
    (
        "I7",
        "another piece after a failure",
        [
            err(ok(0, 10, 50, 0), OFFSET),
            backend(0, 20, 25, LOW, refused=True),
            err(ok(1, 60, 90, 0), 0),
            backend(1, 70, 80, HIGH),
        ],
    ),
    ("I8", "failed though registered", [*FIRST, err(ok(1, 60, 70, 0), 0)]),
    ("I8", "failed for another's failure", [*REFUSED, err(ok(1, 60, 70, 2), 2 * G)]),
    ("I9", "a piece of another chunk", [*FIRST, ok(1, 60, 90), backend(1, 70, 80, LAST)]),
    (
        "I9",
        "two pieces as one",
        [*FIRST, ok(1, 60, 90), backend(1, 70, 80, MemoryRange(0, G))],
    ),
    ("I9", "outside any request", [*FIRST, backend(0, 60, 70, LAST)]),
    ("I10", "mutex for a registered chunk", [*FIRST, ok(1, 60, 90), mutex(1, 70, 80)]),
    (
        "I10",
        "mutex for several registered chunks",
        [
            *FIRST,
            ok(1, 60, 90, 1, chunks=2),
            backend(1, 65, 70, LATE),
            backend(1, 71, 80, LAST),
            ok(2, 100, 150, 0, chunks=3),
            mutex(2, 110, 120),
        ],
    ),
]
"""Histories that break one rule alone: its number, how, and the history."""


@pytest.mark.parametrize("history", LEGAL.values(), ids=LEGAL)
def test_invariants_allow_legal_history(history: History) -> None:
    """What the rules permit is no violation."""
    assert violations(CASE, history) == []


@pytest.mark.parametrize(
    ("rule", "history"),
    [(rule, history) for rule, _, history in ILLEGAL],
    ids=[f"{rule}: {how}" for rule, how, _ in ILLEGAL],
)
def test_invariant_finds_its_violation_alone(rule: str, history: History) -> None:
    """A history that breaks one rule is reported under that rule's number and no other."""
    assert {found.rule for found in violations(CASE, history)} == {rule}


def test_every_invariant_has_an_illegal_history() -> None:
    """Each of I1 to I10 is checked, and has a history here that breaks it alone."""
    numbers = [f"I{number}" for number in range(1, 11)]

    assert [*INVARIANTS] == numbers
    assert {rule for rule, _, _ in ILLEGAL} == {*numbers}


def test_invariants_find_failed_chunk_called_ok() -> None:
    """Ok for a failed chunk is neither registered (I1) nor permitted (I3)."""
    found = violations(CASE, [*REFUSED, ok(1, 60, 70, 1)])

    assert {violation.rule for violation in found} == {"I1", "I3"}


def test_invariants_find_unshifted_piece() -> None:
    """A piece that lacks the offset is none of the chunk's (I9), which is not registered (I1)."""
    unshifted = backend(0, 20, 25, LAST)._replace(arguments=(LAST.start, LAST.end))
    found = violations(CASE, [ok(0, 10, 50, 2), unshifted])

    assert {violation.rule for violation in found} == {"I1", "I9"}


def test_violation_shows_call_as_made() -> None:
    """A violation names the thread and its call, addresses in hexadecimal."""
    (found,) = violations(CASE, [ok(3, 10, 50, 2)])

    assert found.message == (
        "thread 3: register(0x100000005, 0x1) = Ok, but 0x100000000-0x180000000 was never "
        "registered"
    )


def test_violation_shows_call_that_touched() -> None:
    """An address that cannot be reached is held against the last request before the touch."""
    history = [*FIRST, ok(1, 60, 70), ok(1, 75, 80), touch_span(1, 0x5000, 70)]
    (found,) = violations(CASE, history)

    assert found.message == "thread 1: register(0x5, 0x1) = Ok, but the kernel cannot reach 0x5000"


@pytest.mark.parametrize("history", [history for _, _, history in ILLEGAL])
def test_saved_history_has_same_violations(history: History) -> None:
    """A history that was saved and read back breaks what it broke before."""
    ordered = sorted(history, key=lambda span: span.start)
    again = from_json_lines(to_json_lines(ordered))
    case = RegistrarCase.from_json(CASE.to_json())

    assert violations(case, again) == violations(CASE, ordered)


def apart(one: int, other: int) -> bool:
    """Return whether `one` is before `other`, where nothing orders 60 after anything earlier."""
    return one < other and (one < 60) == (other < 60)


APART = Precedence(apart, apart)


def test_unordered_request_may_take_the_mutex() -> None:
    """I10 speaks of what happened before the request: what is merely earlier it may not see."""
    history = [*FIRST, err(ok(1, 60, 90, 0), 0), mutex(1, 70, 80)]

    assert "I10" not in {found.rule for found in violations(CASE, history, APART)}


def test_unordered_backend_calls_break_exclusion() -> None:
    """I5 asks that one call happens before the other, not that it is earlier."""
    found = violations(CASE, [*FIRST, *LAST_TOO], APART)

    assert [violation.rule for violation in found] == ["I5"]


def test_unordered_registration_is_not_in_time() -> None:
    """I1 asks that the registration happens before the Ok."""
    found = violations(CASE, [*FIRST, ok(1, 60, 70)], APART)

    assert {violation.rule for violation in found} == {"I1"}
