"""Registrars that differ from the original and are right all the same.

A check that accuses one of them reads the code, not the executions.  Each class is the registrar
but for what its docstring says.
"""

from typing import Final

from models.registrar_faults import OtherBitmap, relaxed_get
from registrar import MemoryRegistrar
from registrar.bitmap import BIT_MASK, WORD_SHIFT, AtomicBitmap
from registrar.sync import RELAXED, RELEASE


class _StoringBitmap(AtomicBitmap):
    """Sets a bit by a load and a store: right only where callers exclude each other."""

    def set(self, bit: int) -> None:
        word = self._words[bit >> WORD_SHIFT]
        word.store(word.load(RELAXED) | 1 << (bit & BIT_MASK), RELEASE)


class StoreUnderMutex(OtherBitmap):
    """The bit is set by a load and a release store instead of a fetch-or, under the mutex.

    No update is lost, as all are made under the mutex.  The store ends the release sequence of
    the bits that were there, but whoever set those released the mutex before it was stored.
    """

    bitmap = _StoringBitmap


class RelaxedRecheck(MemoryRegistrar):
    """The second look at the bit, under the mutex, is relaxed.

    Whoever set the bit released the mutex before this thread acquired it: that orders all.
    """

    def _register_slowly(self, chunks: range) -> None:
        with self._mutex:
            for chunk in chunks:
                if not relaxed_get(self._registered, chunk):
                    self._register_pieces(chunk)
                    self._registered.set(chunk)


EQUIVALENTS: Final[dict[str, type[MemoryRegistrar]]] = {
    "store-under-mutex": StoreUnderMutex,
    "relaxed-recheck": RelaxedRecheck,
}
"""The equivalents of this module by name."""
