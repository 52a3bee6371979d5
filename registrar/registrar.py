"""Registers guest memory with the kernel once, chunk by chunk, when it is first needed.

>>> from registrar import MemoryLayout, MemoryRange
>>> calls = []
>>> layout = MemoryLayout.from_ranges([MemoryRange(0x3000, 0x9000)], [])
>>> registrar = MemoryRegistrar(layout, 1 << 50, calls.append)
>>> registrar.register(0x4000, 1)
>>> calls
[MemoryRange(0x4000000003000, 0x4000000009000)]
>>> registrar.inspect()["chunks_registered"]
1

A virtual-machine monitor has many threads that may hand a guest address to a kernel routine, and
the kernel must know that memory first.  Telling it about a terabyte at start-up takes too long,
so each chunk of 2 GiB is registered by the first thread that needs an address in it.

Ordering
========

    thread A    backend(piece) ──▶ registered.set(chunk)        under the mutex
                                        ╎ synchronizes with
    thread B                            ╰╌▶ registered.get(chunk) ──▶ return, use the memory

The set is a release and the get an acquire (see `bitmap`), so a thread that is told "registered"
without ever taking the mutex still sees the kernel's work.  Under the mutex the second look could
be relaxed: the unlock of whoever set the bit already ordered it.  ``failed`` is plain data, read
and written under the mutex alone.

Invariants
==========

Numbered as in the rules this is written from (see docs/registrar-rules.md):

I1   ``register`` returns: the backend has registered every RAM piece of every chunk asked for.
I2   Each piece goes to the backend at most once (a BaseException in mid-chunk aside: D4).
I3   No chunk is both registered and failed.
I4   Registered and failed bits are never cleared.
I5   Backend calls exclude each other; within a request they ascend.
I6   RegistrationError: the chunk has failed, with the address E8 prescribes.
I7   A failed chunk is never tried again.
I8   One chunk's failure changes no other chunk.
I9   No deadlock, and no loop but those over the chunks and pieces asked for.
I10  A request whose chunks were all registered before it began takes no lock.

Progress
========

Wait-free where every chunk asked for is registered; otherwise blocking, behind one mutex, for as
long as the backend takes.

After ``fork`` the child has a copy: what was registered before stays registered (the fast path
answers as ever), but the mutex may be owned by a thread the child does not have, so a request
that needs it raises RuntimeError.  Make a new registrar in the child.  A registrar cannot be
pickled, copied or sent to another interpreter: all of these would copy the words that make it
one registrar, and raise TypeError.
"""

import logging
import operator
import os
from collections.abc import Callable
from typing import Final, NoReturn, Protocol, SupportsIndex

from registrar.bitmap import AtomicBitmap, GuardedBitmap
from registrar.layout import MemoryLayout
from registrar.ranges import PAGE_SIZE, MemoryRange, overlapping_ranges, u64
from registrar.sync import Sync, native

GRANULARITY: Final = 1 << 31
"""The size of a chunk in bytes: 2 GiB."""

CHUNK_SHIFT: Final = 31

MOST_RAM: Final = 1 << 52
"""Where RAM may end at most, in bytes: two million chunks (D9)."""

_log = logging.getLogger("registrar")
_log.addHandler(logging.NullHandler())  # a library is silent unless asked


class RegistersRanges(Protocol):
    """A backend as an object."""

    def register_range(self, piece: MemoryRange, /) -> None:
        """Register `piece`, or raise an Exception."""


type Backend = Callable[[MemoryRange], None] | RegistersRanges


class RegistrationError(Exception):
    """A chunk could not be registered, now or earlier; it never will be (E10).

    ``address`` is what the original reports (E8), and is one of two things.  For the request that
    met the failure: where the refused piece starts *as the backend saw it*, offset included.  For
    every later request: where the failed chunk starts, *without* the offset.  The backend's own
    exception is the ``__cause__`` of the first kind.
    """

    def __init__(self, address: int) -> None:
        super().__init__(
            f"memory at {address:#x} is not registered with the kernel: its chunk was refused "
            f"and is never tried again"
        )
        self.address = address

    def __reduce__(self) -> tuple[type["RegistrationError"], tuple[int]]:
        return RegistrationError, (self.address,)


