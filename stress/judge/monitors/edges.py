"""Where stretches of time start and end, in their order, as stretches are left out.

The starts and ends of stretches are *edges*, numbered in their order, at one instant ends first.
Edges that follow one another are linked.  Where no stretch lies over two of them they are cut
apart: there one segment ends, and the next starts.

>>> edges = Edges([0, 2, 5, 6], [9, 4, 8, 7])
>>> edges.start, edges.end
([0, 1, 3, 4], [7, 2, 6, 5])
>>> list(edges.cut())
[]
>>> edges.leave_out(0)
>>> list(edges.cut()), edges.before[2], edges.after[2], edges.before[3]
([(2, 3)], 1, -1, -1)

A *gap* is between an end and a start right after it.  Wherever edges are cut there is one, so only
gaps need to count the stretches that lie over them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from stress.judge.monitors.layers import Layers
from stress.judge.monitors.remaining import Remaining

NONE: Final = -1


class Edges:
    """The edges of stretches, each of which ends after it starts."""

    def __init__(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        size = len(starts)
        moments = [2 * start + 1 for start in starts]
        moments += [2 * end for end in ends]
        order = sorted(range(2 * size), key=moments.__getitem__)
        self.stretches = [each if each < size else each - size for each in order]
        """Of each edge."""
        self.start, self.end = [NONE] * size, [NONE] * size
        """Of each stretch, its two edges."""
        self._gaps: list[int] = []
        """The starts after gaps."""
        over: list[int] = []
        """Of each gap, how many stretches lie over it."""
        depth = 0
        ended = False
        for edge, each in enumerate(order):
            if each < size:
                self.start[each] = edge
                if ended:
                    self._gaps.append(edge)
                    over.append(depth)
                depth += 1
                ended = False
            else:
                self.end[each - size] = edge
                depth -= 1
                ended = True
        self._layers = Layers(over)
        self._remaining = Remaining(2 * size)
        self.before = list(range(NONE, 2 * size - 1))
        self.after = [*range(1, 2 * size), NONE]
        """Of each edge, those that it is linked with."""

    def leave_out(self, stretch: int) -> None:
        """Leave out a stretch."""
        for edge in (self.start[stretch], self.end[stretch]):
            before, after = self.before[edge], self.after[edge]
            if before != NONE:
                self.after[before] = after
            if after != NONE:
                self.before[after] = before
            self._remaining.remove(edge, edge + 1)
        first = bisect_right(self._gaps, self.start[stretch])
        self._layers.take(first, bisect_left(self._gaps, self.end[stretch]))

    def cut(self) -> Iterator[tuple[int, int]]:
        """Cut, and yield, all that is linked and that no stretch lies over any more."""
        for gap in self._layers.bare():
            after = self._remaining.next(self._gaps[gap])
            if after < len(self.before) and (before := self.before[after]) != NONE:
                self.after[before] = self.before[after] = NONE
                yield before, after
