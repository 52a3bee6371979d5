"""Small subjects and their models, each with one thing to be found: what several tests hunt.

Child processes import this file by its path, so everything is at its top.
"""

import os
import random
import resource
import threading
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, SEQ_CST, AtomicWord, Sync
from stress.model import Model, operation, result_of

FILE: Final = "tests/machines/prey.py"
"""By this path, and the name of a model, the models here are named: ``FILE::CounterModel``."""


class Counter:
    """A counter that answers what it was."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._value = sync.word(0, name="value")

    def increment(self) -> int:
        """Add one, and return what it was."""
        return self._value.fetch_add(1, RELAXED)


class LostUpdate(Counter):
    """The increment is a load and a store: another one may come between them, and be lost."""

    def increment(self) -> int:
        """Add one, unless somebody else does."""
        found = self._value.load(RELAXED)
        self._value.store(found + 1, RELAXED)
        return found


class MissedThree(Counter):
    """Three is left out: one thread sees it, too."""

    def increment(self) -> int:
        """Add one, or two."""
        found = self._value.fetch_add(1, RELAXED)
        return found + (found >= 2)


class StrongerIncrement(Counter):
    """The increment is sequentially consistent: nobody can tell, as the word is all there is."""

    def increment(self) -> int:
        """Add one, in the strongest order."""
        return self._value.fetch_add(1, SEQ_CST)


class AbortingCounter(Counter):
    """The second increment ends the interpreter, as a fault in an extension does."""

    def increment(self) -> int:
        """Add one, or die."""
        found = super().increment()
        if found:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.abort()
        return found


class EndlessCounter(Counter):
    """The second increment waits for ever, which the model does not say."""

    def increment(self) -> int:
        """Add one, or do not return."""
        found = super().increment()
        while found:
            self._sync.pause()
        return found


class BlockedCounter(Counter):
    """The second increment waits for an event of the interpreter's own, which never comes."""

    def increment(self) -> int:
        """Add one, or do not return."""
        found = super().increment()
        if found:
            threading.Event().wait()
        return found


class OwnersCounter(Counter):
    """Counts only in the real thread that made it: simulated threads are all the same real one."""

    def __init__(self, sync: Sync) -> None:
        super().__init__(sync)
        self._owner = threading.get_ident()

    def increment(self) -> int:
        """Add one, or refuse."""
        return super().increment() if threading.get_ident() == self._owner else -1


class RareCounter(Counter):
    """Once in many times, by chance alone, it answers nonsense."""

    def increment(self) -> int:
        """Add one, and be right almost always."""
        return super().increment() - 100 * (random.randrange(500) == 0)


class CounterModel(Model[Counter]):
    """A counter that answers what it was."""

    subject = Counter
    mutants: ClassVar = {"lost-update": LostUpdate, "missed-three": MissedThree}
    equivalents: ClassVar = {"stronger-increment": StrongerIncrement}
    value: int = 0

    @operation
    def increment(self) -> int:
        """Add one."""
        self.value += 1
        return self.value - 1


class MishapModel(CounterModel):
    """A counter, and what befalls it on real threads."""

    mutants: ClassVar = {
        "aborting": AbortingCounter,
        "endless": EndlessCounter,
        "blocked": BlockedCounter,
        "owners": OwnersCounter,
        "rare": RareCounter,
    }
    equivalents: ClassVar = {}


class WronglyAccusedModel(CounterModel):
    """A counter with a mutant that survives, and an equivalent that is none."""

    mutants: ClassVar = {"survivor": StrongerIncrement}
    equivalents: ClassVar = {"impostor": LostUpdate}


class Mailbox:
    """Passes a number from one writer to its readers."""

    publishing = RELEASE

    def __init__(self, sync: Sync) -> None:
        self._content = sync.word(0, name="content")
        self._full = sync.word(0, name="full")

    def put(self, value: int) -> None:
        """Fill it; once."""
        self._content.store(value, RELAXED)
        self._full.store(1, self.publishing)

    def get(self) -> int | None:
        """Return what is in it."""
        return self._content.load(RELAXED) if self._full.load(ACQUIRE) else None


class RelaxedPut(Mailbox):
    """The mailbox is marked full by a relaxed store: a reader may find nothing in it."""

    publishing = RELAXED


class MailboxModel(Model[Mailbox]):
    """A box that is filled once, by the only writer."""

    subject = Mailbox
    mutants: ClassVar = {"relaxed-put": RelaxedPut}
    roles: ClassVar = {"writer": 1, "reader": None}
    content: int | None = None

    @operation(role="writer", value=st.integers(1, 3))
    def put(self, value: int) -> None:
        """Fill it."""
        self.require(self.content is None)
        self.content = value

    @operation(role="reader")
    def get(self) -> int | None:
        """Look into it."""
        return self.content


