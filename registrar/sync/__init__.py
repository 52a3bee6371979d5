"""The only door to the machine: atomic words, fences, locks, cells and threads.

Code under test takes a `Sync` and asks it for everything threads share.  `native` gives the
genuine articles; a simulated machine gives the same names with other insides, and the code
under test cannot tell.

>>> from registrar.sync import ACQUIRE, RELEASE, native
>>> ready, data = native.word(0), native.cell(None)
>>> data.write("whole")
>>> ready.store(1, RELEASE)
>>> data.read() if ready.load(ACQUIRE) else "not yet"
'whole'

Ordering
========

The orders are those of C11 (ISO/IEC 9899:2011, 7.17.3) and carry its numbers.  A load takes
relaxed, acquire or seq_cst; a store relaxed, release or seq_cst; everything else takes any.
The failure order of a compare-exchange is a load's, and may be stronger than its success
order (as C++17 allows).

Invariants
==========

S1  A word holds an integer in [0, 2**64).  Arguments are taken modulo 2**64, so arithmetic
    wraps as it does in C.
S2  A lock has one owner, and only the owner releases it.
S3  A cell is plain data.  Two unordered accesses, one of them a write, are a data race: the
    real machine lets it pass, a simulated one reports it.

Progress
========

Words and fences are lock-free.  Locks and conditions may block; nothing here is fair.
"""

from registrar.sync.genuine import native
from registrar.sync.protocol import (
    ACQ_REL,
    ACQUIRE,
    RELAXED,
    RELEASE,
    SEQ_CST,
    WORD_BITS,
    AtomicWord,
    Cell,
    Condition,
    Lock,
    MemoryOrder,
    Sync,
    Thread,
)

__all__ = [
    "ACQUIRE",
    "ACQ_REL",
    "RELAXED",
    "RELEASE",
    "SEQ_CST",
    "WORD_BITS",
    "AtomicWord",
    "Cell",
    "Condition",
    "Lock",
    "MemoryOrder",
    "Sync",
    "Thread",
    "native",
]
