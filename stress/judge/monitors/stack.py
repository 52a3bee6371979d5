"""Stacks: what lies under another value stays until that has gone.

A value whose push and pop overlap can come and go at one instant, in any history, and is left out.
Every other value was certainly in from the return of its push until its pop began.  Where these
stretches leave an instant free, the stack may have been empty, at all such instants at once: a
value that was in at one of them, but not certainly, is pushed then instead, or popped then, and
nothing else has to move.  So pops that found nothing need such an instant, and what lies between
two of them, a *segment*, is judged by itself.

Throughout a segment the stack holds something, so one value lies at its bottom all the time.  Its
push began when the segment did, or before, and its pop returned when the segment ended, or after.
If there is no such value, the history is illegal.  If there are several, any one will do: the
others' calls fit between its push, moved to the start of the segment, and its pop, moved to the
end.  It is left out, the segment falls into smaller ones, and so on until nothing is left.

Source: to leave out values that no verdict depends on, until none is left or there is none, is the
decrease-and-conquer of Lee and Mathur (OOPSLA 2025), in n log n; Abdulla et al. (PLDI 2025) need
n^2.  We differ in the data structures (`stress.judge.monitors.segments` and `edges`), and get order
and misfit from the same pass.

The misfit.  In a segment that no value fits, take of those whose push began in time the one whose
pop returned last: with that return the history was illegal, and had the history ended before
it, the value would fit.  So it is left out all the same, and the first misfit is the answer.
"""

from collections.abc import Iterator, Sequence

from stress.history import Span
from stress.judge.monitors.cover import covered, placed_empties
from stress.judge.monitors.finding import Finding, Misfit
from stress.judge.monitors.lifetimes import Lifetimes, Reader, judged
from stress.judge.monitors.segments import Segments
from stress.judge.monitors.timetable import Timetable


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a stack is linearizable; None where that cannot be told."""
    return judged(Reader(history, "push", "pop"), place)


def place(lifetimes: Lifetimes) -> list[int] | Misfit:
    """Return all calls in a legal order, or the first that has no place."""
    empties, unplaced = placed_empties(lifetimes, covered(lifetimes))
    misfits = lifetimes.misfits + unplaced
    timetable = Timetable(lifetimes)
    certain: list[int] = []
    for value, by in enumerate(lifetimes.inserted_by):
        if by < lifetimes.removed_from[value]:
            certain.append(value)
        else:
            instant = max(lifetimes.inserted_from[value], lifetimes.removed_from[value])
            timetable.stay(value, instant, instant)
    misfits += _nested(lifetimes, certain, timetable)
    return min(misfits) if misfits else timetable.order(empties)


def _nested(lifetimes: Lifetimes, values: list[int], timetable: Timetable) -> Iterator[Misfit]:
    """Put the values that were certainly in in the timetable; yield those that have no place."""
    segments = Segments(
        [lifetimes.inserted_from[value] for value in values],
        [lifetimes.inserted_by[value] for value in values],
        [lifetimes.removed_from[value] for value in values],
        [lifetimes.removed_by[value] for value in values],
    )
    stays = [(values[place], start, end) for place, start, end in segments.bottoms()]
    for value, start, end in stays:
        timetable.come(value, start)
        if lifetimes.removed_by[value] < end:
            yield Misfit(lifetimes.removed_by[value], lifetimes.removals[value])
    for value, _, end in reversed(stays):
        timetable.leave(value, end)
