"""Calls at their instants, and which of those at one instant come first.

At one instant first those values leave that were in before, then values come and go at once, then
calls find nothing, and then values come that stay:

>>> lifetimes = Lifetimes(never=9)
>>> lifetimes.add("a", (0, 1), (0, 2, 2, 4))
>>> lifetimes.add("b", (2, 3), (2, 2, 4, 6))
>>> timetable = Timetable(lifetimes)
>>> timetable.stay(0, 1, 2)
>>> timetable.stay(1, 2, 9)
>>> timetable.order([(2, 4)])
[0, 1, 4, 2]
"""

from collections.abc import Iterable

from stress.judge.monitors.lifetimes import Lifetimes

PHASES = 4
LEAVE, PASS, EMPTY, COME = range(PHASES)


class Timetable:
    """When the values of some lifetimes come and go.

    Calls of one kind at one instant stay in the order in which they were put here.
    """

    def __init__(self, lifetimes: Lifetimes) -> None:
        self._lifetimes = lifetimes
        self._moments: list[int] = []
        """Of each call, its instant and its phase in one number."""
        self._calls: list[int] = []

    def stay(self, value: int, start: int, end: int) -> None:
        """Put a value in and take it out; what would never leave is left."""
        if start == end:
            self.come(value, start, PASS)
            self.leave(value, end, PASS)
        else:
            self.come(value, start)
            self.leave(value, end)

    def come(self, value: int, instant: int, phase: int = COME) -> None:
        """Put a value in."""
        self._moments.append(instant * PHASES + phase)
        self._calls.append(self._lifetimes.insertions[value])

    def leave(self, value: int, instant: int, phase: int = LEAVE) -> None:
        """Take a value out, unless that is never."""
        if instant < self._lifetimes.never:
            self._moments.append(instant * PHASES + phase)
            self._calls.append(self._lifetimes.removals[value])

    def order(self, empties: Iterable[tuple[int, int]]) -> list[int]:
        """Return all calls in their order, with those that found nothing at an instant."""
        for instant, call in empties:
            self._moments.append(instant * PHASES + EMPTY)
            self._calls.append(call)
        places = sorted(range(len(self._calls)), key=self._moments.__getitem__)
        return [self._calls[place] for place in places]
