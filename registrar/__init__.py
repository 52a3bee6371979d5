"""A memory registrar for free-threaded Python: lock-free to ask, locked to register.

Guest memory is registered with the kernel lazily, one chunk of `GRANULARITY` bytes at a time,
the first time an address in the chunk might reach a kernel routine.

>>> from registrar import GRANULARITY, MemoryLayout, MemoryRegistrar
>>> registered = []
>>> registrar = MemoryRegistrar(MemoryLayout(3 * GRANULARITY, []), 0, registered.append)
>>> registrar.register(GRANULARITY + 5, 1)
>>> registrar.register(GRANULARITY + 9000, 1)
>>> [str(piece) for piece in registered]
['0x80000000-0x100000000']

Read `bitmap`, then `registrar`; `sync` is the only module that touches the machine.
"""

from registrar.bitmap import AtomicBitmap
from registrar.layout import MemoryLayout
from registrar.ranges import (
    PAGE_SIZE,
    MemoryRange,
    aligned_subranges,
    flatten_ranges,
    merge_adjacent_ranges,
    overlapping_ranges,
    subtract_ranges,
    walk_ranges,
)
from registrar.registrar import GRANULARITY, MemoryRegistrar, RegistrationError

__all__ = [
    "GRANULARITY",
    "PAGE_SIZE",
    "AtomicBitmap",
    "MemoryLayout",
    "MemoryRange",
    "MemoryRegistrar",
    "RegistrationError",
    "aligned_subranges",
    "flatten_ranges",
    "merge_adjacent_ranges",
    "overlapping_ranges",
    "subtract_ranges",
    "walk_ranges",
]
