"""Models that are dangerous now and then: the same cases kill the process, or hang, every time.

Workers import this file by its path, so everything is at its top.
"""

import os
import signal
from typing import Final

from hypothesis import strategies as st

from registrar.sync import RELAXED, Sync
from stress.model import Model, operation

FILE: Final = "tests/campaign/deadly.py"
START: Final = 60 * 80  # worked out: Hypothesis likes to draw numbers that it finds in a source
FATAL: Final = frozenset(range(START, START + 60))
"""Amounts that kill, of ten thousand: some cases draw one."""


class Meter:
    """Adds up amounts."""

    def __init__(self, sync: Sync) -> None:
        self._value = sync.word(0, name="value")

    def add(self, amount: int) -> None:
        """Add an amount."""
        self._value.fetch_add(amount, RELAXED)

    def total(self) -> int:
        """Return the sum."""
        return self._value.load(RELAXED)


class DeadlyMeter(Meter):
    """Some amounts kill the process."""

    def add(self, amount: int) -> None:
        """Add an amount, or die."""
        if amount in FATAL:
            os.kill(os.getpid(), signal.SIGKILL)
        super().add(amount)


class StuckMeter(Meter):
    """An addition never ends."""

    def add(self, amount: int) -> None:
        """Add an amount, for ever."""
        while amount >= 0:
            """Nobody else is here to end it."""


class MeterModel(Model[Meter]):
    """A sum."""

    subject = Meter
    sum: int = 0
    mutants = {"deadly": DeadlyMeter, "stuck": StuckMeter}  # noqa: RUF012

    @operation(amount=st.integers(0, 9_999))
    def add(self, amount: int) -> None:
        """Add an amount."""
        self.sum += amount

    @operation
    def total(self) -> int:
        """Return the sum."""
        return self.sum