class MemoryRegistrar:
    """Registers the chunks of `layout` through `backend`, each once, from any thread.

    `backend` takes each RAM piece of a chunk as a `MemoryRange` shifted up by
    `registration_offset` (bytes, E14), and registers it or raises; it is called under the mutex.
    An Exception means refused, and so does a result other than None (D8); a BaseException that
    is no Exception passes through and leaves the chunk as it was (D4).  A backend that calls
    ``register`` again gets RuntimeError where it would need the mutex it holds (D5).

    Raises ValueError for an offset that is not a multiple of the page size or would push RAM past
    the last address (D3) and for RAM past `MOST_RAM` (D9), TypeError for a backend that cannot be
    called.
    """

    def __init__(
        self,
        layout: MemoryLayout,
        registration_offset: SupportsIndex,
        backend: Backend,
        *,
        sync: Sync = native,
    ) -> None:
        offset = u64(registration_offset, "registration_offset")
        _check_layout(offset, layout.end_of_ram)
        self._ram = layout.ram
        self._offset = offset
        self._register_range = _callable(backend)
        self._chunk_count = -(-layout.end_of_ram // GRANULARITY)
        self._registered = AtomicBitmap(self._chunk_count, sync=sync, name="registered")
        self._failed = GuardedBitmap(self._chunk_count, sync=sync, name="failed")
        self._mutex = sync.lock(name="mutex")
        self._process = os.getpid()

    def register(self, address: SupportsIndex, length: SupportsIndex) -> None:
        """Register every chunk that the pages of `length` bytes at `address` touch (R1 to R4).

        Length 0 touches no chunk at a multiple of the chunk size and one chunk anywhere else
        (E1).  Returns when all are registered, by this call or an earlier one.

        Raises RegistrationError where a chunk is refused now or was before (E7 to E11); TypeError
        and ValueError for what is no integer or negative (D6); OverflowError past 2**64 (D1);
        IndexError past the last chunk, with nothing registered (D2); RuntimeError called from
        the backend (D5) or after fork, where the mutex is needed.
        """
        chunks = self._chunks(address, length)
        for chunk in chunks:
            if not self._registered.get(chunk):
                break
        else:
            return
        self._check_mutex()
        self._register_slowly(chunks)

    def inspect(self) -> dict[str, int]:
        """Return the chunks there are, those registered lately, and the offset in bytes."""
        return {
            "chunk_count": self._chunk_count,
            "chunks_registered": self._registered.count(),
            "registration_offset": self._offset,
        }

    def _chunks(self, address: SupportsIndex, length: SupportsIndex) -> range:
        """Return the chunks a request touches (R1, D1, D2, D6)."""
        if type(address) is not int or address < 0:
            address = _natural(address, "address")
        if type(length) is not int or length < 0:
            length = _natural(length, "length")
        end = address + length + 0xFFF
        if end >> 64:
            raise OverflowError(
                f"register({address:#x}, {length:#x}): the request ends past 2**64, where its "
                f"last page would.\n  Addresses are 64 bits wide; ask for less."
            )
        stop = -(-(end & ~0xFFF) >> CHUNK_SHIFT)
        chunks = range(address >> CHUNK_SHIFT, stop)  # where a chunk starts, a page does
        if stop > self._chunk_count and chunks:
            raise IndexError(
                f"register({address:#x}, {length:#x}): it reaches chunk {chunks.stop - 1}, but RAM "
                f"ends in chunk {self._chunk_count - 1}.\n  Nothing was registered (D2).  Ask for "
                f"addresses inside the layout."
            )
        return chunks

    def _check_mutex(self) -> None:
        """Refuse to wait for a mutex that would never come (D5, fork)."""
        if self._mutex.held_by_me():
            raise RuntimeError(
                "the backend called register() for a chunk that is not registered yet.\n"
                "  It holds the mutex that registering needs, so it would wait for itself (D5).\n"
                "  Let the backend only touch what is registered already."
            )
        if self._process != os.getpid():
            raise RuntimeError(
                "this registrar was made before fork(), in another process.\n"
                "  Its mutex may belong to a thread this process does not have.\n"
                "  Make a new registrar after fork."
            )

    def _register_slowly(self, chunks: range) -> None:
        """Register what is missing, holding the mutex (R3, R4)."""
        with self._mutex:
            for chunk in chunks:
                if not self._registered.get(chunk):  # another thread may have just done it
                    self._register_pieces(chunk)
                    self._registered.set(chunk)

    def _register_pieces(self, chunk: int) -> None:
        """Register every piece of `chunk`, or fail it for good at the first refusal."""
        if self._failed.get(chunk):
            raise RegistrationError(chunk << CHUNK_SHIFT)  # E8: no offset, not clamped
        for piece in self._pieces(chunk):
            try:
                self._register_piece(piece)
            except Exception as refusal:
                self._failed.set(chunk)
                raise RegistrationError(piece.start) from refusal

    def _pieces(self, chunk: int) -> list[MemoryRange]:
        """Return the RAM of `chunk` as the backend knows it, ascending (E6, E14, E15)."""
        start = chunk << CHUNK_SHIFT
        end = min(start + GRANULARITY, MemoryRange.MAX_ADDRESS)
        return [
            MemoryRange(piece.start + self._offset, piece.end + self._offset)
            for piece in overlapping_ranges([MemoryRange(start, end)], self._ram)
        ]

    def _register_piece(self, piece: MemoryRange) -> None:
        _log.info("registering memory %s", piece)
        try:
            result: object = self._register_range(piece)  # D8: should be None
            if result is not None:
                raise TypeError(  # noqa: TRY301  (D8: refused like any other)
                    f"the backend returned {result!r}: it must raise, or return None"
                )
        except Exception as refusal:
            _log.error(
                "failed to register memory %s (offset %#x): %r", piece, self._offset, refusal
            )
            raise

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a MemoryRegistrar cannot be pickled or copied: a copy would not know what the "
            "original registers.\n  Share the one object between threads."
        )


