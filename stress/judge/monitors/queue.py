"""Queues: no value overtakes another, and empty is what a queue can be.

A history in which every value is enqueued once is linearizable if and only if

1. every value dequeued was enqueued, once, and not only after the dequeue had returned;
2. no value overtakes another: not both *enqueue(x) returned before enqueue(y) began* and
   *dequeue(y) returned before dequeue(x) began*, where a value that is left is dequeued last;
3. every dequeue that found nothing has an instant at which no value was certainly in.

Source: these are the violations of Henzinger, Sezgin and Vafeiadis, "Aspect-Oriented
Linearizability Proofs" (CONCUR 2013), and of Bouajjani, Emmi, Enea and Hamza, "On Reducing
Linearizability to State Reachability" (ICALP 2015); Lee and Mathur (OOPSLA 2025) and Abdulla et
al. (PLDI 2025) monitor queues in n log n.  We differ: 2 is one sweep, 3 a union of intervals, and
where there is no violation an order is made, so that nobody need trust a theorem for it.

Each is there as soon as the dequeue has returned that took *y*, or nothing: so the first to return
is the misfit.

The order.  Say *x* goes before *y* if its enqueue returned before that of *y* began, or its dequeue
did.  A shortest cycle takes both kinds of sides in turn.  Of two sides of one kind, *a* before *b*
and *c* before *d*, also *a* goes before *d* or *c* before *b*, since intervals are compared; that
makes the cycle shorter, down to two values, which is violation 2.  An instant at which a dequeue
found nothing adds sides, but no cycle: whatever an order has in then, though not certainly, may
leave at that instant or come then, and those that leave go before those that come.

So some value is first: no enqueue returned before its own began, and no dequeue before its own.  Of
all values of which the former is true, that whose dequeue began first is then first, too: take it,
and repeat.  Enqueues then happen as late, dequeues as early, as this order allows.
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
