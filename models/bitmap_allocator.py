"""Records that many threads claim and release without a lock: a bit for each, set while owned.

>>> from registrar.sync import native
>>> records = BitmapAllocator(native, slots=3)
>>> [records.claim() for _ in range(4)]
[0, 1, 2, None]
>>> records.release(1)
>>> records.claim()
1

Owning a slot entitles a thread to touch ``records[slot]``, which is plain data.  A slot is claimed
by a fetch-or of its bit: if the old value had it clear, the slot is the caller's; if not, somebody
else was faster, and the old value says where to try next.

Ordering
========

    thread A    write records[i] ──▶ release(i)
                                        ╎ synchronizes with
    thread B                            ╰╌▶ claim() == i ──▶ read records[i]

Others may change other bits of the word in between.  Their changes are read-modify-writes, which
extend A's release sequence (C11 5.1.2.4) instead of breaking it.

For exclusion a claim need only acquire.  It releases as well, and the scan acquires, for the sake
of B3: whoever sees that A owns a slot must not overlook what A released before it claimed that one:

    thread A    release(1) ──▶ claim() == 0
                                  ╎ synchronizes with
    thread B                      ╰╌▶ sees 0 owned ──▶ sees 1 free

Invariants
==========

B1  *Exclusion.*  After ``claim() == i`` no claim returns *i* until ``release(i)``.
B2  *Conservation.*  Bits that stand for no slot are never set: ``full`` of a word leaves them out.
B3  *Honest refusal.*  ``claim() is None`` only if all were owned at one instant of the call.

Progress
========

Lock-free: a claim goes round once more only because another claim got the bit it was after.  Not
fair: one thread can lose every race it enters.  ``release`` is wait-free.
"""

from typing import ClassVar, Final

from registrar.sync import (
    ACQ_REL,
    ACQUIRE,
    RELAXED,
    RELEASE,
    WORD_BITS,
    AtomicWord,
    MemoryOrder,
    Sync,
    native,
)
from stress.model import Model, operation, result_of
from stress.program import PREFIX, Earlier, Invocation, Program


class BitmapAllocator:
    """`slots` records, each owned by one thread at a time; all are free at first.

    Fewer `slots_per_word` than 64 means more words, and fewer threads that meet at each.  Raises
    ValueError for numbers that make no bitmap.
    """

    def __init__(
        self, sync: Sync = native, *, slots: int = WORD_BITS, slots_per_word: int = WORD_BITS
    ) -> None:
        if slots < 0 or not 0 < slots_per_word <= WORD_BITS:
            raise ValueError(
                f"{slots} slots, {slots_per_word} to a word: there are 0 or more slots, and "
                f"1 to {WORD_BITS} fit a word.\n  Give numbers in those bounds."
            )
        sizes = [min(slots_per_word, slots - start) for start in range(0, slots, slots_per_word)]
        self._per_word = slots_per_word
        self._full = [(1 << size) - 1 for size in sizes]
        self._words = [sync.word(0, name=f"owned[{index}]") for index in range(len(sizes))]
        self.records = [sync.cell(0, name=f"record {slot}") for slot in range(slots)]

    # Why one pass over the words is enough to refuse honestly (B3)
    #
    # No pass over several words sees them at one instant: while we read the second, a slot of the
    # first may be released.  But every claim scans upwards from slot 0, and that is enough: in any
    # call that gets past slots 0 to i there is an instant at which all of them are owned.  For slot
    # 0 this is plain; for others by induction:
    #
    #   There is an instant m of our call at which slots 0 to i-1 are owned, and a later one, r, at
    #   which it finds slot i owned.  If slot i is owned at m already, m will do.  If not, let C be
    #   the first call to claim it after m.  C got past slots 0 to i-1 itself, so at some instant of
    #   C they were all owned; take the last such before its fetch-or.  It is not before m, and is
    #   before r.  From then to the fetch-or slot i was free and nobody else got it, so nobody can
    #   tell that C did not take effect then.
    #
    # A scan that begins elsewhere breaks the induction (see `RoundRobin`): it would have to count
    # releases, and repeat until nothing has changed.  The argument speaks of instants; that acquire
    # and release are enough under weak memory, and no less (`RelaxedScan`), the explorer checks.

    def claim(self) -> int | None:
        """Return a free slot, the caller's from now on; None if there was none at one instant."""
        for index, word in enumerate(self._words):
            if bit := self._claim_bit(word, self._full[index]):
                return index * self._per_word + bit.bit_length() - 1
        return None

    def _claim_bit(self, word: AtomicWord, full: int) -> int:
        """Set a bit of `word` that was clear, and return it; 0 if all of `full` were set."""
        owned = word.load(ACQUIRE)  # pairs with [slot]
        while owned != full:
            bit = ~owned & (owned + 1)  # the lowest that is clear
            owned = word.fetch_or(bit, ACQ_REL)  # pairs with [slot]
            if not owned & bit:
                return bit
        return 0

    def release(self, slot: int) -> None:
        """Free `slot`, which the caller owns, and publish what was done with its record."""
        word, bit = self._place(slot)
        word.fetch_and(~bit, RELEASE)  # pairs with [slot]

    def _place(self, slot: int) -> tuple[AtomicWord, int]:
        index, place = divmod(slot, self._per_word)
        return self._words[index], 1 << place


