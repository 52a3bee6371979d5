"""A bitmap whose bits any thread reads without a lock and that only ever gains bits.

Bit *i* set means: what was done before ``set(i)`` is done, for whoever sees the bit.

>>> bits = AtomicBitmap(100)
>>> bits.set(70)
>>> bits.get(70), bits.get(6), bits.count()
(True, False, 1)

Ordering
========

``set`` is a release operation and ``get`` an acquire operation on the same word:

    thread A    do the work ──▶ set(i)
                                  ╎ synchronizes with
    thread B                      ╰╌▶ get(i) is True ──▶ rely on the work

Other bits of the word may be set in between.  They are set by read-modify-writes, which extend
A's release sequence instead of breaking it, so B needs no luck to see A's bit in their value.

Invariants
==========

B1  *Monotone* (I4).  A bit once set stays set.
B2  *Conservation.*  Setting a bit changes no other, even when two threads set bits of one word
    at once: one fetch-or is one step.

Progress
========

Wait-free: one atomic operation each, and no loop but ``count``'s over the words.
"""

from typing import Final

from registrar.sync import ACQUIRE, RELEASE, WORD_BITS, AtomicWord, Cell, Sync, native

WORD_SHIFT: Final = WORD_BITS.bit_length() - 1
BIT_MASK: Final = WORD_BITS - 1


class AtomicBitmap:
    """`size` bits, all clear at first, in ``ceil(size / 64)`` atomic words of `sync`.

    Raises ValueError for a negative size and IndexError for a bit outside the bitmap.
    """

    def __init__(self, size: int, *, sync: Sync = native, name: str = "bitmap") -> None:
        if size < 0:
            raise ValueError(f"a bitmap of {size} bits: a size is 0 or more")
        self._size = size
        self._words: list[AtomicWord] = [
            sync.word(0, name=f"{name}[{index}]")
            for index in range((size + BIT_MASK) >> WORD_SHIFT)
        ]

    def __len__(self) -> int:
        return self._size

    def get(self, bit: int) -> bool:
        """Return whether `bit` is set; if so, what preceded its ``set`` is visible here."""
        if not 0 <= bit < self._size:
            raise self._outside(bit)
        word = self._words[bit >> WORD_SHIFT].load(ACQUIRE)  # pairs with [bit]
        return word >> (bit & BIT_MASK) & 1 == 1

    def set(self, bit: int) -> None:
        """Set `bit`, publishing everything this thread did before."""
        if not 0 <= bit < self._size:
            raise self._outside(bit)
        word = self._words[bit >> WORD_SHIFT]
        word.fetch_or(1 << (bit & BIT_MASK), RELEASE)  # pairs with [bit]

    def count(self) -> int:
        """Return how many bits are set: word by word, so not at one instant."""
        return sum(word.load(ACQUIRE).bit_count() for word in self._words)  # pairs with [bit]

    def _outside(self, bit: int) -> IndexError:
        return IndexError(f"bit {bit} of a bitmap of {self._size}: bits are 0 to {self._size - 1}")


class GuardedBitmap:
    """`size` bits, all clear at first, as plain data: callers hold the one lock that guards it."""

    def __init__(self, size: int, *, sync: Sync = native, name: str = "bitmap") -> None:
        self._words: list[Cell[int]] = [
            sync.cell(0, name=f"{name}[{index}]")
            for index in range((size + BIT_MASK) >> WORD_SHIFT)
        ]

    def get(self, bit: int) -> bool:
        """Return whether `bit` is set."""
        return self._words[bit >> WORD_SHIFT].read() >> (bit & BIT_MASK) & 1 == 1

    def set(self, bit: int) -> None:
        """Set `bit`."""
        word = self._words[bit >> WORD_SHIFT]
        word.write(word.read() | 1 << (bit & BIT_MASK))
