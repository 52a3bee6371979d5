"""Segments of a stack's history, each with the value at its bottom, from the outside in.

Two values within a third, and how each is bounded (pushed from, pushed by, popped from, popped by):

>>> segments = Segments([0, 3, 5], [2, 4, 7], [9, 5, 8], [9, 6, 9])
>>> list(segments.bottoms())
[(0, 2, 9), (1, 4, 5), (2, 7, 8)]

Each segment keeps its values in two heaps: *waiting* by when their pushes began, until that is no
later than the segment's start, then *ready* by when their pops returned, the last one first.  When
a segment is cut in two, the smaller part gets heaps of its own, and its values are skipped where
they are left behind; so each value changes heaps at most log n times.
"""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from stress.judge.monitors.edges import NONE, Edges

LEFT_OUT: Final = -1
"""The segment of a value that is in none any more."""


class Segments:
    """The segments of values that were certainly in from `pushed_by` to `popped_from`."""

    def __init__(
        self,
        pushed_from: Sequence[int],
        pushed_by: Sequence[int],
        popped_from: Sequence[int],
        popped_by: Sequence[int],
    ) -> None:
        size = len(pushed_by)
        self._pushed_from, self._pushed_by, self._popped_from = pushed_from, pushed_by, popped_from
        self._edges = Edges(pushed_by, popped_from)
        self._by_push = sorted(range(size), key=pushed_from.__getitem__)
        self._by_pop = sorted(range(size), key=popped_by.__getitem__, reverse=True)
        self._push_rank = _inverse(self._by_push)
        self._pop_rank = _inverse(self._by_pop)
        self._segment = [0] * size
        """Of each value."""
        self._waiting: list[list[int]] = [list(range(size))]
        self._ready: list[list[int]] = [[]]
        """Of each segment, its heaps: ranks of values."""
        self._first, self._last = [0], [2 * size - 1]
        """Of each segment, its outermost edges."""

    def bottoms(self) -> Iterator[tuple[int, int, int]]:
        """Yield each value, and from when to when it may lie at the bottom of a segment.

        That the segment ends after its pop returned says that there is no bottom; then of the
        values whose pushes began in time it is the one whose pop returned last.
        """
        todo = [0] if self._segment else []
        todo += [self._divide(*cut) for cut in self._edges.cut()]
        while todo:
            segment = todo[-1]
            start = self._pushed_by[self._edges.stretches[self._first[segment]]]
            end = self._popped_from[self._edges.stretches[self._last[segment]]]
            value = self._bottom(segment, start)
            yield value, start, end
            if not self._leave_out(value, segment):
                todo.pop()
            todo += [self._divide(*cut) for cut in self._edges.cut()]

    def _bottom(self, segment: int, start: int) -> int:
        """Return of the values that were pushed in time the one that was popped last."""
        waiting, ready = self._waiting[segment], self._ready[segment]
        while waiting and self._pushed_from[value := self._by_push[waiting[0]]] <= start:
            heappop(waiting)
            if self._segment[value] == segment:
                heappush(ready, self._pop_rank[value])
        while self._segment[value := self._by_pop[heappop(ready)]] != segment:
            pass
        return value

    def _leave_out(self, value: int, segment: int) -> bool:
        """Leave out a value; return whether anything of its segment is left."""
        edges = self._edges
        start, end = edges.start[value], edges.end[value]
        if self._first[segment] == start:
            self._first[segment] = edges.after[start]
        if self._last[segment] == end:
            self._last[segment] = edges.before[end]
        edges.leave_out(value)
        self._segment[value] = LEFT_OUT
        return self._first[segment] != end

    def _divide(self, before: int, after: int) -> int:
        """Make a segment of the smaller part of one that was cut between two edges; return it."""
        edges = self._edges
        old, new = self._segment[edges.stretches[after]], len(self._first)
        left, right = before, after
        while NONE not in {left, right}:
            left, right = edges.before[left], edges.after[right]
        if left == NONE:
            self._first.append(self._first[old])
            self._last.append(before)
            self._first[old] = after
            edge, further = before, edges.before
        else:
            self._first.append(after)
            self._last.append(self._last[old])
            self._last[old] = before
            edge, further = after, edges.after
        waiting: list[int] = []
        while edge != NONE:
            value = edges.stretches[edge]
            if self._segment[value] != new:
                self._segment[value] = new
                waiting.append(self._push_rank[value])
            edge = further[edge]
        heapify(waiting)
        self._waiting.append(waiting)
        self._ready.append([])
        return new


def _inverse(order: list[int]) -> list[int]:
    """Return at which place of `order` each number is."""
    places = [0] * len(order)
    for place, number in enumerate(order):
        places[number] = place
    return places