def _callable(backend: Backend) -> Callable[[MemoryRange], None]:
    function = getattr(backend, "register_range", backend)
    if not callable(function):
        raise TypeError(
            f"the backend is {backend!r}: it must be callable with a MemoryRange, or have a "
            f"method register_range that is"
        )
    return function


def _check_layout(offset: int, end_of_ram: int) -> None:
    if end_of_ram > MOST_RAM:
        raise ValueError(
            f"RAM ends at {end_of_ram:#x}, past {MOST_RAM:#x}, the widest physical address any "
            f"processor has.\n  The bitmaps would not fit in memory.  Give a smaller layout (D9)."
        )
    if offset % PAGE_SIZE:
        raise ValueError(
            f"registration_offset {offset:#x} is not a multiple of {PAGE_SIZE:#x}.\n"
            f"  Every piece would start inside a page.  Give the address of a page (D3)."
        )
    if end_of_ram + offset > MemoryRange.MAX_ADDRESS:
        raise ValueError(
            f"registration_offset {offset:#x} pushes the end of RAM, {end_of_ram:#x}, past "
            f"{MemoryRange.MAX_ADDRESS:#x}.\n  Give a smaller offset (D3)."
        )


def _natural(value: SupportsIndex, name: str) -> int:
    """Return `value` as an int of 0 or more (D6), without `u64`'s upper bound, which is D1's."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {value!r}: it counts bytes, so only an integer will do")
    number = operator.index(value)
    if number < 0:
        raise ValueError(f"{name} is {number}: addresses and lengths start at 0")
    return number
