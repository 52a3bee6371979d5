"""An account that many threads use at once, behind a spin lock; and the model to test it by.

>>> from registrar.sync import native
>>> account = Account(native)
>>> account.deposit(5), account.withdraw(3)
(5, 2)

Ordering
========

The balance is plain data.  Who unlocks releases it, and whoever locks next acquires it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, Sync
from stress.model import Model, operation


class OverdrawnError(Exception):
    """There is less on the account than was asked for."""


class Account:
    """What somebody owns: a number that is never below 0."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._locked = sync.word(0, name="locked")
        self._balance = sync.cell(0, name="balance")

    def deposit(self, amount: int) -> int:
        """Add `amount`, and return the balance."""
        with self._alone():
            balance = self._balance.read() + amount
            self._balance.write(balance)
            return balance

    def withdraw(self, amount: int) -> int:
        """Take `amount` away, and return the balance; OverdrawnError if there is less."""
        with self._alone():
            balance = self._balance.read() - amount
            if balance < 0:
                raise OverdrawnError
            self._balance.write(balance)
            return balance

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._lock()
        try:
            yield
        finally:
            self._unlock()

    def _lock(self) -> None:
        while self._locked.exchange(1, ACQUIRE):  # pairs with [balance]
            self._sync.pause()

    def _unlock(self) -> None:
        self._locked.store(0, RELEASE)  # pairs with [balance]


class LookedFirst(Account):
    """Whether it is locked is looked at first, and then it is locked: two may do so at once."""

    def _lock(self) -> None:
        while self._locked.load(ACQUIRE):  # pairs with [balance]
            self._sync.pause()
        self._locked.store(1, RELAXED)


class RelaxedUnlock(Account):
    """It is unlocked by a relaxed store: the next owner may miss what was written."""

    def _unlock(self) -> None:
        self._locked.store(0, RELAXED)


class ExchangedUnlock(Account):
    """It is unlocked by an exchange; who owns it knows what is exchanged, so nothing is gained."""

    def _unlock(self) -> None:
        self._locked.exchange(0, RELEASE)  # pairs with [balance]


class AccountModel(Model[Account]):
    """An account that is never overdrawn."""

    subject = Account
    mutants: ClassVar = {"looked-first": LookedFirst, "relaxed-unlock": RelaxedUnlock}
    equivalents: ClassVar = {"exchanged-unlock": ExchangedUnlock}
    balance: int = 0

    @operation(amount=st.integers(1, 3))
    def deposit(self, amount: int) -> int:
        """Add."""
        self.balance += amount
        return self.balance

    @operation(amount=st.integers(1, 3), raises=(OverdrawnError,))
    def withdraw(self, amount: int) -> int:
        """Take away what is there."""
        if amount > self.balance:
            raise OverdrawnError
        self.balance -= amount
        return self.balance
