"""What a search may spend, and what it came to.

>>> effort = Effort(budget=60)
>>> effort.exhausted()
False
>>> Effort(budget=0).exhausted()
True
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from stress.verdict import Verdict

MEMORY: Final = 1_500_000_000
"""Bytes by which the process may grow while one history is searched.

Not entries are counted but pages, since the states of models are of any size.
"""

RARELY: Final = 16

_PAGES: Final = Path("/proc/self/statm")


class Found(NamedTuple):
    """What was found out about calls, named by their numbers among them."""

    verdict: Verdict
    calls: Sequence[int] | None
    """OK: a legal order; otherwise the longest that was found; None: not known."""
    misfit: int | None = None
    """A call that has no place after them, and must have one."""
    by: str = "wgl"
    """Who judged: "wgl" or "monitor"."""

    def renumbered(self, indexes: Sequence[int]) -> "Found":
        """Return the same with the calls named by `indexes`."""
        calls = None if self.calls is None else [indexes[number] for number in self.calls]
        misfit = None if self.misfit is None else indexes[self.misfit]
        return self._replace(calls=calls, misfit=misfit)


class Effort:
    """The budget that all searches of one judgement share, and the model steps they took."""

    def __init__(self, budget: float | None = None, memory: int = MEMORY) -> None:
        self.began = time.monotonic()
        self._deadline = None if budget is None else self.began + budget
        self._memory = memory
        self._resident: int | None = None
        """Bytes at the first question: the calls themselves are not the search's."""
        self.steps = 0
        self._asked = 0
        self._is_full = False

    def exhausted(self) -> bool:
        """Return whether time or memory is spent; what is spent stays so.

        It is cheap: memory is measured at every `RARELY`th question.
        """
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return True
        self._asked += 1
        if not self._asked % RARELY:
            resident = _resident()
            if self._resident is None:
                self._resident = resident
            self._is_full = self._is_full or resident - self._resident > self._memory
        return self._is_full

    def part(self, seconds: float) -> "Effort":
        """Return an effort of `seconds`, or of what is left of this one's if that is less."""
        left = None if self._deadline is None else self._deadline - time.monotonic()
        return Effort(seconds if left is None else min(seconds, left), self._memory)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began


def _resident() -> int:
    """Return the bytes this process has in memory."""
    try:
        return int(_PAGES.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0  # no Linux: time alone is limited