# Mutants


class IgnoredOldValue(BitmapAllocator):
    """The old value of the fetch-or is not looked at: two threads own one slot (B1)."""

    def _claim_bit(self, word: AtomicWord, full: int) -> int:
        owned = word.load(ACQUIRE)  # pairs with [slot]
        bit = ~owned & (owned + 1) & full
        word.fetch_or(bit, ACQ_REL)  # pairs with [slot]
        return bit


class RelaxedRelease(BitmapAllocator):
    """A slot is released by a relaxed fetch-and: the next owner races with the last for it."""

    def release(self, slot: int) -> None:
        """Free `slot`, and publish nothing."""
        word, bit = self._place(slot)
        word.fetch_and(~bit, RELAXED)


class StoredRelease(BitmapAllocator):
    """A slot is released by a load and a store: what others did to the word is undone."""

    def release(self, slot: int) -> None:
        """Free `slot`, and forget what happened between the load and the store."""
        word, bit = self._place(slot)
        word.store(word.load(RELAXED) & ~bit, RELEASE)  # pairs with [slot]


class _OtherOrders(BitmapAllocator):
    """The orders of the scan and of the fetch-or are given by the class."""

    scan: ClassVar[MemoryOrder] = ACQUIRE
    claiming: ClassVar[MemoryOrder] = ACQ_REL

    def _claim_bit(self, word: AtomicWord, full: int) -> int:
        owned = word.load(self.scan)
        while owned != full:
            bit = ~owned & (owned + 1)
            owned = word.fetch_or(bit, self.claiming)
            if not owned & bit:
                return bit
        return 0


class RelaxedClaim(_OtherOrders):
    """A claim releases, but does not acquire: the record may be seen as it was before."""

    claiming = RELEASE


class UnpublishedClaim(_OtherOrders):
    """A claim acquires, but does not release: None may be answered while a slot is free (B3)."""

    claiming = ACQUIRE


class RelaxedScan(_OtherOrders):
    """The scan is relaxed: None may be answered while a slot is free (B3)."""

    scan = RELAXED


class RoundRobin(BitmapAllocator):
    """Each scan begins one word further than the last: None while a slot is always free (B3)."""

    def __init__(self, sync: Sync = native, **sizes: int) -> None:
        super().__init__(sync, **sizes)
        self._turn = sync.word(0, name="turn")

    def claim(self) -> int | None:
        """Return a free slot; the threads spread over the words."""
        turn = self._turn.fetch_add(1, RELAXED)
        for each in range(turn, turn + len(self._words)):
            index = each % len(self._words)
            if bit := self._claim_bit(self._words[index], self._full[index]):
                return index * self._per_word + bit.bit_length() - 1
        return None