class SpinLock:
    """A lock that is taken by exchanging until it was free."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._taken = sync.word(0, name="taken")

    def acquire(self) -> None:
        """Own it, when nobody does."""
        while self._taken.exchange(1, ACQUIRE):
            self._sync.pause()

    def release(self) -> None:
        """Give it up."""
        self._taken.store(0, RELEASE)


class NeverFree(SpinLock):
    """A release is forgotten: who waits, waits for ever."""

    def release(self) -> None:
        """Keep it."""


class Barging(SpinLock):
    """Nobody waits: the lock is everybody's."""

    def acquire(self) -> None:
        """Own it, whoever does."""
        self._taken.store(1, ACQUIRE if False else RELAXED)


class LockModel(Model[SpinLock]):
    """A lock."""

    subject = SpinLock
    mutants: ClassVar = {"never-free": NeverFree, "barging": Barging}
    owner: int | str | None = None

    @operation
    def acquire(self) -> None:
        """Own it, when nobody does."""
        self.require(self.owner != self.caller)
        self.wait_until(self.owner is None)
        self.owner = self.caller

    @operation
    def release(self) -> None:
        """Give it up."""
        self.require(self.owner == self.caller)
        self.owner = None


class Accounts:
    """Two accounts, each with its lock."""

    def __init__(self, sync: Sync) -> None:
        self._locks = [sync.lock(name=f"lock[{each}]") for each in range(2)]
        self._balances = [sync.cell(5, name=f"balance[{each}]") for each in range(2)]

    def transfer(self, source: int) -> None:
        """Move one from `source` to the other account."""
        first, second = self.order(source)
        with self._locks[first], self._locks[second]:
            for account, amount in ((source, -1), (1 - source, 1)):
                cell = self._balances[account]
                cell.write(cell.read() + amount)

    def order(self, source: int) -> tuple[int, int]:
        """Return in which order the locks are taken."""
        assert source in (0, 1)
        return 0, 1

    def balances(self) -> tuple[int, ...]:
        """Return what is on the accounts."""
        with self._locks[0], self._locks[1]:
            return tuple(cell.read() for cell in self._balances)


class CrossedLocks(Accounts):
    """The locks are taken in the order of the transfer: two transfers wait for each other."""

    def order(self, source: int) -> tuple[int, int]:
        """Return the source first."""
        return source, 1 - source


class AccountsModel(Model[Accounts]):
    """Transfers between two accounts."""

    subject = Accounts
    mutants: ClassVar = {"crossed-locks": CrossedLocks}
    balances: tuple[int, ...] = (5, 5)

    @operation(source=st.integers(0, 1))
    def transfer(self, source: int) -> None:
        """Move one."""
        change = (-1, 1) if source == 0 else (1, -1)
        self.balances = (self.balances[0] + change[0], self.balances[1] + change[1])

    @operation(at_end=True, perform=Accounts.balances)
    def audit(self) -> tuple[int, ...]:
        """Look at both."""
        return self.balances


class Pile:
    """A stack of three numbered plates, each of which is in somebody's hands or on it."""

    TAG: ClassVar = 8

    def __init__(self, sync: Sync) -> None:
        self._below = [sync.word(plate - 1, name=f"below[{plate}]") for plate in range(4)]
        self._top = sync.word(3, name="top")

    def take(self) -> int | None:
        """Take the topmost plate."""
        found = self._top.load(ACQUIRE)
        while plate := found % 8:
            below = self._below[plate].load(RELAXED)
            done, found = self._changed(found, below)
            if done:
                return plate
        return None

    def put(self, plate: int) -> None:
        """Put a plate on top."""
        found, done = self._top.load(ACQUIRE), False
        while not done:
            self._below[plate].store(found % 8, RELAXED)
            done, found = self._changed(found, plate)

    def _changed(self, found: int, plate: int) -> tuple[bool, int]:
        top = found // 8 * 8 + self.TAG + plate
        return self._top.compare_exchange(found, top, SEQ_CST, SEQ_CST)


class TaglessPile(Pile):
    """The top has no tag: who sees the same plate there does not know that it was away (ABA)."""

    TAG: ClassVar = 0


class PileModel(Model[Pile]):
    """A pile of plates."""

    subject = Pile
    mutants: ClassVar = {"tagless": TaglessPile}
    plates: tuple[int, ...] = (1, 2, 3)

    @operation
    def take(self) -> int | None:
        """Take the topmost."""
        if not self.plates:
            return None
        *self.plates, plate = self.plates  # type: ignore[assignment]
        self.plates = tuple(self.plates)
        return plate

    @operation(plate=result_of("take", once=True))
    def put(self, plate: int) -> None:
        """Put it back."""
        self.plates = (*self.plates, plate)

    @operation(alone=True, at_end=True, perform=Pile.take)
    def last(self) -> int | None:
        """Take one more."""
        return self.take()


class Slots:
    """Two slots, each with one owner at most."""

    def __init__(self, sync: Sync) -> None:
        self._taken = sync.word(0, name="taken")

    def claim(self) -> int | None:
        """Own a slot, if one is free."""
        for slot in range(2):
            if not self._taken.fetch_or(1 << slot, SEQ_CST) & 1 << slot:
                return slot
        return None

    def free(self, slot: int) -> None:
        """Give a slot back."""
        self._taken.fetch_and(~(1 << slot), SEQ_CST)


