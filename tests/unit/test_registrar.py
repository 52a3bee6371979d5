"""MemoryRegistrar in one thread: rules R, E and D of registrar-rules.md, each by its number.

Long, because each rule has its test here.  What `fork`, copies, other interpreters and
interrupts do is at the end.
"""

import copy
import logging
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest

from registrar import (
    GRANULARITY,
    PAGE_SIZE,
    MemoryLayout,
    MemoryRange,
    MemoryRegistrar,
    RegistrationError,
)
from registrar.sync.genuine import GenuineLock, NativeSync

G = GRANULARITY
U64_END = 1 << 64

SEED_OFFSET = 1 << 50
SEED_LAYOUT = MemoryLayout(1 << 40, [MemoryRange(0x10000, 0x20000), MemoryRange(1 << 40, 2 << 40)])
SEED_REQUESTS = [
    (0x1000, 0x8000),
    (0x20000, 0x30000),
    (0x100000, 0x200000),
    (1 << 33, (1 << 35) + 1),
]
"""Start and end of each, in bytes."""


class Backend:
    """Notes every piece it is given, and refuses the `refused` ones with an OSError."""

    def __init__(self, *refused: MemoryRange) -> None:
        self.pieces: list[MemoryRange] = []
        self.refused = refused

    def __call__(self, piece: MemoryRange) -> None:
        """Register `piece`."""
        self.pieces.append(piece)
        if piece in self.refused:
            raise OSError(12, "refused")


@dataclass(frozen=True)
class Index:
    """An integer of somebody else's, as numpy has them."""

    value: int

    def __index__(self) -> int:
        return self.value


def layout_of(*ends: tuple[int, int]) -> MemoryLayout:
    """Return a layout whose RAM lies between these addresses."""
    return MemoryLayout.from_ranges([MemoryRange(start, end) for start, end in ends], [])


def registrar_of(chunks: int, *refused: int, offset: int = 0) -> tuple[MemoryRegistrar, Backend]:
    """Return a registrar of whole chunks of RAM, of which the backend refuses some."""
    backend = Backend(*(chunk_range(chunk, offset) for chunk in refused))
    return MemoryRegistrar(layout_of((0, chunks * G)), offset, backend), backend


def chunk_range(chunk: int, offset: int = 0) -> MemoryRange:
    """Return a whole chunk as the backend is told it."""
    return MemoryRange(chunk * G + offset, (chunk + 1) * G + offset)


def registered(registrar: MemoryRegistrar) -> int:
    """Return how many chunks are registered."""
    return registrar.inspect()["chunks_registered"]


@contextmanager
def refuses(address: int) -> Iterator[None]:
    """Expect a RegistrationError with this address."""
    with pytest.raises(RegistrationError) as caught:
        yield
    assert caught.value.address == address


# The seed test, section 3


def test_seed_requests_make_expected_calls() -> None:
    """The seed test's requests make 2, 0, 0, 13 backend calls, for 1, 0, 0, 13 new chunks."""
    backend = Backend()
    registrar = MemoryRegistrar(SEED_LAYOUT, SEED_OFFSET, backend)
    counts = []
    for start, end in SEED_REQUESTS:
        registrar.register(start, end - start)
        counts.append((len(backend.pieces), registered(registrar)))

    assert counts == [(2, 1), (2, 1), (2, 1), (15, 14)]


def test_seed_requests_register_expected_pieces() -> None:
    """The seed test's requests register two pieces of chunk 0, and the whole chunks 4 to 16."""
    backend = Backend()
    registrar = MemoryRegistrar(SEED_LAYOUT, SEED_OFFSET, backend)
    for start, end in SEED_REQUESTS:
        registrar.register(start, end - start)

    assert backend.pieces == [
        MemoryRange(SEED_OFFSET, SEED_OFFSET + 0x10000),
        MemoryRange(SEED_OFFSET + 0x20000, SEED_OFFSET + G),
        *(chunk_range(chunk, SEED_OFFSET) for chunk in range(4, 17)),
    ]


