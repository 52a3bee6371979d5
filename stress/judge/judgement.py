"""What the judge answers, and what it rests on.

>>> Judgement(Verdict.OK, (0, 2, 1), None, 3, 0.001, "wgl").order
(0, 2, 1)
"""

from dataclasses import dataclass

from stress.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on a history; calls are named by their indexes in it."""

    verdict: Verdict
    """OK: a legal order exists; FAILED: none does, which is called illegal; UNKNOWN: undecided."""
    order: tuple[int, ...] | None
    """OK: the calls in a legal order, in which open calls may be missing.  FAILED: the longest
    legal order that was found.  None: not known."""
    misfit: int | None
    """FAILED: a call that has no place after that order, where one is known."""
    steps: int
    """Model steps that were taken; 0 by a monitor, which takes none."""
    seconds: float
    by: str
    """Who judged: "wgl" or "monitor"."""
