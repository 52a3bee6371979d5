"""Genuine lock-free 64-bit words, by the shortest way into the `atomics` package.

`atomics` ends every operation in a C function that takes addresses.  Going through its buffer
objects costs ten times what that function costs, so a `DirectWord` calls the function itself.
Which functions those are is no part of the public API of `atomics`: `new_word` compares each
of them with the public API once, and makes `PublicWord`s where one differs or is gone.

>>> word = new_word(40)
>>> word.fetch_add(2, MemoryOrder.RELAXED), word.load(MemoryOrder.ACQUIRE)
(40, 42)

Ordering
========

Every call hands its order to the C function, which is the compiler's ``__atomic`` built-in
with that order.

Invariants
==========

W1  A result belongs to one call.  A call takes a spare buffer of its own thread and gives it
    back after reading, so neither another thread nor a signal handler or finalizer running in
    the middle of the call can overwrite the result it is about to read.
W2  The `atomics` object that owns the memory lives as long as a thread can reach the word.
W3  An operation counts references of nothing that another thread counts, too: function
    pointers, the address and the buffers are each thread's own (`threading.local`).  Shared
    counters make two threads as slow as one.

Progress
========

Lock-free: `atomics` refuses to make a 64-bit word that is not.
"""

import ctypes
import functools
import threading
import warnings
from typing import Any, Final

import atomics
import cffi

from registrar.sync.protocol import AtomicWord, MemoryOrder

_ffi: Final = cffi.FFI()

_LOAD: Final = "void(*)(const void *, int, void *)"
_STORE: Final = "void(*)(void *, const void *, int)"
_FETCH: Final = "void(*)(void *, const void *, int, void *)"
_COMPARE: Final = "int(*)(void *, void *, const void *, int, int)"


class WrongOrderError(ValueError):
    """An access was given a memory order that C11 does not permit for it."""

    def __init__(self, access: str, order: MemoryOrder) -> None:
        super().__init__(
            f"{access} with order {MemoryOrder(order).name}: C11 gives this no meaning.\n"
            "  A load, or a failed compare-exchange, takes RELAXED, ACQUIRE or SEQ_CST;\n"
            "  a store takes RELAXED, RELEASE or SEQ_CST."
        )


def _success_order(success: MemoryOrder, failure: MemoryOrder) -> MemoryOrder:
    """Return the weakest order no weaker than both: `atomics` wants failure <= success."""
    success, failure = MemoryOrder(success), MemoryOrder(failure)  # C takes any int for an order
    if not failure.orders_loads:
        raise WrongOrderError("a failed compare-exchange", failure)
    if success == MemoryOrder.RELEASE and failure == MemoryOrder.ACQUIRE:
        return MemoryOrder.ACQ_REL
    return max(success, failure)