def test_seed_layout_counts_third_range() -> None:
    """The seed layout has 1025 chunks: its last RAM lies above the gap that ends at 2 << 40."""
    registrar = MemoryRegistrar(SEED_LAYOUT, SEED_OFFSET, Backend())

    assert registrar.inspect() == {
        "chunk_count": 1025,
        "chunks_registered": 0,
        "registration_offset": SEED_OFFSET,
    }


def test_seed_layout_registers_third_range() -> None:
    """A byte of the RAM above the gap registers that range alone."""
    backend = Backend()
    MemoryRegistrar(SEED_LAYOUT, SEED_OFFSET, backend).register(2 << 40, 1)

    start = SEED_OFFSET + (2 << 40)
    assert backend.pieces == [MemoryRange(start, start + 0x10000)]


def test_seed_gap_registers_without_calls() -> None:
    """A byte amid the gap is Ok, makes no backend call, and its chunk counts (E5)."""
    backend = Backend()
    registrar = MemoryRegistrar(SEED_LAYOUT, SEED_OFFSET, backend)
    registrar.register((1 << 40) + 5, 1)

    assert (backend.pieces, registered(registrar)) == ([], 1)


@pytest.mark.parametrize("chunk", [1025, 1087, 1088])
def test_seed_layout_rejects_phantom_chunks(chunk: int) -> None:
    """Chunks past 1025 are refused, within the last bitmap word and after it (D2)."""
    registrar = MemoryRegistrar(SEED_LAYOUT, SEED_OFFSET, Backend())

    with pytest.raises(IndexError):
        registrar.register(chunk * G, 1)
    assert registered(registrar) == 0


# Construction and inspection


@pytest.mark.parametrize(
    ("end", "count"), [(PAGE_SIZE, 1), (G, 1), (G + PAGE_SIZE, 2), (64 * G, 64)]
)
def test_chunk_count_reaches_end_of_ram(end: int, count: int) -> None:
    """There are as many chunks as reach from 0 to the end of the last RAM (section 3)."""
    assert MemoryRegistrar(layout_of((0, end)), 0, Backend()).inspect()["chunk_count"] == count


def test_chunk_count_ignores_gaps_above_ram() -> None:
    """A gap above the last RAM adds no chunk (section 3)."""
    layout = MemoryLayout.from_ranges([MemoryRange(0, G)], [MemoryRange(4 * G, 5 * G)])

    assert MemoryRegistrar(layout, 0, Backend()).inspect()["chunk_count"] == 1


def test_inspect_returns_sorted_names() -> None:
    """The names of inspect() are in order, and the offset is an int (D7)."""
    counts = registrar_of(1, offset=G)[0].inspect()

    assert list(counts) == sorted(counts)
    assert counts["registration_offset"] == G


@pytest.mark.parametrize("offset", [1, PAGE_SIZE - 1, G + 8])
def test_constructor_rejects_offset_inside_page(offset: int) -> None:
    """An offset that is not page aligned is a ValueError (D3)."""
    with pytest.raises(ValueError, match="not a multiple"):
        MemoryRegistrar(layout_of((0, G)), offset, Backend())


def test_constructor_rejects_offset_past_last_address() -> None:
    """An offset may push the end of RAM to MAX_ADDRESS, and not a page further (D3)."""
    largest = MemoryRange.MAX_ADDRESS - G
    registrar_of(1, offset=largest)

    with pytest.raises(ValueError, match="past"):
        registrar_of(1, offset=largest + PAGE_SIZE)


@pytest.mark.parametrize(
    ("offset", "error"), [(-PAGE_SIZE, ValueError), (0.0, TypeError), ("0", TypeError)]
)
def test_constructor_rejects_offset_that_counts_no_bytes(
    offset: Any, error: type[Exception]
) -> None:
    """A negative offset is a ValueError, one that is no integer a TypeError (D3, D6)."""
    with pytest.raises(error):
        MemoryRegistrar(layout_of((0, G)), offset, Backend())


def test_constructor_rejects_backend_that_cannot_be_called() -> None:
    """A backend that is neither callable nor has register_range is a TypeError at once."""
    with pytest.raises(TypeError, match="callable"):
        MemoryRegistrar(layout_of((0, G)), 0, None)  # type: ignore[arg-type]


