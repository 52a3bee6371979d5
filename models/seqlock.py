"""A few words that are read without a lock, and never half of what was written.

>>> from registrar.sync import native
>>> point = Seqlock(native, width=2)
>>> point.write((3, 4))
>>> point.read()
(3, 4)

A writer makes the sequence odd, writes the words, and makes it even again.  A reader that finds the
same even number before and after has read what one writer wrote; otherwise it tries again.  Readers
write nothing, so any number of them get in nobody's way.

The words are atomic and relaxed, not plain: a reader does read them while they are written, and
finds out afterwards.  With plain data that would be a data race, for all the reader throws away.

Ordering
========

The reader is that of Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?" (MSPC
2012; HP Laboratories, HPL-2012-68), figure 6.  Its writer stores seq_cst; ours stores relaxed,
behind a fence that mirrors the reader's.  Who sees the end of a write sees all of it:

    writer    words ← new ──▶ sequence ← even
                                 ╎ synchronizes with
    reader                       ╰╌▶ sequence is even ──▶ read words

and who sees any part of a write sees afterwards that it had begun:

    writer    sequence ← odd ──▶ fence ──▶ a word ← new
                                    ╎          ╎ is read
    reader                          ╎          ╰╌▶ a word ──▶ fence ──▶ sequence is odd, or later
                                    ╰╌╌╌╌╌╌╌ synchronizes with ╌╌╌▶╯

Neither could be had from the sequence alone: a release store keeps what is before it, and an
acquire load what is after it, and here the store comes first and the load last.

Invariants
==========

Q1  *Whole.*  ``read`` returns what one ``write`` wrote, or what was there at first.
Q2  *Current.*  What it returns had not been replaced by a write that happened before the call.
Q3  The sequence never goes back; it is odd only while a writer holds the mutex.

Progress
========

Writers block each other, and wait for no reader.  A reader waits while somebody writes, and starves
if somebody always does; ``try_read`` never waits.  The sequence comes round after 2**63 writes: a
reader that sleeps through exactly so many would be deceived.
"""

from collections.abc import Sequence
from typing import ClassVar

from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, AtomicWord, MemoryOrder, Sync, native
from stress.model import Model, operation


class Seqlock:
    """`width` unsigned 64-bit words, all 0 at first, that are read and written as one."""

    def __init__(self, sync: Sync = native, width: int = 2) -> None:
        self._sync = sync
        self._writers = sync.lock(name="writers")
        self._sequence = sync.word(0, name="sequence")
        self._words: list[AtomicWord] = [
            sync.word(0, name=f"word[{index}]") for index in range(width)
        ]

    def write(self, values: Sequence[int]) -> None:
        """Replace all words; ValueError for more or fewer than there are."""
        if len(values) != len(self._words):
            raise ValueError(
                f"{len(values)} values for {len(self._words)} words: they are written as one.\n"
                f"  Give a value for each."
            )
        with self._writers:
            sequence = self._sequence.load(RELAXED)
            self._sequence.store(sequence + 1, RELAXED)
            self._sync.fence(RELEASE)  # pairs with [begun]
            for word, value in zip(self._words, values, strict=True):
                word.store(value, RELAXED)
            self._sequence.store(sequence + 2, RELEASE)  # pairs with [whole]

    def read(self) -> tuple[int, ...]:
        """Return all words as one writer left them, waiting for one that is at it."""
        while (values := self.try_read()) is None:
            self._sync.pause()
        return values

    def try_read(self) -> tuple[int, ...] | None:
        """Return all words as one writer left them; None if one was at it meanwhile."""
        before = self._sequence.load(ACQUIRE)  # pairs with [whole]
        if before & 1:
            return None
        values = tuple([word.load(RELAXED) for word in self._words])
        self._sync.fence(ACQUIRE)  # pairs with [begun]
        return values if self._sequence.load(RELAXED) == before else None


# Mutants


class _OtherWriter(Seqlock):
    """What a writer does is given by the class: which fence, and how the write ends."""

    beginning: ClassVar[MemoryOrder] = RELEASE
    ending: ClassVar[MemoryOrder] = RELEASE

    def write(self, values: Sequence[int]) -> None:
        """Replace all words."""
        with self._writers:
            sequence = self._sequence.load(RELAXED)
            self._sequence.store(sequence + 1, RELAXED)
            self._sync.fence(self.beginning)
            for word, value in zip(self._words, values, strict=True):
                word.store(value, RELAXED)
            self._sequence.store(sequence + 2, self.ending)


class NoReleaseFence(_OtherWriter):
    """The writer's fence is dropped: its words may be seen before the odd sequence is (Q1)."""

    beginning = RELAXED


class RelaxedEnd(_OtherWriter):
    """The sequence is made even by a relaxed store: who sees it may miss the words (Q1, Q2)."""

    ending = RELAXED


class _OtherReader(Seqlock):
    """What a reader does is given by the class: the order of its first load, and its fence."""

    beginning: ClassVar[MemoryOrder] = ACQUIRE
    ending: ClassVar[MemoryOrder] = ACQUIRE

    def try_read(self) -> tuple[int, ...] | None:
        """Return all words."""
        before = self._sequence.load(self.beginning)
        if before & 1:
            return None
        values = tuple([word.load(RELAXED) for word in self._words])
        self._sync.fence(self.ending)
        return values if self._sequence.load(RELAXED) == before else None