class _Operations:
    """One thread's own C functions and spare buffers, each of two words (W1, W3)."""

    def __init__(self) -> None:
        """Raise whatever a changed `atomics` makes of it: `_words` reads that as "gone"."""
        from atomics._impl.patomic import Patomic  # noqa: PLC0415  (private: may be gone)

        self._spare: list[Any] = []
        ops = Patomic.ops(8)
        self.c_load = self._pointer(_LOAD, ops.fp_load)
        self.c_store = self._pointer(_STORE, ops.fp_store)
        self.c_exchange = self._pointer(_FETCH, ops.xchg_ops.fp_exchange)
        self.c_add = self._pointer(_FETCH, ops.unsigned_ops.fp_fetch_add)
        self.c_sub = self._pointer(_FETCH, ops.unsigned_ops.fp_fetch_sub)
        self.c_and = self._pointer(_FETCH, ops.binary_ops.fp_fetch_and)
        self.c_or = self._pointer(_FETCH, ops.binary_ops.fp_fetch_or)
        self.c_xor = self._pointer(_FETCH, ops.binary_ops.fp_fetch_xor)
        self.c_strong = self._pointer(_COMPARE, ops.xchg_ops.fp_cmpxchg_strong)
        self.c_weak = self._pointer(_COMPARE, ops.xchg_ops.fp_cmpxchg_weak)

    @staticmethod
    def _pointer(signature: str, function: Any) -> Any:
        return _ffi.cast(signature, ctypes.cast(function, ctypes.c_void_p).value)

    def load(self, at: Any, order: int) -> int:
        """Load the word at `at`."""
        spare = self._spare
        buffer = spare.pop() if spare else _ffi.new("uint64_t[2]")
        self.c_load(at, order, buffer)
        value: int = buffer[0]
        spare.append(buffer)
        return value

    def store(self, at: Any, value: int, order: int) -> None:
        """Store to the word at `at`."""
        spare = self._spare
        buffer = spare.pop() if spare else _ffi.new("uint64_t[2]")
        buffer[0] = value & 0xFFFF_FFFF_FFFF_FFFF
        self.c_store(at, buffer, order)
        spare.append(buffer)

    def fetch(self, function: Any, at: Any, operand: int, order: int) -> int:
        """Apply a read-modify-write `function` to the word at `at`; return the old value."""
        order = MemoryOrder(order)  # C takes any int for an order
        spare = self._spare
        buffer = spare.pop() if spare else _ffi.new("uint64_t[2]")
        buffer[0] = operand & 0xFFFF_FFFF_FFFF_FFFF
        function(at, buffer, order, buffer + 1)
        value: int = buffer[1]
        spare.append(buffer)
        return value

    def compare(  # noqa: PLR0913, PLR0917  (the C function's own parameters)
        self, function: Any, at: Any, expected: int, desired: int, success: int, failure: int
    ) -> tuple[bool, int]:
        """Compare and exchange the word at `at`; return (stored, value found)."""
        spare = self._spare
        buffer = spare.pop() if spare else _ffi.new("uint64_t[2]")
        buffer[0] = expected & 0xFFFF_FFFF_FFFF_FFFF
        buffer[1] = desired & 0xFFFF_FFFF_FFFF_FFFF
        stored = function(at, buffer, buffer + 1, success, failure) != 0
        found: int = buffer[0]
        spare.append(buffer)
        return stored, found


class _Thread(threading.local):
    """What belongs to the calling thread alone, made when it first asks."""

    def __init__(self) -> None:
        self.operations = _Operations()


_thread = _Thread()