def test_constructor_accepts_object_with_register_range() -> None:
    """A backend may be an object: its register_range is called with each piece."""

    class Kernel:
        def __init__(self) -> None:
            self.register_range = Backend()

    kernel = Kernel()
    MemoryRegistrar(layout_of((0, G)), 0, kernel).register(0, 1)

    assert kernel.register_range.pieces == [chunk_range(0)]


# R1: which chunks


@pytest.mark.parametrize(
    ("address", "length", "chunks"),
    [
        pytest.param(0, 1, [0], id="first byte"),
        pytest.param(G - 1, 1, [0], id="last byte"),
        pytest.param(G, 1, [1], id="first byte of the next"),
        pytest.param(G - 1, 2, [0, 1], id="across an edge"),
        pytest.param(0, G, [0], id="exactly one"),
        pytest.param(0, G + 1, [0, 1], id="one byte more (E2)"),
        pytest.param(1, G, [0, 1], id="unaligned start (E2)"),
        pytest.param(G - 1, 1 + G, [0, 1], id="unaligned start, aligned end"),
        pytest.param(G - PAGE_SIZE, PAGE_SIZE + 1, [0, 1], id="a page and a byte"),
        pytest.param(G, 2 * G, [1, 2], id="two"),
        pytest.param(0, 4 * G, [0, 1, 2, 3], id="all"),
    ],
)
def test_register_touches_chunks_of_pages(address: int, length: int, chunks: list[int]) -> None:
    """A request registers the chunks of its pages, rounded outwards, ascending (R1, E2)."""
    registrar, backend = registrar_of(4)
    registrar.register(address, length)

    assert backend.pieces == [chunk_range(chunk) for chunk in chunks]


@pytest.mark.parametrize("address", [0, G, 4 * G, 5 * G, 1 << 40, U64_END - 2 * G])
def test_register_touches_nothing_for_no_bytes_at_chunk_start(address: int) -> None:
    """Length 0 at a multiple of the chunk size is Ok anywhere and does nothing (E1)."""
    registrar, backend = registrar_of(4)
    registrar.register(address, 0)

    assert (backend.pieces, registered(registrar)) == ([], 0)


@pytest.mark.parametrize(
    ("address", "chunk"),
    [(1, 0), (PAGE_SIZE, 0), (G - 1, 0), (G - PAGE_SIZE, 0), (G + 1, 1), (4 * G - 1, 3)],
)
def test_register_touches_one_chunk_for_no_bytes_elsewhere(address: int, chunk: int) -> None:
    """Length 0 inside a chunk registers that chunk (E1)."""
    registrar, backend = registrar_of(4)
    registrar.register(address, 0)

    assert backend.pieces == [chunk_range(chunk)]


def test_register_rejects_no_bytes_inside_chunk_past_end() -> None:
    """Length 0 inside a chunk past the last is an IndexError (D2, E1)."""
    with pytest.raises(IndexError):
        registrar_of(4)[0].register(4 * G + 1, 0)


def test_register_accepts_integers_of_others() -> None:
    """Whatever has __index__ is an integer (D6)."""
    registrar, backend = registrar_of(2)
    registrar.register(Index(G), Index(1))

    assert backend.pieces == [chunk_range(1)]


# D1, D2, D6: requests that are refused, and change nothing


@pytest.mark.parametrize(
    ("address", "length"),
    [
        (U64_END - 0xFFF, 0),
        (U64_END - PAGE_SIZE, 1),
        (0x1800, U64_END - 0x800),
        (0x1800, U64_END - 1),
        (0, U64_END - 0xFFF),
        (U64_END, 0),
    ],
)
def test_register_rejects_end_past_64_bits(address: int, length: int) -> None:
    """An end that rounds to 2**64 or more is an OverflowError, and changes nothing (D1)."""
    registrar, backend = registrar_of(1)

    with pytest.raises(OverflowError):
        registrar.register(address, length)
    assert (backend.pieces, registered(registrar)) == ([], 0)