class HastyClaim(Slots):
    """A slot is looked at and then taken: two may have seen it free."""

    def claim(self) -> int | None:
        """Own a slot that was free a moment ago."""
        for slot in range(2):
            if not self._taken.load(SEQ_CST) & 1 << slot:
                self._taken.fetch_or(1 << slot, SEQ_CST)
                return slot
        return None


class SlotsModel(Model[Slots]):
    """Slots that are claimed and given back."""

    subject = Slots
    mutants: ClassVar = {"hasty-claim": HastyClaim}
    taken: frozenset[int] = frozenset()

    @operation
    def claim(self) -> int | None:
        """Own the first that is free, or be told that none is though one was free for a moment."""
        free = sorted({0, 1} - self.taken)
        slot: int | None = self.choose([*free, None])
        if slot is not None:
            self.taken |= {slot}
        return slot

    @operation(slot=result_of("claim", once=True))
    def free(self, slot: int) -> None:
        """Give it back."""
        self.require(slot in self.taken)
        self.taken -= {slot}


class Pair:
    """Two numbers that are counted up one after the other."""

    def __init__(self, sync: Sync) -> None:
        self._words: tuple[AtomicWord, ...] = sync.word(0, name="one"), sync.word(0, name="other")

    def both(self) -> int:
        """Add one to each; return what the first was."""
        found = self._words[0].fetch_add(1, SEQ_CST)
        self._words[1].fetch_add(1, SEQ_CST)
        return found

    def difference(self) -> int:
        """Return by how much the first is greater."""
        return self._words[0].load(SEQ_CST) - self._words[1].load(SEQ_CST)

    def one(self) -> int:
        """Return the first."""
        return self._words[0].load(SEQ_CST)

    def other(self) -> int:
        """Return the second."""
        return self._words[1].load(SEQ_CST)


class PairModel(Model[Pair]):
    """Two numbers, and between them a moment at which they differ."""

    subject = Pair
    ahead: int = 0
    behind: int = 0

    @operation
    def both(self) -> Any:
        """Add one to each, in two atomic steps."""
        self.ahead += 1
        found = self.ahead - 1
        yield
        self.behind += 1
        return found

    @operation
    def one(self) -> int:
        """Look at the first."""
        return self.ahead

    @operation
    def other(self) -> int:
        """Look at the second."""
        return self.behind


class WholePairModel(Model[Pair]):
    """Two numbers that are said never to differ, which pretends too much."""

    subject = Pair
    count: int = 0

    @operation
    def both(self) -> int:
        """Add one to each at once."""
        self.count += 1
        return self.count - 1

    @operation
    def one(self) -> int:
        """Look at the first."""
        return self.count

    @operation
    def other(self) -> int:
        """Look at the second."""
        return self.count


class Tries:
    """A counter that may refuse."""

    def __init__(self, sync: Sync) -> None:
        self._value = sync.word(0, name="value")

    def attempt(self) -> int | None:
        """Add one and return what it was, or None where somebody else was there."""
        found = self._value.load(RELAXED)
        done, _ = self._value.compare_exchange(found, found + 1, RELAXED, RELAXED)
        return found if done else None


class TriesModel(Model[Tries]):
    """A counter that may refuse at any time."""

    subject = Tries
    value: int = 0

    @operation
    def attempt(self) -> int | None:
        """Add one, or do not."""
        if self.choose((False, True)):
            return None
        self.value += 1
        return self.value - 1


class StrictTriesModel(TriesModel):
    """A counter that is said never to refuse."""

    @operation
    def attempt(self) -> int | None:
        """Add one."""
        self.value += 1
        return self.value - 1


class Handover:
    """Room for one number, with a producer and a consumer."""

    def __init__(self, sync: Sync) -> None:
        self._cell = sync.cell(0, name="item")
        self._full = sync.word(0, name="full")

    def offer(self, value: int) -> bool:
        """Leave a number, if there is room."""
        if self._full.load(ACQUIRE):
            return False
        self._cell.write(value)
        self._full.store(1, RELEASE)
        return True

    def poll(self) -> int | None:
        """Take the number, if there is one."""
        if not self._full.load(ACQUIRE):
            return None
        found = self._cell.read()
        self._full.store(0, RELEASE)
        return found


class HandoverModel(Model[Handover]):
    """Room for one number: with two producers, it would break."""

    subject = Handover
    roles: ClassVar = {"producer": 1, "consumer": 1}
    item: int | None = None

    @operation(role="producer", value=st.integers(1, 9))
    def offer(self, value: int) -> bool:
        """Leave a number."""
        if self.item is not None:
            return False
        self.item = value
        return True

    @operation(role="consumer")
    def poll(self) -> int | None:
        """Take it."""
        found, self.item = self.item, None
        return found
