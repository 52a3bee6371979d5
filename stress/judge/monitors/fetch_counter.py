"""Counters whose increment returns the value before: the results are the order.

The call that returned *k* is the one with *k* calls before it.  What no call returned, below the
greatest result, an open call would have; of these, the one that began first fills the first gap,
since the later a gap is, the later its call may have begun.  So there is one order to look at, and
it is legal if and only if no call of it returned before one in front of it began.

Source: folklore.  The filling of gaps is the exchange argument for jobs with release times (Horn,
"Some Simple Scheduling Algorithms", 1974).

The misfit: a cut is looked at like the whole, calls still running as open ones, with the calls
sorted once; the first instant at which it is illegal is found by bisection.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from stress.history import Span
from stress.judge.monitors.finding import Finding


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a counter is linearizable; None where it has other calls."""
    return Results(history).judge() if all(map(_qualifies, history)) else None


def _qualifies(call: Span) -> bool:
    if call.f != "increment" or call.arguments:
        return False
    return call.outcome == "info" or (call.outcome == "ok" and call.result.__class__ is int)


class Results:
    """The calls of a history, by what they returned and by when they began."""

    def __init__(self, history: Sequence[Span]) -> None:
        self._history = history
        self._returned = [index for index, call in enumerate(history) if call.outcome == "ok"]
        self._returned.sort(key=lambda index: history[index].result)
        self._begun = sorted(range(len(history)), key=lambda index: history[index].start)

    def judge(self) -> Finding:
        """Return whether the history is linearizable."""
        history = self._history
        returns = sorted({history[index].end for index in self._returned})
        order = self._order(returns[-1]) if returns else []
        if order is not None:
            return Finding(legal=True, order=tuple(order), misfit=None)
        place = bisect_left(returns, True, key=lambda instant: self._order(instant) is None)  # noqa: FBT003
        misfit = next(index for index in self._returned if history[index].end == returns[place])
        before = self._order(returns[place - 1]) if place else []
        assert before is not None
        return Finding(legal=False, order=tuple(before), misfit=misfit)

    def _order(self, until: int) -> list[int] | None:
        """Return the legal order of what had returned by an instant, if there is one."""
        history = self._history
        fillers = self._open(until)
        order: list[int] = []
        latest: int | None = None
        """When the last of these calls began."""
        for index in self._returned:
            _, _, _, start, end, _, result = history[index]
            if end > until:
                continue
            if result < len(order):
                return None
            for _ in range(len(order), result):
                filler = next(fillers, None)
                if filler is None:
                    return None
                order.append(filler)
                start = max(start, history[filler].start)
            latest = start if latest is None else max(latest, start)
            if end < latest:
                return None
            order.append(index)
        return order

    def _open(self, until: int) -> Iterator[int]:
        """Yield the calls that were running at an instant, by when they began."""
        for index in self._begun:
            _, _, _, start, end, outcome, _ = self._history[index]
            if start > until:
                return
            if outcome != "ok" or end > until:
                yield index