def test_register_judges_last_address_without_overflow() -> None:
    """A request that ends one byte earlier is only past the last chunk (D1, D2)."""
    with pytest.raises(IndexError):
        registrar_of(1)[0].register(0x1000, U64_END - 0x2000)


@pytest.mark.parametrize(
    ("address", "length"),
    [(4 * G, 1), (3 * G, G + 1), (0, 5 * G), (3 * G, 100 * G), (63 * G, 1)],
)
def test_register_rejects_chunk_past_last(address: int, length: int) -> None:
    """A request that reaches past the last chunk registers none of its chunks (D2)."""
    registrar, backend = registrar_of(4)

    with pytest.raises(IndexError):
        registrar.register(address, length)
    assert (backend.pieces, registered(registrar)) == ([], 0)


def test_register_rejects_chunk_past_last_when_rest_is_registered() -> None:
    """That all other chunks are registered does not make a chunk past the last Ok (D2)."""
    registrar, _ = registrar_of(2)
    registrar.register(0, 2 * G)

    with pytest.raises(IndexError):
        registrar.register(0, 2 * G + 1)


@pytest.mark.parametrize(
    ("address", "length", "error"),
    [
        (-1, 1, ValueError),
        (0, -1, ValueError),
        (-1, -1, ValueError),
        (0.0, 1, TypeError),
        (0, 1.0, TypeError),
        ("0", 1, TypeError),
        (0, None, TypeError),
        (True, 1, TypeError),
    ],
)
def test_register_rejects_what_counts_no_bytes(
    address: Any, length: Any, error: type[Exception]
) -> None:
    """A negative number is a ValueError, what is no integer a TypeError (D6)."""
    registrar, backend = registrar_of(1)

    with pytest.raises(error):
        registrar.register(address, length)
    assert (backend.pieces, registered(registrar)) == ([], 0)


@pytest.mark.parametrize(
    ("address", "length", "error"),
    [
        pytest.param(-1, U64_END + 1, ValueError, id="D6 before D1"),
        pytest.param(U64_END, -1, ValueError, id="D6 before D1, length"),
        pytest.param(9 * G, -1, ValueError, id="D6 before D2"),
        pytest.param(U64_END, 1, OverflowError, id="D1 before D2"),
        pytest.param(U64_END, 0, OverflowError, id="D1 before E1"),
    ],
)
def test_register_checks_in_order(address: int, length: int, error: type[Exception]) -> None:
    """Requests are checked for D6, then D1, then D2."""
    with pytest.raises(error):
        registrar_of(1)[0].register(address, length)


# R2, R3, R4, E5, E6, E14: what is called


def test_register_repeats_no_call() -> None:
    """A chunk that is registered is not registered again (R2, R3a, I2)."""
    registrar, backend = registrar_of(3)
    registrar.register(G, 1)
    registrar.register(0, 3 * G)
    registrar.register(0, 3 * G)

    assert backend.pieces == [chunk_range(1), chunk_range(0), chunk_range(2)]


class CountedLock(GenuineLock):
    """Counts how often it is acquired."""

    acquisitions = 0

    def acquire(self) -> None:
        """Count, too."""
        super().acquire()
        self.acquisitions += 1


class CountingSync(NativeSync):
    """The genuine `Sync`, whose only lock counts."""

    def __init__(self) -> None:
        super().__init__()
        self.mutex = CountedLock()

    def lock(self, *, name: str = "") -> GenuineLock:  # noqa: ARG002
        """Return the one lock."""
        return self.mutex


def test_register_takes_no_lock_when_registered() -> None:
    """A request whose chunks, if any, are all registered takes no lock (R2, I10)."""
    sync = CountingSync()
    registrar = MemoryRegistrar(layout_of((0, 4 * G)), 0, Backend(), sync=sync)
    registrar.register(0, 4 * G)
    registrar.register(0, 4 * G)
    registrar.register(G + 1, 2 * G)
    registrar.register(9 * G, 0)

    assert sync.mutex.acquisitions == 1


