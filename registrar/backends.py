"""Backends that are the Linux kernel: guest memory as a sparse mapping, registered for real.

Each maps an address window the size of the layout, which costs no memory, and registers a piece
by a system call on ``start - registration_offset``.  Each has an oracle, ``touch``, that asks the
kernel by another system call whether the byte at a guest address is registered, so that
"``register`` returned" can be proved instead of believed.

>>> from registrar import MemoryLayout, MemoryRegistrar
>>> with MprotectBackend(MemoryLayout(1 << 33, []), 0) as kernel:
...     registrar = MemoryRegistrar(MemoryLayout(1 << 33, []), 0, kernel)
...     before = kernel.touch(0x5000)
...     registrar.register(0x5000, 1)
...     before, kernel.touch(0x5000)
(False, True)

===================  ==================================  =====================================
class                registers by                        ``touch`` is
===================  ==================================  =====================================
`MprotectBackend`    mprotect to read and write          a one-byte pwrite *from* the address,
                                                         EFAULT where it is not registered
`NoReplaceBackend`   mmap MAP_FIXED_NOREPLACE into an    the same
                     empty window: EEXIST, from the
                     kernel, for a second registration
`MlockBackend`       mlock2 MLOCK_ONFAULT (privileged)   madvise MADV_COLD, EINVAL only where
                                                         memory is locked
===================  ==================================  =====================================

Invariants
==========

K1  ``touch`` never changes what is registered.
K2  A piece outside the layout is refused with ValueError before the kernel hears of it: the
    addresses around the window belong to the rest of the process.
K3  A refusal of the kernel is an OSError with its errno.  ENOMEM says that the machine ran out
    (mappings, limits), not that the registrar was wrong; EEXIST says registered twice.

Progress
========

Every call is one system call (the window's reservation: a few).  mprotect, mmap and mlock2 of one
process exclude each other inside the kernel; ``touch`` runs beside them.
"""

import ctypes
import errno
import os
import tempfile
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Final, Self

from registrar.layout import MemoryLayout
from registrar.ranges import PAGE_SIZE, MemoryRange

PROT_NONE: Final = 0
PROT_READ_WRITE: Final = 3
MAP_PRIVATE: Final = 0x02
MAP_FIXED: Final = 0x10
MAP_ANONYMOUS: Final = 0x20
MAP_NORESERVE: Final = 0x4000
MAP_FIXED_NOREPLACE: Final = 0x100000
MAP_SPARSE: Final = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
MADV_COLD: Final = 20
MLOCK_ONFAULT: Final = 1
MAP_FAILED: Final = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_address, _size, _int = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_libc.mmap.argtypes = [_address, _size, _int, _int, _int, ctypes.c_long]
_libc.mmap.restype = _address
_libc.munmap.argtypes = [_address, _size]
_libc.mprotect.argtypes = [_address, _size, _int]
_libc.mlock2.argtypes = [_address, _size, _int]
_libc.madvise.argtypes = [_address, _size, _int]
_libc.pwrite.argtypes = [_int, _address, _size, ctypes.c_long]


