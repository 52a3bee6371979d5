"""Counters whose increment returns the value before: the results are the order.

The call that returned *k* is the one with *k* calls before it.  What no call returned, below the
greatest result, an open call would have; of these, the one that began first fills the first gap,
since the later a gap is, the later its call may have begun.  So there is one order to look at, and
it is legal if and only if no call of it returned before one in front of it began.

Source: folklore.  That gaps are filled so is the exchange argument for jobs with release times and
deadlines (Horn, "Some Simple Scheduling Algorithms", 1974).

The misfit.  In a cut, a call that was running counts as returning what it returned later, or as
without effect: it has its place unless it began after a call behind it returned, and then an open
call may fill that.  (Of two calls with one result, the one that returned later does not count.)
Without open calls there is one pass for the first instant at which a cut is illegal.  With them it
is no earlier, and is found by bisection.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from stress.history import Span
from stress.judge.monitors.finding import Finding

NOBODY: Final = -1
"""The call of a result that no call returned."""


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a counter is linearizable; None where it has other calls."""
    return Results(history).judge() if all(map(_qualifies, history)) else None


def _qualifies(call: Span) -> bool:
    if call.f != "increment" or call.arguments:
        return False
    return call.outcome == "info" or (call.outcome == "ok" and call.result.__class__ is int)


class Results:
    """The calls of a history, by what they returned."""

    def __init__(self, history: Sequence[Span]) -> None:
        self._history = history
        self._returned = [index for index, call in enumerate(history) if call.outcome == "ok"]
        self._returned.sort(key=lambda index: history[index].start)
        self._returned.sort(key=lambda index: history[index].end)
        self._returns = sorted({history[index].end for index in self._returned})
        self._returned.sort(key=lambda index: history[index].result)
        self._open = [index for index, call in enumerate(history) if call.outcome != "ok"]
        self._open.sort(key=lambda index: history[index].start)

    def judge(self) -> Finding:
        """Return whether the history is linearizable."""
        history, returns = self._history, self._returns
        order = self._order(returns[-1]) if returns else []
        if order is not None:
            return Finding(legal=True, order=tuple(order), misfit=None)
        place = self._first_illegal()
        misfit = next(index for index in self._returned if history[index].end == returns[place])
        before = self._order(returns[place - 1]) if place else []
        assert before is not None
        return Finding(legal=False, order=tuple(before), misfit=misfit)

    def _first_illegal(self) -> int:
        """Return the place of the first return with which the history is illegal."""
        returns = self._returns
        low = high = bisect_left(returns, self._without_open())
        step = 1
        while self._order(returns[high]) is not None:
            low, high, step = high + 1, min(high + step, len(returns) - 1), 2 * step
        return bisect_left(returns, 1, low, high, key=lambda instant: self._order(instant) is None)

    def _without_open(self) -> int:
        """Return when the history would be illegal without its open calls: that is no later."""
        history = self._history
        illegal = self._returns[-1]
        latest = history[self._returned[0]].start
        place = 0
        for index in self._returned:
            _, _, _, start, end, _, result = history[index]
            if result != place or end < latest:
                illegal = min(illegal, end)
            if result == place:
                latest = max(latest, start)
                place += 1
        return illegal

    def _order(self, until: int) -> list[int] | None:
        """Return the legal order of what had returned by an instant, if there is one."""
        order = self._places(until)
        if order is None:
            return None
        gaps: list[tuple[int, int]] = []
        """Places without a call, the last one first, and by when one must have begun."""
        due = until
        for place in range(len(order) - 1, -1, -1):
            if order[place] != NOBODY:
                _, _, _, start, end, _, _ = self._history[order[place]]
                if start <= due:
                    due = min(due, end)
                    continue
                if end <= until:
                    return None
            gaps.append((place, due))
        if len(gaps) > len(self._open):
            return None
        for (place, due), index in zip(reversed(gaps), self._open, strict=False):
            if self._history[index].start > due:
                return None
            order[place] = index
        return order

    def _places(self, until: int) -> list[int] | None:
        """Return of each result up to the greatest returned the call; None if there are two."""
        places: list[int] = []
        size = 0
        for index in self._returned:
            _, _, _, start, end, _, result = self._history[index]
            if start > until:
                continue
            free = len(places) <= result < len(self._history)
            if end <= until:
                if not free:
                    return None
                size = result + 1
            if free:
                places += [NOBODY] * (result - len(places))
                places.append(index)
        return places[:size]