def test_register_takes_lock_for_failed_chunk_every_time() -> None:
    """Every request that touches a failed chunk takes the mutex once (E10)."""
    sync = CountingSync()
    backend = Backend(chunk_range(0))
    registrar = MemoryRegistrar(layout_of((0, G)), 0, backend, sync=sync)
    for _ in range(3):
        with suppress(RegistrationError):
            registrar.register(0, 1)

    assert (sync.mutex.acquisitions, len(backend.pieces)) == (3, 1)


def test_register_holds_mutex_across_calls() -> None:
    """The mutex is held during every backend call, and free after the request (R4, I5)."""
    sync = CountingSync()
    held: list[bool] = []
    backend: Callable[[MemoryRange], None] = lambda _: held.append(sync.mutex.held_by_me())  # noqa: E731
    MemoryRegistrar(layout_of((0, G), (G, 2 * G)), 0, backend, sync=sync).register(0, 2 * G)

    assert (held, sync.mutex.held_by_me()) == ([True, True], False)


def test_register_returns_during_call_for_another_chunk() -> None:
    """A request for registered chunks returns while the backend works on another (I10)."""
    returned: list[bool] = []

    def backend(piece: MemoryRange) -> None:
        if piece == chunk_range(1):
            other = threading.Thread(target=registrar.register, args=(0, 1), daemon=True)
            other.start()
            other.join(20)  # for ever, if it waited for the mutex that this thread holds
            returned.append(not other.is_alive())

    registrar = MemoryRegistrar(layout_of((0, 2 * G)), 0, backend)
    registrar.register(0, 1)
    registrar.register(G, 1)

    assert returned == [True]


def test_register_never_clips_piece_to_request() -> None:
    """The backend gets whole chunks of RAM, however little of them is asked for (E6)."""
    registrar, backend = registrar_of(2)
    registrar.register(G + 0x5000, 1)

    assert backend.pieces == [chunk_range(1)]


def test_register_clips_piece_to_ram() -> None:
    """A piece is the RAM of the chunk and no more (R3c)."""
    backend = Backend()
    layout = layout_of((0x3000, 0x9000), (G - 0x1000, G + 0x2000), (2 * G - 0x1000, 2 * G))
    MemoryRegistrar(layout, 0, backend).register(0, 2 * G)

    assert backend.pieces == [
        MemoryRange(0x3000, 0x9000),
        MemoryRange(G - 0x1000, G),
        MemoryRange(G, G + 0x2000),
        MemoryRange(2 * G - 0x1000, 2 * G),
    ]