class NoAcquireFence(_OtherReader):
    """The reader's fence is dropped: its second look may be older than the words it read (Q1)."""

    ending = RELAXED


class RelaxedBeginning(_OtherReader):
    """The reader's first load is relaxed: the words it reads may be older than that (Q1, Q2)."""

    beginning = RELAXED


class AcquiringRecheck(Seqlock):
    """The second look acquires, instead of a fence: that orders what follows it, too late (Q1)."""

    def try_read(self) -> tuple[int, ...] | None:
        """Return all words."""
        before = self._sequence.load(ACQUIRE)  # pairs with [whole]
        if before & 1:
            return None
        values = tuple([word.load(RELAXED) for word in self._words])
        return values if self._sequence.load(ACQUIRE) == before else None  # pairs with [whole]


class NoRecheck(Seqlock):
    """The sequence is not looked at again (Q1)."""

    def try_read(self) -> tuple[int, ...] | None:
        """Return all words, if nobody was writing when it began."""
        if self._sequence.load(ACQUIRE) & 1:  # pairs with [whole]
            return None
        return tuple([word.load(RELAXED) for word in self._words])


class OddRead(Seqlock):
    """An odd sequence is as good as any, if it stays the same (Q1)."""

    def try_read(self) -> tuple[int, ...] | None:
        """Return all words, if nobody began or ended."""
        before = self._sequence.load(ACQUIRE)  # pairs with [whole]
        values = tuple([word.load(RELAXED) for word in self._words])
        self._sync.fence(ACQUIRE)  # pairs with [begun]
        return values if self._sequence.load(RELAXED) == before else None


class BumpedAfter(Seqlock):
    """The sequence goes on by two when all is written, and never tells that a write began (Q1)."""

    def write(self, values: Sequence[int]) -> None:
        """Replace all words."""
        with self._writers:
            self._sync.fence(RELEASE)  # pairs with [begun]
            for word, value in zip(self._words, values, strict=True):
                word.store(value, RELAXED)
            self._sequence.store(self._sequence.load(RELAXED) + 2, RELEASE)  # pairs with [whole]


class UnlockedWriters(Seqlock):
    """Writers do not exclude each other: words of both, and one even sequence (Q1, Q3)."""

    def write(self, values: Sequence[int]) -> None:
        """Replace all words."""
        sequence = self._sequence.load(RELAXED)
        self._sequence.store(sequence + 1, RELAXED)
        self._sync.fence(RELEASE)  # pairs with [begun]
        for word, value in zip(self._words, values, strict=True):
            word.store(value, RELAXED)
        self._sequence.store(sequence + 2, RELEASE)  # pairs with [whole]


# Equivalents


class AcquiringWords(Seqlock):
    """The reader acquires at every word, and needs no fence: dearer where loads are not ordered."""

    def try_read(self) -> tuple[int, ...] | None:
        """Return all words."""
        before = self._sequence.load(ACQUIRE)  # pairs with [whole]
        if before & 1:
            return None
        values = tuple([word.load(ACQUIRE) for word in self._words])  # pairs with [begun]
        return values if self._sequence.load(RELAXED) == before else None


class ReleasingWords(Seqlock):
    """The writer releases at every word, and needs no fence."""

    def write(self, values: Sequence[int]) -> None:
        """Replace all words."""
        with self._writers:
            sequence = self._sequence.load(RELAXED)
            self._sequence.store(sequence + 1, RELAXED)
            for word, value in zip(self._words, values, strict=True):
                word.store(value, RELEASE)  # pairs with [begun]
            self._sequence.store(sequence + 2, RELEASE)  # pairs with [whole]


# The model


class SeqlockModel(Model[Seqlock]):
    """Two words that are read and written as one."""

    subject = Seqlock
    mutants: ClassVar = {
        "no-release-fence": NoReleaseFence,
        "no-acquire-fence": NoAcquireFence,
        "relaxed-end": RelaxedEnd,
        "relaxed-beginning": RelaxedBeginning,
        "acquiring-recheck": AcquiringRecheck,
        "no-recheck": NoRecheck,
        "odd-read": OddRead,
        "bumped-after": BumpedAfter,
        "unlocked-writers": UnlockedWriters,
    }
    equivalents: ClassVar = {
        "acquiring-words": AcquiringWords,
        "releasing-words": ReleasingWords,
    }
    values: tuple[int, ...] = (0, 0)

    @operation(values=st.tuples(st.integers(1, 3), st.integers(1, 3)))
    def write(self, values: tuple[int, ...]) -> None:
        """Replace both."""
        self.values = values

    @operation
    def read(self) -> tuple[int, ...]:
        """Return both."""
        return self.values

    @operation
    def try_read(self) -> tuple[int, ...] | None:
        """Return both, or None because of a writer; the main thread, alone, has no excuse."""
        return self.values if self.caller == "main" else self.choose((self.values, None))