def _refused(call: str, address: int, length: int) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}({address:#x}, {length:#x}): {os.strerror(number)}")


def _mmap(address: int | None, length: int, protection: int, flags: int) -> int:
    found: int | None = _libc.mmap(address, length, protection, MAP_SPARSE | flags, -1, 0)
    if found is None or found == MAP_FAILED:
        raise _refused("mmap", address or 0, length)
    return found


def _munmap(address: int, length: int) -> None:
    if _libc.munmap(address, length):
        raise _refused("munmap", address, length)


class _TemporaryFile:
    """A regular temporary file, closed without a word when its last user is gone."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0, dir=_in_memory())  # noqa: SIM115
        self.fileno = self._file.fileno

    def __del__(self) -> None:
        self._file.close()


def _in_memory() -> str | None:
    """Return a folder whose files no disk holds up, if there is one (a tmpfs file is regular)."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


class _Probe(threading.local):
    """A regular temporary file of each thread's own: the kernel reads what is written to it.

    (Writing to /dev/null proves nothing, as nobody reads the buffer.)
    """

    def __init__(self) -> None:
        self._file = _TemporaryFile()

    def readable(self, address: int) -> bool:
        """Return whether the kernel can read the byte at `address`, a host address."""
        if _libc.pwrite(self._file.fileno(), address, 1, 0) == 1:
            return True
        if ctypes.get_errno() == errno.EFAULT:
            return False
        raise _refused("pwrite", address, 1)


_probe = _Probe()


class KernelBackend(ABC):
    """A sparse window the size of `layout`, whose pieces the kernel registers.

    A context manager; ``close`` gives the window back.  Raises OSError where the address space
    has no room for it.
    """

    name: ClassVar[str]

    def __init__(self, layout: MemoryLayout, registration_offset: int) -> None:
        self._size = layout.end_of_ram
        self._offset = registration_offset
        try:
            self._base = self._reserve()
        except OSError as error:
            raise OSError(
                error.errno,
                f"no window for a layout that ends at {self._size:#x}: {error.strerror}.\n"
                f"  The address space of this process, or a limit on it, is too small.\n"
                f"  Take a smaller layout, or raise the limit (ulimit -v).",
            ) from error

    def register_range(self, piece: MemoryRange) -> None:
        """Register `piece`, as a registrar hands it over: shifted up by the offset.

        Raises ValueError outside the layout (K2), OSError where the kernel refuses (K3).
        """
        start, end = piece.start - self._offset, piece.end - self._offset
        if start < 0 or end > self._size:
            raise ValueError(
                f"piece {piece} is outside the layout, which ends at {self._size:#x} and is "
                f"registered from {self._offset:#x} on: was it shifted by the offset?"
            )
        self._register(self._base + start, end - start)

    def touch(self, address: int) -> bool:
        """Return whether the byte at `address`, a guest address without offset, is registered.

        Raises ValueError outside the layout and OSError where the oracle itself fails.
        """
        if not 0 <= address < self._size:
            raise ValueError(f"address {address:#x} is outside the layout (0 to {self._size:#x})")
        return self._touch(self._base + address)

    def clear(self) -> None:
        """Forget every registration and free the page tables, for use with a new registrar."""
        _mmap(self._base, self._size, self._protection, MAP_FIXED)

    def close(self) -> None:
        """Give the window back; the backend is of no use afterwards."""
        if self._size:
            _munmap(self._base, self._size)
            self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()

    _protection: ClassVar[int] = PROT_NONE

    def _reserve(self) -> int:
        return _mmap(None, self._size, self._protection, 0)

    @abstractmethod
    def _register(self, start: int, length: int) -> None:
        """Register `length` bytes at the host address `start`."""

    def _touch(self, address: int) -> bool:
        return _probe.readable(address)


class MprotectBackend(KernelBackend):
    """Registers by mprotect; needs no privilege, and the kernel accepts a second time silently."""

    name = "mprotect"

    def _register(self, start: int, length: int) -> None:
        if _libc.mprotect(start, length, PROT_READ_WRITE):
            raise _refused("mprotect", start, length)


class MlockBackend(KernelBackend):
    """Registers by mlock2(MLOCK_ONFAULT), which locks pages once they are touched.

    Needs CAP_IPC_LOCK for more than RLIMIT_MEMLOCK, and cannot tell a second time from a first.
    """

    name = "mlock2"
    _protection = PROT_READ_WRITE

    def _reserve(self) -> int:
        start = super()._reserve()
        if self._touch(start):  # before Linux 5.4 madvise answers EINVAL to MADV_COLD everywhere
            _munmap(start, self._size)
            raise OSError(errno.ENOSYS, "this kernel has no MADV_COLD (Linux 5.4)")
        return start

    def _register(self, start: int, length: int) -> None:
        if _libc.mlock2(start, length, MLOCK_ONFAULT):
            raise _refused("mlock2", start, length)

    def _touch(self, address: int) -> bool:
        page = address & -PAGE_SIZE
        if _libc.madvise(page, PAGE_SIZE, MADV_COLD) == 0:
            return False
        if ctypes.get_errno() == errno.EINVAL:
            return True
        raise _refused("madvise", page, PAGE_SIZE)


class NoReplaceBackend(KernelBackend):
    """Registers by mapping into an empty window: the kernel refuses a second time with EEXIST.

    An empty window is not reserved, so it lies where the kernel puts nothing of its own accord:
    half-way down from the mappings it places (it fills from the top).  Windows of one process
    are kept apart by `_windows`.
    """

    name = "noreplace"
    _windows: ClassVar[dict[int, int]] = {}  # start: end of each window in use
    _windows_lock: ClassVar[threading.Lock] = threading.Lock()

    def clear(self) -> None:
        """Forget every registration: the window is empty again."""
        _munmap(self._base, self._size)

    def close(self) -> None:
        """Give the window back."""
        if self._size:
            super().close()
            with self._windows_lock:
                del self._windows[self._base]

    def _reserve(self) -> int:
        top = _mmap(None, PAGE_SIZE, PROT_NONE, 0)
        _munmap(top, PAGE_SIZE)
        with self._windows_lock:
            start = self._room_above(top // 2 & -PAGE_SIZE)
            while not self._is_empty(start):
                start = self._room_above(start + self._size)
            self._windows[start] = start + self._size
        return start

    def _room_above(self, start: int) -> int:
        """Return the lowest address from `start` on where no window in use is in the way."""
        for other, end in sorted(self._windows.items()):
            if other < start + self._size and start < end:
                start = end
        return start

    def _is_empty(self, start: int) -> bool:
        try:
            self._register(start, self._size)
        except FileExistsError:
            return False
        _munmap(start, self._size)
        return True

    def _register(self, start: int, length: int) -> None:
        found = _mmap(start, length, PROT_READ_WRITE, MAP_FIXED_NOREPLACE)
        if found != start:  # a kernel before 4.17 takes the flag as a hint
            _munmap(found, length)
            raise OSError(errno.ENOSYS, "this kernel has no MAP_FIXED_NOREPLACE (Linux 4.17)")


BACKENDS: Final = {kind.name: kind for kind in (MprotectBackend, NoReplaceBackend, MlockBackend)}
"""Every backend by its name."""