def test_register_keeps_touching_ranges_apart() -> None:
    """RAM ranges that touch within a chunk, as NUMA nodes do, are two backend calls (E6)."""
    backend = Backend()
    MemoryRegistrar(layout_of((0, G // 2), (G // 2, G)), 0, backend).register(0, 1)

    assert backend.pieces == [MemoryRange(0, G // 2), MemoryRange(G // 2, G)]


def test_register_in_gap_registers_ram_of_chunk() -> None:
    """A request in a gap registers the RAM elsewhere in its chunk (E5)."""
    backend = Backend()
    layout = layout_of((0, 0x1000), (0x9000, G))
    MemoryRegistrar(layout, 0, backend).register(0x5000, 1)

    assert backend.pieces == [MemoryRange(0, 0x1000), MemoryRange(0x9000, G)]


def test_register_adds_offset() -> None:
    """The offset is added, not or-ed: chunk 1 at an offset of one chunk is chunk 2 (E14)."""
    registrar, backend = registrar_of(2, offset=G)
    registrar.register(G, 1)

    assert backend.pieces == [chunk_range(2)]


def test_register_takes_offset_that_is_not_chunk_aligned() -> None:
    """Chunks are of guest addresses: an offset of a page moves the pieces, not their edges."""
    registrar, backend = registrar_of(2, offset=PAGE_SIZE)
    registrar.register(G - 1, 1)

    assert backend.pieces == [chunk_range(0, PAGE_SIZE)]


def test_pieces_end_at_last_address() -> None:
    """The last chunk of all ends at MAX_ADDRESS instead of overflowing (E15)."""
    start = (1 << 64) - G
    registrar = MemoryRegistrar.__new__(MemoryRegistrar)  # 2**33 chunks would fill the memory
    registrar._ram = (MemoryRange(start, MemoryRange.MAX_ADDRESS),)
    registrar._offset = 0

    assert registrar._pieces(start // G) == [MemoryRange(start, MemoryRange.MAX_ADDRESS)]


# E7 to E11, D4, D8: failures


def test_first_failure_has_shifted_start_of_piece() -> None:
    """The request that meets a refusal gets the piece's start, clamped and shifted (E8)."""
    layout = layout_of((0x30000, 2 * G))
    piece = MemoryRange(SEED_OFFSET + 0x30000, SEED_OFFSET + G)
    registrar = MemoryRegistrar(layout, SEED_OFFSET, Backend(piece))

    with refuses(SEED_OFFSET + 0x30000):
        registrar.register(0x31000, 1)


def test_later_failure_has_bare_start_of_chunk() -> None:
    """Every later request gets the start of the chunk, without offset and not clamped (E8)."""
    layout = layout_of((0x30000, G), (G + 0x5000, 2 * G))
    pieces = (MemoryRange(G + 0x30000, 2 * G), MemoryRange(2 * G + 0x5000, 3 * G))
    registrar = MemoryRegistrar(layout, G, Backend(*pieces))
    for chunk, piece in enumerate(pieces):
        with refuses(piece.start):
            registrar.register(chunk * G, 1)

    for chunk in (0, 1, 1, 0):
        with refuses(chunk * G):
            registrar.register(chunk * G + 0x6000, 1)


def test_first_failure_is_chained_from_exception_of_backend() -> None:
    """The first failure is raised from the backend's exception; later ones have none (D4)."""
    registrar, _ = registrar_of(1, 0)
    causes = []
    for _ in range(2):
        with pytest.raises(RegistrationError) as caught:
            registrar.register(0, 1)
        causes.append(type(caught.value.__cause__))

    assert causes == [OSError, type(None)]


def test_failed_piece_leaves_earlier_piece_alone() -> None:
    """After a second piece fails, the first is neither undone nor repeated (E7)."""
    layout = layout_of((0, 0x1000), (0x2000, 0x3000), (0x4000, 0x5000))
    backend = Backend(MemoryRange(0x2000, 0x3000))
    registrar = MemoryRegistrar(layout, 0, backend)
    with refuses(0x2000):
        registrar.register(0, 1)
    with refuses(0):
        registrar.register(0, 1)

    assert backend.pieces == [MemoryRange(0, 0x1000), MemoryRange(0x2000, 0x3000)]
    assert registered(registrar) == 0


def test_failed_chunk_keeps_earlier_chunks() -> None:
    """Chunks before the failing one stay registered, chunks after it are not tried (E9)."""
    registrar, backend = registrar_of(4, 2)
    with refuses(2 * G):
        registrar.register(0, 4 * G)

    assert backend.pieces == [chunk_range(0), chunk_range(1), chunk_range(2)]
    assert registered(registrar) == 2


def test_failed_chunk_bars_later_chunks_of_spanning_requests() -> None:
    """A request spanning a failed chunk tries none after it; one avoiding it works (E9, I8)."""
    registrar, backend = registrar_of(4, 2)
    for _ in range(2):
        with refuses(2 * G):
            registrar.register(0, 4 * G)
    registrar.register(3 * G, 1)

    assert backend.pieces == [chunk_range(chunk) for chunk in range(4)]
    assert registered(registrar) == 3


def test_failed_chunk_is_never_tried_again() -> None:
    """A failed chunk is not tried again even if the backend would accept it now (E10, I7)."""
    registrar, backend = registrar_of(1, 0)
    with suppress(RegistrationError):
        registrar.register(0, 1)
    backend.refused = ()
    for _ in range(3):
        with refuses(0):
            registrar.register(0, 1)

    assert len(backend.pieces) == 1


def test_failed_chunk_is_never_registered() -> None:
    """A failed chunk does not count as registered (I3)."""
    registrar, _ = registrar_of(1, 0)
    with suppress(RegistrationError):
        registrar.register(0, 1)

    assert registered(registrar) == 0


def test_failed_chunk_spares_its_neighbours_in_other_words() -> None:
    """A failure in one bitmap word marks the same bit of no other word (I8)."""
    registrar, _ = registrar_of(130, 64)
    with suppress(RegistrationError):
        registrar.register(64 * G, 1)
    registrar.register(0, 64 * G)
    registrar.register(65 * G, 65 * G)

    assert registered(registrar) == 129


def test_mixed_request_fails_at_lowest_failed_chunk() -> None:
    """A request over registered and failed chunks has the start of the lowest failed (E11)."""
    registrar, backend = registrar_of(4, 1, 3)
    registrar.register(0, 1)
    for chunk in (3, 1):
        with suppress(RegistrationError):
            registrar.register(chunk * G, 1)
    calls = len(backend.pieces)
    with refuses(G):
        registrar.register(0, 4 * G)

    assert len(backend.pieces) == calls


@pytest.mark.parametrize("answer", [0, False, "refused", ()])
def test_register_fails_for_backend_that_returns_something(answer: object) -> None:
    """A backend that returns other than None has failed, chained from TypeError (D8)."""
    calls: list[MemoryRange] = []

    def backend(piece: MemoryRange) -> Any:
        calls.append(piece)
        return answer

    registrar = MemoryRegistrar(layout_of((0, G)), G, backend)
    with pytest.raises(RegistrationError) as caught:
        registrar.register(0, 1)
    with refuses(0):
        registrar.register(0, 1)

    assert caught.value.address == G
    assert isinstance(caught.value.__cause__, TypeError)
    assert len(calls) == 1


def test_registration_error_survives_pickling() -> None:
    """A RegistrationError may cross process borders with its address and message."""
    error = RegistrationError(0x5000)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (again.address, str(again)) == (error.address, str(error))
    assert "0x5000" in str(error)


# E12, E13, D4, D5: backends that interrupt, or call back


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_interrupted_chunk_is_tried_again_from_its_first_piece(
    interrupt: type[BaseException],
) -> None:
    """What is no Exception passes through; the next request repeats all pieces (D4, E12)."""
    pieces: list[MemoryRange] = []

    def backend(piece: MemoryRange) -> None:
        pieces.append(piece)
        if len(pieces) == 2:
            raise interrupt

    first, second = MemoryRange(0, 0x1000), MemoryRange(0x2000, 0x3000)
    registrar = MemoryRegistrar(layout_of((0, 0x1000), (0x2000, 0x3000)), 0, backend)
    with pytest.raises(interrupt):
        registrar.register(0, 1)
    assert registered(registrar) == 0
    registrar.register(0, 1)

    assert pieces == [first, second, first, second]
    assert registered(registrar) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_mutex_is_free_after_backend_raises(error: type[BaseException]) -> None:
    """Whatever the backend raises, another thread can register afterwards (R4, D4)."""
    errors: list[BaseException] = [error()]

    def backend(_: MemoryRange) -> None:
        if errors:
            raise errors.pop()

    registrar = MemoryRegistrar(layout_of((0, 2 * G)), 0, backend)
    with pytest.raises((error, RegistrationError)):
        registrar.register(0, 1)
    other = threading.Thread(target=registrar.register, args=(G, 1))
    other.start()
    other.join(20)

    assert registered(registrar) == 1


def test_backend_may_register_what_is_registered() -> None:
    """A backend that calls register() for registered chunks alone gets Ok (D5, E13)."""

    def backend(piece: MemoryRange) -> None:
        if piece != chunk_range(0):
            registrar.register(0, G)

    registrar = MemoryRegistrar(layout_of((0, 2 * G)), 0, backend)
    registrar.register(0, 2 * G)

    assert registered(registrar) == 2


def test_backend_that_needs_mutex_gets_runtime_error() -> None:
    """A backend that calls register() for a missing chunk gets a RuntimeError (D5, E13)."""
    messages: list[str] = []

    def backend(_: MemoryRange) -> None:
        with pytest.raises(RuntimeError, match="D5") as caught:
            registrar.register(G, 1)
        messages.append(str(caught.value))

    registrar = MemoryRegistrar(layout_of((0, 2 * G)), 0, backend)
    registrar.register(0, 1)

    assert len(messages) == 1
    assert registered(registrar) == 1


def test_backend_that_lets_runtime_error_pass_fails_chunk() -> None:
    """The RuntimeError of D5, caught by nobody, fails the outer chunk (D8)."""

    def backend(_: MemoryRange) -> None:
        registrar.register(0, 1)

    registrar = MemoryRegistrar(layout_of((0, G)), 0, backend)
    with pytest.raises(RegistrationError) as caught:
        registrar.register(0, 1)

    assert isinstance(caught.value.__cause__, RuntimeError)
    with refuses(0):
        registrar.register(0, 1)


# Log


def test_log_precedes_call(caplog: pytest.LogCaptureFixture) -> None:
    """Each backend call is logged before it is made (section 3)."""
    lines: list[int] = []
    registrar = MemoryRegistrar(layout_of((0, G)), G, lambda _: lines.append(len(caplog.records)))
    with caplog.at_level(logging.INFO, "registrar"):
        registrar.register(0, 1)

    assert lines == [1]
    assert caplog.messages == [f"registering memory {chunk_range(1)}"]


def test_log_names_range_offset_and_error(caplog: pytest.LogCaptureFixture) -> None:
    """A refusal is logged as an error with the range, the offset and the reason (section 3)."""
    registrar, _ = registrar_of(1, 0, offset=G)
    with suppress(RegistrationError):
        registrar.register(0, 1)

    (message,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
    for part in (str(chunk_range(1)), hex(G), "refused"):
        assert part in message


# Copies, fork, interpreters, interrupts


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_registrar_rejects_duplication(duplicate: Callable[[object], object]) -> None:
    """A registrar cannot be copied or pickled: TypeError."""
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        duplicate(registrar_of(1)[0])


FORK = """
import os
from registrar import GRANULARITY, MemoryLayout, MemoryRegistrar

registrar = MemoryRegistrar(MemoryLayout(2 * GRANULARITY, []), 0, lambda piece: None)
registrar.register(0, 1)
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
registrar.register(0, GRANULARITY)
assert registrar.inspect()["chunks_registered"] == 1
try:
    registrar.register(GRANULARITY, 1)
except RuntimeError as refusal:
    os._exit(0 if "fork" in str(refusal) else 2)
os._exit(1)
"""


@pytest.mark.slow
def test_registrar_keeps_what_is_registered_after_fork() -> None:
    """In a forked child, registered chunks are Ok and any other request is a RuntimeError."""
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)  # noqa: S603


@pytest.mark.slow
def test_registrar_rejects_other_interpreters() -> None:
    """A registrar cannot be handed to another interpreter of the process."""
    interpreters = pytest.importorskip("concurrent.interpreters", reason="needs CPython 3.14")
    interpreter = interpreters.create()
    try:
        with pytest.raises(interpreters.NotShareableError):
            interpreter.prepare_main(registrar=registrar_of(1)[0])
        with pytest.raises(interpreters.NotShareableError):
            interpreter.call(print, registrar_of(1)[0])
    finally:
        interpreter.close()


class Stop(BaseException):
    """Raised by a signal, wherever the program is."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop


@pytest.mark.slow
def test_mutex_is_free_after_interrupt_anywhere() -> None:
    """A signal that raises at any point of the slow path leaves the mutex free (R4)."""
    registrar, _ = registrar_of(1, 0)  # a failed chunk takes the slow path for ever
    handler = signal.signal(signal.SIGVTALRM, _stop)
    left_held = 0
    try:
        for _ in range(100):
            with suppress(Stop):
                signal.setitimer(signal.ITIMER_VIRTUAL, 0.001)
                while True:
                    with suppress(RegistrationError):
                        registrar.register(0, 1)
            left_held += registrar._mutex.held_by_me()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)

    assert left_held == 0
