"""What remains of a row of places, and the next of those that do.

>>> remaining = Remaining(5)
>>> remaining.remove(1, 3)
>>> remaining.next(0), remaining.next(1), remaining.next(3)
(0, 3, 3)

Places removed lead to the next one that may remain, by ever shorter ways (disjoint sets with path
halving: Tarjan and van Leeuwen 1984).  Each place is removed once, so n steps take n log n or less.
"""


class Remaining:
    """Places numbered from 0; the one after the last always remains."""

    def __init__(self, size: int) -> None:
        self._after = list(range(size + 1))

    def next(self, place: int) -> int:
        """Return `place`, or the first after it that remains."""
        after = self._after
        while (step := after[place]) != place:
            after[place] = place = after[step]
        return place

    def remove(self, start: int, stop: int) -> None:
        """Remove the places from `start` on, before `stop`."""
        while (start := self.next(start)) < stop:
            self._after[start] = stop
            start += 1
