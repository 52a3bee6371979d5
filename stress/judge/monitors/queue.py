"""Queues: no value overtakes another, and empty is what a queue can be.

A history in which every value is enqueued once is linearizable if and only if

1. every value dequeued was enqueued, once, and not only after the dequeue had returned;
2. no value overtakes another: not both *enqueue(x) returned before enqueue(y) began* and
   *dequeue(y) returned before dequeue(x) began*, where a value that is left is dequeued last;
3. every dequeue that found nothing has an instant at which no value was certainly in.

Source: the violations are those of Henzinger, Sezgin and Vafeiadis, "Aspect-Oriented
Linearizability Proofs" (CONCUR 2013, section 3), who put 3 as a chain of values, each enqueued
before the one before it was dequeued; Lee and Mathur (OOPSLA 2025) get n log n by leaving out
values.  We differ: 2 is one sweep, 3 a union of intervals, and then an order is made, which no
paper asks for, so that tests need not trust the theorem where the answer is legal.

The order.  Say *x* goes first if its enqueue returned before that of *y* began, or its dequeue
did, or an empty dequeue was placed between them (*x* certainly in before it, *y* out after it).
If going first has a cycle, it has one of two values: of three sides of one kind in a row the middle
one can be left out, as all three relations are of intervals.  So where there is no violation,
repeat: among the values whose enqueue began before any other's returned, take the one whose
dequeue began first.  Enqueues then happen as late, dequeues as early, as this order allows.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate

from stress.history import Span
from stress.judge.monitors.cover import covered, placed_empties
from stress.judge.monitors.finding import Finding, Misfit
from stress.judge.monitors.lifetimes import Lifetimes, Reader, judged
from stress.judge.monitors.timetable import Timetable


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a queue is linearizable; None where that cannot be told."""
    return judged(Reader(history, "enqueue", "dequeue"), place)


def place(lifetimes: Lifetimes) -> list[int] | Misfit:
    """Return all calls in a legal order, or the first that has no place."""
    empties, unplaced = placed_empties(lifetimes, covered(lifetimes))
    misfits = [*lifetimes.misfits, *unplaced, *_overtaking(lifetimes)]
    return min(misfits) if misfits else _order(lifetimes, empties)


def _overtaking(lifetimes: Lifetimes) -> Iterator[Misfit]:
    """Yield the dequeues of values that overtake another."""
    inserted_by, removed_from = lifetimes.inserted_by, lifetimes.removed_from
    ahead = iter(lifetimes.by(inserted_by))
    other = next(ahead, None)
    latest: int | None = None
    """When the last dequeue began of a value that was in before."""
    for value in lifetimes.by(lifetimes.inserted_from):
        start = lifetimes.inserted_from[value]
        while other is not None and inserted_by[other] < start:
            latest = removed_from[other] if latest is None else max(latest, removed_from[other])
            other = next(ahead, None)
        if latest is not None and lifetimes.removed_by[value] < latest:
            yield Misfit(lifetimes.removed_by[value], lifetimes.removals[value])


def _order(lifetimes: Lifetimes, empties: list[tuple[int, int]]) -> list[int]:
    """Return all calls in a legal order, of which there is one."""
    values = _by_turn(lifetimes)
    earliest = (max(lifetimes.removed_from[each], lifetimes.inserted_from[each]) for each in values)
    dequeued = list(accumulate(earliest, max))
    latest = (
        min(lifetimes.inserted_by[each], end)
        for each, end in zip(reversed(values), reversed(dequeued), strict=True)
    )
    enqueued = list(accumulate(latest, min))[::-1]
    timetable = Timetable(lifetimes)
    for value, start, end in zip(values, enqueued, dequeued, strict=True):
        timetable.stay(value, start, end)
    return timetable.order(empties)


def _by_turn(lifetimes: Lifetimes) -> list[int]:
    """Return the values so that none goes before one that goes first."""
    inserted_from, removed_from = lifetimes.inserted_from, lifetimes.removed_from
    coming = lifetimes.by(inserted_from)
    coming.reverse()
    ready: list[tuple[int, int]] = []
    """Values whose enqueue began before any of those left returned, by their dequeues."""
    order: list[int] = []
    placed = bytearray(len(coming))
    for first in lifetimes.by(lifetimes.inserted_by):
        while not placed[first]:
            while coming and inserted_from[coming[-1]] <= lifetimes.inserted_by[first]:
                value = coming.pop()
                heappush(ready, (removed_from[value], value))
            _, value = heappop(ready)
            placed[value] = True
            order.append(value)
    return order