class FirstWordOnly(BitmapAllocator):
    """None is answered as soon as the first word is full."""

    def claim(self) -> int | None:
        """Return a free slot of the first word."""
        bit = self._claim_bit(self._words[0], self._full[0])
        return bit.bit_length() - 1 if bit else None


# Equivalents


class FlippedRelease(BitmapAllocator):
    """A slot is released by flipping its bit: the owner knows that it is set."""

    def release(self, slot: int) -> None:
        """Free `slot`."""
        word, bit = self._place(slot)
        word.fetch_xor(bit, RELEASE)  # pairs with [slot]


class ComparedClaim(BitmapAllocator):
    """A slot is claimed by exchanging the whole word: it fails more often, and tries again."""

    def _claim_bit(self, word: AtomicWord, full: int) -> int:
        owned = word.load(ACQUIRE)  # pairs with [slot]
        while owned != full:
            bit = ~owned & (owned + 1)
            claimed, owned = word.compare_exchange(
                owned, owned | bit, ACQ_REL, ACQUIRE
            )  # pairs with [slot]
            if claimed:
                return bit
        return 0


# The model

SLOTS: Final = 3


def use(subject: BitmapAllocator, _: tuple[()], slot: int | None) -> None:
    """Do what the owner of `slot` may: write its record, and find it as written."""
    if slot is not None:
        record = subject.records[slot]
        mark = record.read() + 1
        record.write(mark)
        assert record.read() == mark, f"slot {slot} has another owner"


CLAIM: Final = Invocation("claim", ())


def _release(thread: int, claim: int = 0) -> Invocation:
    """Return the call that releases what `thread` got by its claim number `claim`."""
    return Invocation("release", (Earlier(thread, claim),))


class BitmapAllocatorModel(Model[BitmapAllocator]):
    """A bitmap allocator: claims give a slot that is free, or None when none is."""

    subject = BitmapAllocator
    mutants: ClassVar = {
        "ignored-old-value": IgnoredOldValue,
        "relaxed-release": RelaxedRelease,
        "stored-release": StoredRelease,
        "relaxed-claim": RelaxedClaim,
        "unpublished-claim": UnpublishedClaim,
        "relaxed-scan": RelaxedScan,
        "round-robin": RoundRobin,
        "first-word-only": FirstWordOnly,
    }
    programs: ClassVar = {
        "turns": Program((), ((CLAIM, _release(0)), (CLAIM, _release(1)))),
        "refused-meanwhile": Program(
            (CLAIM,) * 3, ((_release(PREFIX, 0), CLAIM), (_release(PREFIX, 2), CLAIM))
        ),
        "always-one-free": Program(
            ((CLAIM,) * 3 + (_release(PREFIX, 0),)), ((_release(PREFIX, 1), CLAIM), (CLAIM,))
        ),
    }
    equivalents: ClassVar = {
        "flipped-release": FlippedRelease,
        "compared-claim": ComparedClaim,
    }
    owned: frozenset[int] = frozenset()

    def make(self, sync: Sync) -> BitmapAllocator:
        """Return a subject of three slots in two words."""
        made: BitmapAllocator = type(self).subject(sync, slots=SLOTS, slots_per_word=2)
        return made

    @operation(then=use)
    def claim(self) -> int | None:
        """Own a slot, whichever is free."""
        free = sorted(frozenset(range(SLOTS)) - self.owned)
        if not free:
            return None
        slot = self.choose(free)
        self.owned |= {slot}
        return slot

    @operation(slot=result_of("claim", once=True))
    def release(self, slot: int) -> None:
        """Free a slot."""
        self.require(slot in self.owned)
        self.owned -= {slot}
