"""Registers: every value is written once, and lasts in one piece.

A write and the reads that returned its value, a *cluster*, are neighbours in every legal order.
All that real time says of two clusters is whether some call of the one returned before some call of
the other began.  So for each cluster two instants matter: when the first of its calls returned, and
when the last one began.

    first return < last start    the value certainly lasted between the two
    last start <= first return   it may have come and gone at any instant between the two

Put the clusters in the order of whichever comes first.  The history is legal if and only if no read
returned before its write began, and none of the clusters has its first return before the last start
of a cluster in front of it.  For suppose both: then each has a call that returned before one
of the other began.  And a longer cycle of clusters has a shorter one in it, by the one whose first
return is the first of all.

The value before the first write is None, written before everything; no call may write it again.
An open write took effect if it was read.  Open reads say nothing.

Source: Gibbons and Korach, "Testing Shared Memories" (SIAM J. Comput. 26, 1997), where it is known
which write each read returned: no two zones of the former kind overlap, and none of them contains
one of the latter.  We differ in that one order decides both, and is a legal one.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from stress.history import Span
from stress.judge.monitors.finding import Finding, Misfit, distinguishable, same

FIRST: Final = 0
"""The cluster of the value before the first write."""
NOBODY: Final = -1
"""The call that writes it; the cluster of a value that nobody wrote."""


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a register is linearizable; None where that cannot be told.

    It cannot where there are other calls, or two writes of one value.
    """
    clusters = Clusters(history)
    if not clusters.qualifies:
        return None
    found = clusters.judge(clusters.never - 1)
    if not isinstance(found, Misfit):
        return Finding(legal=True, order=tuple(found), misfit=None)
    legal = clusters.always
    while isinstance(before := clusters.judge(found.instant - 1), Misfit):
        middle = (legal + before.instant) // 2  # bounds the number of rounds
        earlier = clusters.judge(middle)
        if isinstance(earlier, Misfit):
            found = earlier
        else:
            found, legal = before, middle
    return Finding(legal=False, order=tuple(before), misfit=found.call)


class Zones(NamedTuple):
    """What is known of the clusters at some instant."""

    first_return: list[int]
    """Of each; `never` where nothing shows that the write took effect."""
    last_start: list[int]


class Clusters:
    """The clusters of a history, by number."""

    def __init__(self, history: Sequence[Span]) -> None:
        self._history = history
        self._writes: list[int] = [NOBODY]
        """Of each cluster, the call that writes."""
        self._reads: list[int] = []
        """The calls that returned, by when they began."""
        self._read_from = array("q")
        """Of each of these, the cluster."""
        self.qualifies = self._gather()
        self.always = min((call.start for call in history), default=0) - 1
        """An instant before all others."""
        self.never = max((max(call.start, call.end) for call in history), default=0) + 1
        """An instant after all others."""

    def _gather(self) -> bool:
        """Put the calls where they belong; return whether the history qualifies."""
        history = self._history
        numbers: dict[Any, int] = {None: FIRST}
        for index, (_, f, arguments, _, _, outcome, result) in enumerate(history):
            values = arguments if f == "write" else (result,)
            if len(values) != 1 or outcome == "fail" or not distinguishable(values[0]):
                return False
            if f == "write":
                if outcome == "ok" and not same(result, values[0]):
                    return False
                numbers.setdefault(values[0], len(self._writes))
                self._writes.append(index)
            elif f != "read" or arguments:
                return False
            elif outcome == "ok":
                self._reads.append(index)
        self._reads.sort(key=lambda index: history[index].start)
        self._read_from.extend(numbers.get(history[index].result, NOBODY) for index in self._reads)
        return len(numbers) == len(self._writes)

    def judge(self, until: int) -> list[int] | Misfit:
        """Return a legal order of what had returned by an instant, or a call without a place.

        The history was illegal when that call returned, but it need not have been the first.
        """
        zones, misfits = self._zones(until)
        if misfits:
            return min(misfits)
        order = self._by_zone(zones)
        latest, holder = self.always, FIRST
        for cluster in order:
            if zones.first_return[cluster] < latest:
                return self._collision((holder, cluster), until)
            if zones.last_start[cluster] > latest:
                latest, holder = zones.last_start[cluster], cluster
        return self._order(order, until)

    def _zones(self, until: int) -> tuple[Zones, list[Misfit]]:
        """Return what was known by an instant, and reads of what had not been written."""
        history = self._history
        first_return, last_start = [self.always], [self.always]
        for cluster in range(1, len(self._writes)):
            _, _, _, start, end, outcome, _ = history[self._writes[cluster]]
            first_return.append(end if outcome == "ok" and end <= until else self.never)
            last_start.append(start)
        written = last_start.copy()
        misfits: list[Misfit] = []
        for index, cluster in zip(self._reads, self._read_from, strict=True):
            _, _, _, start, end, _, _ = history[index]
            if end > until:
                continue
            if cluster == NOBODY or end < written[cluster]:
                misfits.append(Misfit(end, index))
                continue
            first_return[cluster] = min(first_return[cluster], end)
            last_start[cluster] = max(last_start[cluster], start)
        return Zones(first_return, last_start), misfits

    def _by_zone(self, zones: Zones) -> list[int]:
        """Return the clusters that took effect by whichever of their instants comes first.

        Of several at one instant, those that need not have lasted come first.
        """
        moments = [
            2 * min(first, last) + (first < last)
            for first, last in zip(zones.first_return, zones.last_start, strict=True)
        ]
        effective = (
            cluster for cluster, first in enumerate(zones.first_return) if first < self.never
        )
        return sorted(effective, key=moments.__getitem__)

    def _collision(self, clusters: tuple[int, int], until: int) -> Misfit:
        """Return at which call two clusters first excluded one another."""
        first_return, last_start = {}, {}
        for cluster in clusters:
            write = self._writes[cluster]
            last_start[cluster] = self._history[write].start if write != NOBODY else self.always
            first_return[cluster] = self.never if write != NOBODY else self.always
        one, other = clusters
        for end, index, cluster in sorted(self._returned(clusters, until)):
            first_return[cluster] = min(first_return[cluster], end)
            last_start[cluster] = max(last_start[cluster], self._history[index].start)
            if first_return[one] < last_start[other] and first_return[other] < last_start[one]:
                return Misfit(end, index)
        raise AssertionError(clusters)

    def _returned(self, clusters: tuple[int, int], until: int) -> Iterator[tuple[int, int, int]]:
        """Yield the calls of two clusters: when they returned, and the call, and the cluster."""
        calls = [(self._writes[cluster], cluster) for cluster in clusters]
        for index, cluster in chain(calls, zip(self._reads, self._read_from, strict=True)):
            if cluster in clusters and index != NOBODY:
                _, _, _, _, end, outcome, _ = self._history[index]
                if outcome == "ok" and end <= until:
                    yield end, index, cluster

    def _order(self, clusters: list[int], until: int) -> list[int]:
        """Return the calls of clusters in their order, writes first, then reads as they began."""
        turns = array("q", bytes(8 * len(self._writes)))
        for turn, cluster in enumerate(clusters):
            turns[cluster] = turn
        calls = [self._writes[cluster] for cluster in clusters if cluster != FIRST]
        keys = [turns[cluster] for cluster in clusters if cluster != FIRST]
        for index, cluster in zip(self._reads, self._read_from, strict=True):
            if self._history[index].end <= until:
                calls.append(index)
                keys.append(turns[cluster])
        return [calls[place] for place in sorted(range(len(calls)), key=keys.__getitem__)]
