"""The instants at which a container certainly holds something, growing.

A value that was put in by *after* and taken out from *before* was in at every instant between
the two, and need not have been at either.  What found the container empty did so at an instant
that no value covers; of those, the first that is not too early will do:

>>> cover = Cover([0, 10, 20, 30, 40])
>>> cover.add(5, 20)
>>> cover.add(20, 30)
>>> cover.first(0), cover.first(10), cover.first(25)
(0, 20, 30)
>>> cover.add(15, 25)
>>> cover.first(10)
30

An answer is the instant asked for or the end of a cover, so only those need be candidates.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from stress.judge.monitors.finding import Misfit
from stress.judge.monitors.lifetimes import Lifetimes
from stress.judge.monitors.remaining import Remaining


class Cover:
    """Covered instants among candidates; the last candidate is never covered."""

    def __init__(self, candidates: Iterable[int]) -> None:
        self._instants = sorted(set(candidates))
        self._uncovered = Remaining(len(self._instants))

    def add(self, after: int, before: int) -> None:
        """Cover the candidates after the one instant and before the other."""
        start = bisect_right(self._instants, after)
        self._uncovered.remove(start, bisect_left(self._instants, before))

    def first(self, instant: int) -> int:
        """Return the first candidate from `instant` on that is not covered."""
        return self._instants[self._uncovered.next(bisect_left(self._instants, instant))]


def covered(lifetimes: Lifetimes) -> Cover:
    """Return the instants at which some value was certainly in, if any call found none."""
    if not lifetimes.empties:
        return Cover([])
    cover = Cover(candidates(lifetimes))
    for after, before in zip(lifetimes.inserted_by, lifetimes.removed_from, strict=True):
        cover.add(after, before)
    return cover


def candidates(lifetimes: Lifetimes) -> Iterator[int]:
    """Yield the instants that may be asked for, and the ends of covers."""
    yield from lifetimes.removed_from
    yield from (start for start, _, _ in lifetimes.empties)
    yield lifetimes.never


def placed_empties(
    lifetimes: Lifetimes, cover: Cover
) -> tuple[list[tuple[int, int]], list[Misfit]]:
    """Return instant and call of all that found nothing; and those that must have found a value."""
    placed: list[tuple[int, int]] = []
    misfits: list[Misfit] = []
    for start, end, call in lifetimes.empties:
        instant = cover.first(start)
        if instant <= end:
            placed.append((instant, call))
        else:
            misfits.append(Misfit(end, call))
    return placed, misfits