class DirectWord(threading.local):
    """An `AtomicWord` that calls the C functions of `atomics` itself.

    ``__init__`` runs once in every thread that touches the word (W3).
    """

    def __init__(self, atom: Any) -> None:
        self._atom = atom  # W2
        self._at = _ffi.cast("void *", atom._address)  # noqa: SLF001  (see `_Operations`)
        self._do = _thread.operations

    def load(self, order: MemoryOrder, /) -> int:
        if order != 2 and order != 0 and order != 5:  # noqa: PLR1714, PLR2004  (nothing shared: W3)
            raise WrongOrderError("load", order)
        return self._do.load(self._at, order)

    def store(self, value: int, order: MemoryOrder, /) -> None:
        if order != 3 and order != 0 and order != 5:  # noqa: PLR1714, PLR2004
            raise WrongOrderError("store", order)
        self._do.store(self._at, value, order)

    def exchange(self, value: int, order: MemoryOrder, /) -> int:
        do = self._do
        return do.fetch(do.c_exchange, self._at, value, order)

    def compare_exchange(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        do, success = self._do, _success_order(success, failure)
        return do.compare(do.c_strong, self._at, expected, desired, success, failure)

    def compare_exchange_weak(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        do, success = self._do, _success_order(success, failure)
        return do.compare(do.c_weak, self._at, expected, desired, success, failure)

    def fetch_add(self, operand: int, order: MemoryOrder, /) -> int:
        do = self._do
        return do.fetch(do.c_add, self._at, operand, order)

    def fetch_sub(self, operand: int, order: MemoryOrder, /) -> int:
        do = self._do
        return do.fetch(do.c_sub, self._at, operand, order)

    def fetch_and(self, operand: int, order: MemoryOrder, /) -> int:
        do = self._do
        return do.fetch(do.c_and, self._at, operand, order)

    def fetch_or(self, operand: int, order: MemoryOrder, /) -> int:
        do = self._do
        return do.fetch(do.c_or, self._at, operand, order)

    def fetch_xor(self, operand: int, order: MemoryOrder, /) -> int:
        do = self._do
        return do.fetch(do.c_xor, self._at, operand, order)


class PublicWord:
    """An `AtomicWord` through the public API of `atomics` alone: slower, and always there."""

    def __init__(self, atom: Any) -> None:
        self._atom = atom

    def load(self, order: MemoryOrder, /) -> int:
        if not MemoryOrder(order).orders_loads:
            raise WrongOrderError("load", order)
        value: int = self._atom.load(atomics.MemoryOrder(order))
        return value

    def store(self, value: int, order: MemoryOrder, /) -> None:
        if not MemoryOrder(order).orders_stores:
            raise WrongOrderError("store", order)
        self._atom.store(value & 0xFFFF_FFFF_FFFF_FFFF, atomics.MemoryOrder(order))

    def exchange(self, value: int, order: MemoryOrder, /) -> int:
        return self._fetch(self._atom.exchange, value, order)

    def compare_exchange(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        return self._compare(self._atom.cmpxchg_strong, expected, desired, success, failure)

    def compare_exchange_weak(
        self, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder, /
    ) -> tuple[bool, int]:
        return self._compare(self._atom.cmpxchg_weak, expected, desired, success, failure)

    def fetch_add(self, operand: int, order: MemoryOrder, /) -> int:
        return self._fetch(self._atom.fetch_add, operand, order)

    def fetch_sub(self, operand: int, order: MemoryOrder, /) -> int:
        return self._fetch(self._atom.fetch_sub, operand, order)

    def fetch_and(self, operand: int, order: MemoryOrder, /) -> int:
        return self._fetch(self._atom.bin_fetch_and, operand, order)

    def fetch_or(self, operand: int, order: MemoryOrder, /) -> int:
        return self._fetch(self._atom.bin_fetch_or, operand, order)

    def fetch_xor(self, operand: int, order: MemoryOrder, /) -> int:
        return self._fetch(self._atom.bin_fetch_xor, operand, order)

    @staticmethod
    def _fetch(operation: Any, operand: int, order: MemoryOrder) -> int:
        old: int = operation(operand & 0xFFFF_FFFF_FFFF_FFFF, atomics.MemoryOrder(order))
        return old

    @staticmethod
    def _compare(
        operation: Any, expected: int, desired: int, success: MemoryOrder, failure: MemoryOrder
    ) -> tuple[bool, int]:
        outcome = operation(
            expected & 0xFFFF_FFFF_FFFF_FFFF,
            desired & 0xFFFF_FFFF_FFFF_FFFF,
            atomics.MemoryOrder(_success_order(success, failure)),
            atomics.MemoryOrder(failure),
        )
        return bool(outcome.success), int(outcome.expected)


def new_word(value: int) -> AtomicWord:
    """Return a genuine word holding `value` modulo 2**64."""
    word: AtomicWord = _words()(atomics.atomic(width=8, atype=atomics.UINT))
    word.store(value, MemoryOrder.RELAXED)
    return word


@functools.cache
def _words() -> type[DirectWord] | type[PublicWord]:
    """Return the fastest kind of word that agrees with the public API, asked once."""
    try:
        atom = atomics.atomic(width=8, atype=atomics.UINT)
        for order in MemoryOrder:
            if _transcript(DirectWord(atom), order) != _transcript(PublicWord(atom), order):
                raise LookupError(f"results differ under {order.name}")  # noqa: TRY301
    except Exception as reason:  # noqa: BLE001  (whatever it is, the slow way still works)
        warnings.warn(
            f"the C functions of atomics cannot be used directly ({reason!r}); "
            f"its public API can, ten times slower",
            RuntimeWarning,
            stacklevel=3,
        )
        return PublicWord
    return DirectWord


def _transcript(word: AtomicWord, order: MemoryOrder) -> list[object]:
    """Return what every operation answers, from one starting value, under `order`."""
    start, other = 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210
    relaxed = MemoryOrder.RELAXED
    failure = order if order.orders_loads else relaxed
    seen: list[object] = []
    for name in ("exchange", "fetch_add", "fetch_sub", "fetch_and", "fetch_or", "fetch_xor"):
        word.store(start, order if order.orders_stores else relaxed)
        seen += [getattr(word, name)(other, order), word.load(failure)]
    for name in ("compare_exchange", "compare_exchange_weak"):
        word.store(start, relaxed)
        seen += [getattr(word, name)(other, 1, order, failure), word.load(failure)]
        while not getattr(word, name)(start, other, order, failure)[0]:
            """A weak compare-exchange may fail for no reason; a strong one does not."""
        seen.append(word.load(failure))
    return seen
