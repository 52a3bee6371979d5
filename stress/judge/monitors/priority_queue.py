"""Priority queues: whoever takes a value finds nothing smaller.

A value comes out at an instant at which no smaller one is in.  Larger ones have no say in that, so
values are judged from the smallest to the largest: each needs an instant within its delete-min,
and not before its insert began, at which no smaller value was certainly in.  A delete-min that
found nothing is one that took something larger than all.

That this is enough needs an order.  Take for each value the first such instant, and insert it as
late as that allows.  If it were in when a larger value comes out, it would be, by that choice,
certainly in: the instant of the larger one is not covered by it, so its own, which is the first,
is no later.

Source: Lee and Mathur (OOPSLA 2025) monitor priority queues in n log n by leaving out one value
after the other.  We differ: they come back from the smallest to the largest, and all that has to be
known of the smaller ones is a union of intervals that grows.
"""

from collections.abc import Sequence
from itertools import chain

from stress.history import Span
from stress.judge.monitors.cover import Cover, candidates, placed_empties
from stress.judge.monitors.finding import Finding, Misfit
from stress.judge.monitors.lifetimes import Lifetimes, Reader, judged
from stress.judge.monitors.timetable import Timetable


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a priority queue is linearizable; None where that is not known.

    Values are numbers or texts, all of one kind.
    """
    reader = Reader(history, "insert", "delete-min")
    kinds = {value.__class__ for value in reader.insertions}
    return judged(reader, place) if kinds <= {int, float} or kinds == {str} else None


def place(lifetimes: Lifetimes) -> list[int] | Misfit:
    """Return all calls in a legal order, or the first that has no place."""
    misfits = list(lifetimes.misfits)
    timetable = Timetable(lifetimes)
    cover = Cover(chain(candidates(lifetimes), lifetimes.inserted_from))
    for value in sorted(range(len(lifetimes.values)), key=lifetimes.values.__getitem__):
        after, before = lifetimes.inserted_by[value], lifetimes.removed_from[value]
        end = cover.first(max(lifetimes.inserted_from[value], before))
        if end > lifetimes.removed_by[value]:
            misfits.append(Misfit(lifetimes.removed_by[value], lifetimes.removals[value]))
        timetable.stay(value, min(after, end), end)
        cover.add(after, before)
    empties, unplaced = placed_empties(lifetimes, cover)
    misfits += unplaced
    return min(misfits) if misfits else timetable.order(empties)
